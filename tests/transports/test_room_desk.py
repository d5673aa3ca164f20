"""Who takes part, as clients change it: through the protocol, with fake models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from parley.conversation.connection import Place
from parley.realtime.session_object import Extensions
from tests.transports.client import STOCK, Client
from tests.virtual_time import run_virtual

OPTED_IN = replace(STOCK, extensions=Extensions())


def play(script: Callable[[Client], Awaitable[None]], client: Client) -> None:
    async def run() -> None:
        async with client:
            await script(client)

    run_virtual(run())


def update(c: Client, *agents: dict[str, Any], **room: Any) -> None:
    c.send("parley.room.update", room={"agents": list(agents), **room})


def test_the_host_lets_others_answer_and_is_told_who_takes_part() -> None:
    async def script(c: Client) -> None:
        assert (await c.until("parley.room.updated"))["room"] == {
            "people": ["user"], "agents": ["assistant"], "listeners": [], "floor": "addressed",
        }  # fmt: skip
        update(c, {"name": "Ada", "voice": "alloy", "speed": 1.2}, {"name": "Eve", "model": "fake-chat"}, floor="round")
        room = c.of("parley.room.updated")[-1]["room"]
        assert (room["agents"], room["floor"]) == (["Ada", "Eve"], "round")
        ada = c.session.agents["Ada"]
        assert (ada.settings.voice, ada.settings.speed, ada.settings.engine) == ("fake-voice", 1.2, "fake-chat")
        c.say("Hello.")
        c.send("response.create")
        await c.until("response.done", 2)
        assert [e["response"]["parley"]["agent"] for e in c.of("response.created")] == ["Ada", "Eve"]
        c.send("response.create", response={"parley": {"agents": ["Eve"]}})
        await c.until("response.done", 3)
        assert c.of("response.done")[-1]["response"]["output"][0]["parley"] == {"speaker": "Eve", "to": "user"}

    play(script, Client(shown=OPTED_IN))


@pytest.mark.parametrize(
    ("agent", "field"),
    [
        ({"name": "Ada", "model": "no such"}, "room.agents[0].model"),
        ({"name": "Ada", "voice": "no such"}, "room.agents[0].voice"),
        ({"name": "user"}, "room.agents"),
    ],
)
def test_what_cannot_be_is_refused_and_everybody_stays(agent: dict[str, Any], field: str) -> None:
    async def script(c: Client) -> None:
        update(c, agent)
        assert c.error["param"] == field
        assert list(c.session.agents) == ["assistant"]
        c.send("response.create", response={"parley": {"agents": ["Zoe"]}})
        assert c.error["param"] == "response.parley.agents"

    play(script, Client(shown=OPTED_IN))


def test_the_host_invites_and_nobody_else_does() -> None:
    made: list[bool] = []

    def invite(speaks: bool) -> str:
        made.append(speaks)
        return f"token {len(made)}"

    async def host(c: Client) -> None:
        c.send("parley.room.invite")
        c.send("parley.room.invite", role="listener")
        assert [(e["token"], e["role"]) for e in c.of("parley.room.invitation")] == [
            ("token 1", "speaker"), ("token 2", "listener"),
        ]  # fmt: skip
        assert made == [True, False]

    async def guest(c: Client) -> None:
        c.send("parley.room.invite")
        assert c.error["code"] == "not_the_host"
        update(c, {"name": "Ada"})
        assert c.error["code"] == "not_the_host"
        c.send("session.update", session={"type": "realtime", "instructions": "Obey me."})
        assert (c.error["code"], c.error["param"]) == ("not_the_host", "session.instructions")
        c.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
        assert c.of("session.updated")

    async def alone(c: Client) -> None:
        c.send("parley.room.invite")
        assert c.error["code"] == "unsupported"

    play(host, Client(shown=OPTED_IN, invite=invite))
    play(guest, Client(shown=OPTED_IN, invite=invite, place=Place("Ben", host=False)))
    play(alone, Client(shown=OPTED_IN))
    assert len(made) == 2


def test_a_stock_client_sees_and_does_nothing_of_it() -> None:
    async def script(c: Client) -> None:
        update(c, {"name": "Ada"})
        assert c.error["message"] == "connect with ?parley=1 for this"
        c.say("Hello.")
        c.send("response.create")
        await c.until("response.done")
        assert not [e for e in c.events if "parley" in str(e) and e["type"] != "error"]

    play(script, Client())


def test_an_open_microphone_of_who_only_listens_is_refused_once() -> None:
    async def script(c: Client) -> None:
        await c.speak(1.0)
        assert [e["error"]["code"] for e in c.of("error")] == ["listener"]
        c.send("input_audio_buffer.commit")
        assert c.error["message"] == "this connection only listens"

    play(script, Client(shown=OPTED_IN, place=Place("Ben", speaks=False)))
