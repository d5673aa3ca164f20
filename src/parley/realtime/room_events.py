"""Client events about who takes part in a conversation (``parley.room.*``), read into commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parley.realtime import answer_fields as af
from parley.realtime.reader import Reader

_MOST_AGENTS = 8
_LONGEST_NAME = 40
_FLOORS = ("addressed", "round")


@dataclass(frozen=True, slots=True)
class RoomAgent:
    """One who is to answer; None: as the session object says."""

    name: str
    instructions: str | None = None
    model: str | None = None
    voice: str | None = None
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class UpdateRoom:
    """``parley.room.update``: who answers from now on, all of them, and who of them answers whom."""

    agents: tuple[RoomAgent, ...]
    floor: Literal["addressed", "round"]


@dataclass(frozen=True, slots=True)
class Invite:
    """``parley.room.invite``: others may come with what is answered."""

    speaks: bool


def read_update_room(given: Reader) -> UpdateRoom:
    """Raises `ProtocolError` that names the field."""
    room = given.need_object("room")
    agents = tuple(_agent(agent) for agent in room.objects("agents", most=_MOST_AGENTS))
    if not agents:
        raise room.missing("agents")
    return UpdateRoom(agents, room.choice("floor", _FLOORS, "addressed"))


def read_invite(given: Reader) -> Invite:
    """Raises `ProtocolError` that names the field."""
    return Invite(given.choice("role", ("speaker", "listener"), "speaker") == "speaker")


def _agent(given: Reader) -> RoomAgent:
    return RoomAgent(
        given.need_identifier("name", longest=_LONGEST_NAME), given.text("instructions"), given.text("model"),
        af.read_voice(given), given.number("speed", None, 0.25, 1.5),
    )  # fmt: skip
