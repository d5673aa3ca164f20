"""Who takes part, as clients change it: through the protocol, with fake models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from parley.conversation.circle import Place
from parley.realtime.session_object import Extensions
from parley.transports.recording import Shelf
from tests.transports.client import STOCK, Client
from tests.virtual_time import run_virtual

OPTED_IN = replace(STOCK, extensions=Extensions())


class Services:
    """What a server has for several, without one."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.made: list[tuple[bool, float | None]] = []
        self.revoked = False
        self.closed: list[bytes] = []
        self.shelf = shelf

    def invite(self, *, speaks: bool, life_s: float | None) -> str:
        self.made.append((speaks, life_s))
        return f"token {len(self.made)}"

    def revoke(self) -> None:
        self.revoked = True

    def close(self, invitation: bytes) -> None:
        self.closed.append(invitation)


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
            "members": [{"name": "user", "role": "host", "muted": False, "hand": False}],
            "you": {"name": "user", "role": "host"},
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
    services = Services()

    async def host(c: Client) -> None:
        c.send("parley.room.invite")
        c.send("parley.room.invite", role="listener", expires_after_s=60)
        assert [(e["token"], e["role"]) for e in c.of("parley.room.invitation")] == [
            ("token 1", "speaker"), ("token 2", "listener"),
        ]  # fmt: skip
        assert services.made == [(True, None), (False, 60)]
        c.send("parley.room.revoke")
        assert services.revoked

    async def guest(c: Client) -> None:
        for event in ("invite", "revoke"):
            c.send(f"parley.room.{event}")
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

    play(host, Client(shown=OPTED_IN, services=services))
    play(guest, Client(shown=OPTED_IN, services=services, place=Place("Ben", host=False)))
    play(alone, Client(shown=OPTED_IN))
    assert len(services.made) == 2


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


def together(script: Callable[[Client, Client], Awaitable[None]], **ben: bool) -> None:
    """A host called Ann and a guest called Ben."""

    async def run() -> None:
        place = Place("Ben", ben.get("speaks", True), host=False)
        async with (
            Client(shown=OPTED_IN, place=Place("Ann"), services=Services()) as ann,
            Client(shown=OPTED_IN, host=ann, place=place, services=Services()) as guest,
        ):
            await script(ann, guest)

    run_virtual(run())


def members(c: Client) -> dict[str, dict[str, Any]]:
    return {m["name"]: m for m in c.of("parley.room.updated")[-1]["room"]["members"]}


def test_a_muted_guest_is_not_heard_and_does_not_write_until_it_may_again() -> None:
    async def script(ann: Client, ben: Client) -> None:
        ann.send("parley.room.mute", name="Ben")
        assert members(ben)["Ben"]["muted"]
        await ben.speak(1.0)
        await ben.silence(1.0)
        ben.say("Hello?")
        assert ben.error["code"] == "muted"
        ann.send("parley.room.unmute", name="Ben")
        assert not members(ann)["Ben"]["muted"]
        assert not ann.of("input_audio_buffer.speech_started")
        await ben.speak(1.0)
        await ben.silence(1.0)
        assert [e["parley"]["participant"] for e in ann.of("input_audio_buffer.speech_started")] == ["Ben"]

    together(script)


def test_who_is_muted_while_it_speaks_has_ended() -> None:
    async def script(ann: Client, ben: Client) -> None:
        await ben.speak(0.6)
        ann.send("parley.room.mute", name="Ben")
        await ben.speak(2.0)
        assert len(ann.of("input_audio_buffer.speech_stopped")) == 1

    together(script)


@pytest.mark.parametrize(("name", "words"), [("Zoe", "nobody called 'Zoe'"), ("Ann", "is the host")])
@pytest.mark.parametrize("event", ["mute", "unmute", "remove"])
def test_only_guests_who_are_there_are_muted_or_sent_away(event: str, name: str, words: str) -> None:
    async def script(ann: Client, ben: Client) -> None:
        ann.send(f"parley.room.{event}", name=name)
        assert (ann.error["param"], words in ann.error["message"]) == ("name", True)
        ben.send(f"parley.room.{event}", name="Ann")
        assert ben.error["code"] == "not_the_host"

    together(script)


@pytest.mark.parametrize(("invitation", "closed"), [(b"by a link", [b"by a link"]), (b"", [])])
def test_nobody_comes_by_the_invitation_of_who_is_sent_away(invitation: bytes, closed: list[bytes]) -> None:
    async def script() -> None:
        services, place = Services(), Place("Ben", host=False, invitation=invitation)
        async with (
            Client(shown=OPTED_IN, place=Place("Ann"), services=services) as ann,
            Client(shown=OPTED_IN, host=ann, place=place),
        ):
            ann.send("parley.room.remove", name="Ben")
            assert services.closed == closed

    run_virtual(script())


def test_who_is_sent_away_is_told_to_its_transport() -> None:
    async def script(ann: Client, ben: Client) -> None:
        ann.send("parley.room.remove", name="Ben")
        assert ben.connection.sent_away.is_set()
        assert not ann.connection.sent_away.is_set()

    together(script)


@pytest.mark.parametrize("speaks", [True, False])
def test_everybody_raises_a_hand_and_it_is_seen_until_it_is_lowered(*, speaks: bool) -> None:
    async def script(ann: Client, ben: Client) -> None:
        ben.send("parley.room.raise_hand")
        ben.send("parley.room.raise_hand")
        assert [members(c)["Ben"]["hand"] for c in (ann, ben)] == [True, True]
        ben.send("parley.room.lower_hand")
        assert not members(ann)["Ben"]["hand"]
        assert members(ben)["Ben"]["role"] == ("speaker" if speaks else "listener")

    together(script, speaks=speaks)


def test_who_speaks_or_writes_has_lowered_its_hand() -> None:
    async def script(ann: Client, ben: Client) -> None:
        ben.send("parley.room.raise_hand")
        await ben.speak(1.0)
        assert not members(ann)["Ben"]["hand"]
        await ben.silence(1.0)
        ben.send("parley.room.raise_hand")
        ben.say("Hello.")
        assert not members(ann)["Ben"]["hand"]

    together(script)
