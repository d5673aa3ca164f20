"""A guest's client beside the host's: the protocol of each is its own, through fake models."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from parley.conversation.circle import Place
from parley.models.fakes import FakeChat
from parley.models.interfaces import Caller, ChatDelta, ChatOptions, Message
from parley.realtime.session_object import Extensions, WireFormat
from tests.transports.client import STOCK, Client
from tests.virtual_time import run_virtual

TELEPHONE = WireFormat("audio/pcmu", 8000)
TOOL = {"type": "function", "name": "look", "description": "", "parameters": {"type": "object", "properties": {}}}


class Chat(FakeChat):
    """Remembers which tools it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.tools: list[Sequence[Mapping[str, Any]]] = []

    def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        self.tools.append(options.tools)
        return super().stream(messages, options, caller)


def meet(script: Callable[[Client, Client], Awaitable[None]], guest: dict[str, Any], **host: Any) -> None:
    """Run a script with a host and a guest of the name Ben."""

    async def run() -> None:
        async with Client(**host) as first, Client(host=first, place=Place("Ben", host=False), **guest) as second:
            await script(first, second)

    run_virtual(run())


def sound_of(client: Client) -> int:
    return sum(len(base64.b64decode(e["delta"])) for e in client.of("response.output_audio.delta"))


def test_each_client_gets_the_sound_in_its_own_format_whoever_asked_for_it() -> None:
    async def script(host: Client, guest: Client) -> None:
        for asking in (host, guest):
            asking.send("response.create")
            await asking.until("response.done")
            assert sound_of(host) / sound_of(guest) == pytest.approx(6, rel=0.05)
            formats = [c.of("response.created")[0]["response"]["audio"]["output"]["format"] for c in (host, guest)]
            assert formats == [{"type": "audio/pcm", "rate": 24000}, {"type": "audio/pcmu"}]
            whose = {c.of("response.created")[0]["response"]["conversation_id"] for c in (host, guest)}
            assert whose == {"conv_1", "conv_2"}
            for client in (host, guest):
                client.events.clear()

    meet(script, {"shown": replace(STOCK, id="sess_2", output_format=TELEPHONE)})


def test_a_format_for_one_answer_is_that_of_who_asked_for_it_alone() -> None:
    async def script(host: Client, guest: Client) -> None:
        output = {"format": {"type": "audio/pcmu"}}
        guest.send("response.create", response={"audio": {"output": output}, "metadata": {"for": "Ben"}})
        await guest.until("response.done")
        assert sound_of(host) / sound_of(guest) == pytest.approx(6, rel=0.05)
        assert host.of("response.done")[0]["response"]["metadata"] == {"for": "Ben"}

    meet(script, {"shown": replace(STOCK, id="sess_2")})


def test_an_answer_that_a_guest_asks_for_has_the_tools_of_the_host() -> None:
    async def script(host: Client, guest: Client) -> None:
        guest.send("response.create")
        await host.until("response.done")
        assert [[t["function"]["name"] for t in tools] for tools in chat.tools] == [["look"]]

    chat = Chat()
    meet(script, {"shown": replace(STOCK, id="sess_2")}, shown=replace(STOCK, tools=(TOOL,)), chat=chat)


def test_words_that_somebody_types_are_his_own() -> None:
    async def script(host: Client, guest: Client) -> None:
        guest.say("I am late.")
        host.say("So you are.")
        told = [e["item"]["parley"] for e in host.of("conversation.item.added")]
        assert told == [{"speaker": "Ben"}, {"speaker": "user"}]
        host.send("response.create")
        await host.until("response.done")
        assert host.chat.prompts[-1][-1]["content"] == "Ben: I am late. user: So you are."

    meet(script, {"shown": replace(STOCK, id="sess_2")}, shown=replace(STOCK, extensions=Extensions()))


def test_who_comes_to_a_conversation_is_told_what_was_said_there() -> None:
    async def run() -> None:
        shown = replace(STOCK, extensions=Extensions())
        async with Client(shown=shown) as host:
            host.say("Hello.")
            host.send("response.create")
            await host.until("response.done")
            assert not host.of("parley.room.items"), "nothing had been said"
            async with Client(host=host, shown=shown, place=Place("Ben", host=False)) as guest:
                assert guest.events[0]["type"] == "session.created"
                (told,) = guest.of("parley.room.items")
                assert [item["parley"]["speaker"] for item in told["items"]] == ["user", "assistant"]
            async with Client(host=host, place=Place("Cem", host=False)) as stock:
                assert not [e for e in stock.events if e["type"].startswith("parley.")]

    run_virtual(run())
