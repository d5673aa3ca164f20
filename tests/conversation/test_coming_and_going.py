"""Coming and going: whatever happens to one connection is over with it, and harms nobody else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.responses.response import ResponseOptions
from parley.conversation.tools.tool import Tool
from parley.errors import ProtocolError
from parley.turns.actions import Ending
from tests.conversation.test_rooms import Client, Room
from tests.virtual_time import run_virtual


def test_who_comes_back_under_a_name_stays_while_the_connection_before_is_cleared_away() -> None:
    async def script() -> None:
        async with Room() as room, Client(room, "Ann"):
            async with Client(room, "Ben", host=False) as before:
                pass
            async with Client(room, "Ben", host=False) as ben:
                await before.connection.aclose()
                assert room.conversation.present == ("Ann", "Ben")
                await ben.say(1.0)
                await room.silence(2.5)
                assert [who for who, _, _ in room.said] == ["Ben", "assistant"]
                assert ben.frames

    run_virtual(script())


def test_a_name_is_free_as_soon_as_its_connection_begins_to_leave() -> None:
    async def script() -> None:
        async with Room() as room, Client(room, "Ann"):
            before = Client(room, "Ben", host=False)
            await before.connection.__aenter__()
            leaving = asyncio.create_task(before.connection.aclose())
            await asyncio.sleep(0)
            async with Client(room, "Ben", host=False):
                await leaving
                assert list(room.conversation.people) == ["Ann", "Ben"]
                assert room.conversation.context.audience.names == ("Ann", "Ben")

    run_virtual(script())


def test_a_listener_who_cannot_be_told_any_more_is_not_waited_for_when_it_has_left() -> None:
    async def script() -> None:
        async with Room() as room, Client(room, "Ann") as ann:
            async with Client(room, "Ben", speaks=False, host=False) as ben:
                ben.fails = True
                room.conversation.tell_who_is_here()
                assert ben.connection.broken.is_set()
                with pytest.raises(ProtocolError, match="'Ben' takes part already"):
                    Client(room, "Ben", host=False)
            assert room.conversation.present == room.conversation.context.audience.names == ("Ann",)
            await ann.say(1.0)
            await room.silence(2.5)
            assert [e.ending for e in ann.of(nt.ResponseEnded)] == [Ending.FINISHED]

    run_virtual(script())


def test_nobody_is_answered_when_nobody_is_there() -> None:
    async def script() -> None:
        async with Room() as room:
            async with Client(room, "Ann") as ann:
                async with Client(room, "Ben", speaks=False, host=False):
                    await ann.say(0.5)
                    room.conversation.request_response(ResponseOptions(participant="Ben"))
                await ann.say(0.5)
            await asyncio.sleep(5.0)
            assert not room.said, "what a listener asked for has left with it"
            assert not room.conversation._taker._context.people

    run_virtual(script())


def test_what_a_tool_gives_when_nobody_is_there_waits_in_the_history_and_is_not_said_to_nobody() -> None:
    async def script() -> None:
        async def look(_: dict[str, Any]) -> str:
            await asyncio.sleep(3.0)
            return "noon"

        async with Room(answers=("tool:clock", "It is noon.")) as room:
            tools = (Tool("clock", "Tells the time.", look),)
            async with Client(room, "Ann") as ann:
                ann.connection.update(replace(room.conversation.settings, server_tools=tools))
                await ann.say(1.0)
                await room.silence(1.5)
            await asyncio.sleep(10.0)
            assert [i.kind for i in room.conversation.history.items] == [
                "message", "function_call", "function_call_output",
            ]  # fmt: skip
            async with Client(room, "Ann") as ann:
                await ann.say(1.0)
                await room.silence(2.5)
                assert room.said[-1] == ("assistant", "Ann", "It is noon.")

    run_virtual(script())
