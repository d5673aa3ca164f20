"""Client events about who takes part in a conversation (``parley.room.*``), read into commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from parley.emotions import EMOTIONS
from parley.realtime import answer_fields as af
from parley.realtime.reader import Reader

_MOST_AGENTS = 8
_LONGEST_NAME = 40
LONGEST_LIFE_S = 7 * 24 * 3600
"""Of an invitation that has a time."""
_FLOORS = ("addressed", "called", "round")


@dataclass(frozen=True, slots=True)
class RoomAgent:
    """One who is to answer; None: as the session object says."""

    name: str
    instructions: str | None = None
    model: str | None = None
    voice: str | None = None
    speed: float | None = None
    emotion: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateRoom:
    """``parley.room.update``: who answers from now on, all of them, and who of them answers whom."""

    agents: tuple[RoomAgent, ...]
    floor: Literal["addressed", "called", "round"]


@dataclass(frozen=True, slots=True)
class Invite:
    """``parley.room.invite``: others may come with what is answered."""

    speaks: bool
    life_s: float | None = None
    """For how long; None: as long as the conversation goes on."""


@dataclass(frozen=True, slots=True)
class RevokeInvitations:
    """``parley.room.revoke``: nobody else comes by the invitations made so far."""


@dataclass(frozen=True, slots=True)
class ChangeMember:
    """``parley.room.mute``, ``unmute`` and ``remove``: about a guest."""

    what: Literal["mute", "unmute", "remove"]
    name: str


@dataclass(frozen=True, slots=True)
class RaiseHand:
    """``parley.room.raise_hand`` and ``lower_hand``."""

    up: bool


@dataclass(frozen=True, slots=True)
class Record:
    """``parley.recording.ask`` and ``stop``."""

    on: bool


@dataclass(frozen=True, slots=True)
class ConsentToRecording:
    """``parley.recording.consent``."""

    agrees: bool


RoomCommand = UpdateRoom | Invite | RevokeInvitations | ChangeMember | RaiseHand | Record | ConsentToRecording


def read_update_room(given: Reader) -> UpdateRoom:
    """Raises `ProtocolError` that names the field."""
    room = given.need_object("room")
    agents = tuple(_agent(agent) for agent in room.objects("agents", most=_MOST_AGENTS))
    if not agents:
        raise room.missing("agents")
    return UpdateRoom(agents, room.choice("floor", _FLOORS, "addressed"))


def read_invite(given: Reader) -> Invite:
    """Raises `ProtocolError` that names the field."""
    role = given.choice("role", ("speaker", "listener"), "speaker")
    return Invite(role == "speaker", given.number("expires_after_s", None, 10, LONGEST_LIFE_S))


def read_change(what: Literal["mute", "unmute", "remove"]) -> Callable[[Reader], ChangeMember]:
    """Reads an event that names a guest."""
    return lambda given: ChangeMember(what, given.need_text("name", longest=_LONGEST_NAME))


def read_consent(given: Reader) -> ConsentToRecording:
    """Raises `ProtocolError` that names the field."""
    if given.value("consents") is None:
        raise given.missing("consents")
    return ConsentToRecording(given.flag("consents", False))


READERS: dict[str, Callable[[Reader], RoomCommand]] = {
    "parley.room.update": read_update_room,
    "parley.room.invite": read_invite,
    "parley.room.revoke": lambda _: RevokeInvitations(),
    "parley.room.mute": read_change("mute"),
    "parley.room.unmute": read_change("unmute"),
    "parley.room.remove": read_change("remove"),
    "parley.room.raise_hand": lambda _: RaiseHand(up=True),
    "parley.room.lower_hand": lambda _: RaiseHand(up=False),
    "parley.recording.ask": lambda _: Record(on=True),
    "parley.recording.stop": lambda _: Record(on=False),
    "parley.recording.consent": read_consent,
}


def _agent(given: Reader) -> RoomAgent:
    return RoomAgent(
        given.need_identifier("name", longest=_LONGEST_NAME), given.text("instructions"), given.text("model"),
        af.read_voice(given), given.number("speed", None, 0.25, 1.5), given.choice("emotion", EMOTIONS, None),
    )  # fmt: skip
