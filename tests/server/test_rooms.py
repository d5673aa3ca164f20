"""Rooms that an application makes: who comes by which token, who is there, when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from parley.errors import Overloaded
from parley.server.app import create_app
from parley.server.rooms import Rooms
from parley.server.security import Gate
from parley.server.state import ServerState
from tests.server.fake_server import state_with
from tests.server.sockets import DROPPED, Socket
from tests.server.test_resumption import SHOWN, suspended
from tests.virtual_time import run_virtual

Script = Callable[[ServerState, httpx.AsyncClient], Awaitable[None]]


def play(script: Script, key: str | None = None) -> None:
    async def run() -> None:
        state = state_with(gate=Gate(key, []), api_key=key) if key else state_with()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(create_app(state))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            await script(state, client)
        await state.aclose()

    run_virtual(run())


async def made(client: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    answer = await client.post("/v1/rooms", json=wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_token_says_what_somebody_is_and_stands_in_the_place_of_the_key() -> None:
    async def script(state: ServerState, client: httpx.AsyncClient) -> None:
        room = await made(client, session={"type": "realtime", "instructions": "Be brief."})
        assert room["agents"] == ["assistant"]
        tokens = {role: token["value"] for role, token in room["tokens"].items()}
        async with (
            Socket(state, key=tokens["host"], parley="1", name="Ann") as ann,
            Socket(state, key=tokens["speaker"], parley="1", name="Ben") as ben,
            Socket(state, key=tokens["listener"], parley="1") as silent,
            Socket(state, key=tokens["speaker"]) as stock,
        ):
            assert ann.of("session.created")[0]["session"]["instructions"] == "Be brief."
            assert [c.of("parley.room.updated")[-1]["room"]["you"]["role"] for c in (ann, ben, silent)] == [
                "host", "speaker", "listener",
            ]  # fmt: skip
            assert ann.people == ["Ann", "Ben", "Guest 2"]
            await ben.send("parley.debate.start", debate={"topic": "Cats"})
            assert ben.of("error")[-1]["error"]["code"] == "not_the_host"
            await stock.say("Hello.")
            assert ann.of("conversation.item.added")[-1]["item"]["parley"] == {"speaker": "Guest 2"}
            shown = (await client.get(f"/v1/rooms/{room['id']}")).json()
            assert [(m["name"], m["role"]) for m in shown["members"]] == [
                ("Ann", "host"), ("Ben", "speaker"), ("Guest 1", "listener"), ("Guest 2", "speaker"),
            ]  # fmt: skip

    play(script, "a key")


@pytest.mark.parametrize("key", [None, "a key"])
def test_a_token_that_is_not_good_opens_nothing_not_even_a_conversation_of_its_own(key: str | None) -> None:
    async def script(state: ServerState, client: httpx.AsyncClient) -> None:
        async with Socket(state, key="rt_of-no-room", parley="1") as lost:
            assert [e["error"]["code"] for e in lost.events] == ["no_room"]
        room = await made(client)
        guest = room["tokens"]["host"]["value"]
        for path in ("/v1/rooms", f"/v1/rooms/{room['id']}/tokens"):
            answer = await client.post(path, headers={"Authorization": f"Bearer {guest}"})
            assert answer.status_code == (401 if key else 201), path

    play(script, key)


def test_agents_and_the_floor_are_the_applications() -> None:
    async def script(state: ServerState, client: httpx.AsyncClient) -> None:
        room = await made(client, agents=[{"name": "Ada"}, {"name": "Ben"}], floor="called")
        assert (room["agents"], room["floor"]) == (["Ada", "Ben"], "called")
        assert (await made(client, floor="called"))["agents"] == ["assistant"]
        async with Socket(state, key=room["tokens"]["host"]["value"], parley="1") as host:
            await host.say("Good morning everybody.")
            await asyncio.sleep(3.0)
            assert not host.of("response.created")

    play(script)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"agents": [{"name": "Ada", "voice": "none"}]}, "agents[0].voice"),
        ({"agents": [{"name": "Ada", "model": "none"}]}, "agents[0].model"),
        ({"agents": []}, "room.agents"),
        ({"floor": "mine"}, "room.floor"),
        ({"session": {"type": "realtime", "speed": 1}}, "session.speed"),
        ({"expires_after": {"seconds": 1}}, "expires_after.seconds"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(wanted: dict[str, Any], field: str) -> None:
    async def script(state: ServerState, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/rooms", json=wanted)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, field), answer.text
        assert not state.conversations.rooms._all

    play(script)


def test_further_tokens_are_made_and_a_room_is_ended_with_everybody_in_it() -> None:
    async def script(state: ServerState, client: httpx.AsyncClient) -> None:
        room = await made(client)
        token = (await client.post(f"/v1/rooms/{room['id']}/tokens", json={"role": "listener"})).json()
        assert token["role"] == "listener"
        async with Socket(state, key=token["value"], parley="1") as guest:
            assert (await client.delete(f"/v1/rooms/{room['id']}")).status_code == 204
            await asyncio.wait_for(guest.serving, 5.0)
            assert guest.closed is not None
        assert (await client.get(f"/v1/rooms/{room['id']}")).status_code == 404
        async with Socket(state, key=token["value"], parley="1") as late:
            assert late.of("error")[0]["error"]["code"] == "no_room"
        assert not state.sessions

    play(script)


def test_a_room_waits_for_who_comes_first_and_a_minute_for_who_comes_again() -> None:
    async def script(state: ServerState, client: httpx.AsyncClient) -> None:
        room = await made(client, expires_after={"seconds": 600})
        host = room["tokens"]["host"]["value"]
        await asyncio.sleep(500)
        async with Socket(state, key=host, parley="1"):
            await asyncio.sleep(200)
        await asyncio.sleep(50)
        assert (await client.get(f"/v1/rooms/{room['id']}")).status_code == 200
        await asyncio.sleep(20)
        assert (await client.get(f"/v1/rooms/{room['id']}")).status_code == 404
        unused = await made(client, expires_after={"seconds": 600})
        await asyncio.sleep(601)
        assert (await client.get(f"/v1/rooms/{unused['id']}")).status_code == 404
        assert not state.conversations.invitations._all

    play(script)


def test_who_is_sent_away_is_told_so_and_does_not_come_back_by_its_token() -> None:
    async def script(state: ServerState, client: httpx.AsyncClient) -> None:
        room = await made(client)
        tokens = room["tokens"]
        async with Socket(state, key=tokens["host"]["value"], parley="1", name="Ann") as ann:
            ben = await Socket(state, key=tokens["speaker"]["value"], parley="1", name="Ben").__aenter__()
            await ann.send("parley.room.remove", name="Ben")
            await asyncio.wait_for(ben.serving, 5.0)
            assert ben.of("error")[-1]["error"]["code"] == "removed"
            assert ann.people == ["Ann"]
            async with Socket(state, parley="1", resume=ben.token) as back:
                assert not back.resumed
            for token, code in ((tokens["speaker"], "no_room"), (tokens["listener"], None)):
                async with Socket(state, key=token["value"], parley="1", name="Bill") as again:
                    assert [e["error"]["code"] for e in again.of("error")] == ([code] if code else [])
            await ann.send("parley.room.revoke")
            async with Socket(state, key=tokens["listener"]["value"], parley="1", name="Bill") as again:
                assert again.of("error")[0]["error"]["code"] == "no_room"

    play(script)


def test_who_is_there_comes_back_after_a_break_though_nobody_else_comes_any_more() -> None:
    async def script(state: ServerState, client: httpx.AsyncClient) -> None:
        tokens = (await made(client))["tokens"]
        async with Socket(state, key=tokens["host"]["value"], parley="1", name="Ann") as ann:
            ben, eve = [
                await Socket(state, key=tokens["speaker"]["value"], parley="1", name=name).__aenter__()
                for name in ("Ben", "Eve")
            ]
            await ann.send("parley.room.remove", name="Eve")
            await asyncio.wait_for(eve.serving, 5.0)
            await ben.leave(DROPPED)
            async with Socket(state, key=tokens["speaker"]["value"], parley="1", resume=ben.token) as back:
                assert back.resumed
                assert ann.people == ["Ann", "Ben"]

    play(script)


def test_there_is_a_bound_to_rooms() -> None:
    async def script() -> None:
        rooms = Rooms(over=lambda _: None)
        for _ in range(64):
            rooms.open(suspended("a").conversation, SHOWN, 60)
        with pytest.raises(Overloaded, match="64 rooms"):
            rooms.open(suspended("a").conversation, SHOWN, 60)
        rooms.drop_all()
        rooms.open(suspended("a").conversation, SHOWN, 60)
        rooms.drop_all()

    run_virtual(script())
