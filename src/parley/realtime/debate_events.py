"""Client events about a debate (``parley.debate.*``), read into commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from parley.realtime import answer_fields as af
from parley.realtime.reader import Reader

_MOST_DEBATERS = 6
_LONGEST_NAME = 40
_LONGEST_TOPIC = 300
_MOST_MINUTES = 180
EXPORTS = ("md", "json", "srt", "vtt")


@dataclass(frozen=True, slots=True)
class DebateSpeaker:
    """A debater or the moderator; None and empty: the format or the session object says."""

    name: str = ""
    side: str = ""
    instructions: str = ""
    model: str | None = None
    voice: str | None = None
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class StartDebate:
    """``parley.debate.start``."""

    topic: str
    format: str | Mapping[str, Any]
    """The name of a format, or a format as such."""
    debaters: tuple[DebateSpeaker, ...]
    moderator: DebateSpeaker | None
    minutes: float | None
    spectated: bool


@dataclass(frozen=True, slots=True)
class SteerDebate:
    """``parley.debate.next``, ``extend``, ``stop``, ``mute`` and ``unmute``."""

    what: Literal["next", "extend", "stop", "mute", "unmute"]
    name: str = ""
    """Whom to mute."""


@dataclass(frozen=True, slots=True)
class VoteInDebate:
    """``parley.debate.vote``."""

    side: str


@dataclass(frozen=True, slots=True)
class ExportDebate:
    """``parley.debate.export``: what was said so far, as a document."""

    format: str


DebateCommand = StartDebate | SteerDebate | VoteInDebate | ExportDebate


def read_start(given: Reader) -> StartDebate:
    """Raises `ProtocolError` that names the field."""
    debate = given.need_object("debate")
    wanted = debate.value("format")
    if isinstance(wanted, dict):
        debate.apart("format")
    else:
        wanted = debate.text("format", "debate", longest=_LONGEST_NAME)
    moderator = debate.object("moderator")
    return StartDebate(
        debate.need_text("topic", longest=_LONGEST_TOPIC), wanted or "debate",
        tuple(_speaker(one) for one in debate.objects("debaters", most=_MOST_DEBATERS)),
        _speaker(moderator) if moderator is not None else None,
        debate.number("minutes", None, 0.1, _MOST_MINUTES), debate.flag("spectated", False),
    )  # fmt: skip


def read_steer(what: Literal["next", "extend", "stop"]) -> Callable[[Reader], SteerDebate]:
    """Reads an event that has no fields."""
    return lambda _: SteerDebate(what)


def read_mute(what: Literal["mute", "unmute"]) -> Callable[[Reader], SteerDebate]:
    """Reads an event that names a debater."""
    return lambda given: SteerDebate(what, given.need_identifier("name", longest=_LONGEST_NAME))


def read_vote(given: Reader) -> VoteInDebate:
    """Raises `ProtocolError` that names the field."""
    return VoteInDebate(given.need_text("side", longest=_LONGEST_NAME))


def read_export(given: Reader) -> ExportDebate:
    """Raises `ProtocolError` that names the field."""
    return ExportDebate(given.choice("format", EXPORTS, "md"))


READERS: dict[str, Callable[[Reader], DebateCommand]] = {
    "parley.debate.start": read_start,
    "parley.debate.next": read_steer("next"),
    "parley.debate.extend": read_steer("extend"),
    "parley.debate.stop": read_steer("stop"),
    "parley.debate.mute": read_mute("mute"),
    "parley.debate.unmute": read_mute("unmute"),
    "parley.debate.vote": read_vote,
    "parley.debate.export": read_export,
}


def _speaker(given: Reader) -> DebateSpeaker:
    return DebateSpeaker(
        given.identifier("name", longest=_LONGEST_NAME) or "", given.text("side", longest=_LONGEST_NAME) or "",
        given.text("instructions", longest=4000) or "", given.text("model"), af.read_voice(given),
        given.number("speed", None, 0.25, 1.5),
    )  # fmt: skip
