"""What to do: the outputs of the turn-taker. Orders to the driver, immutable, to be performed in order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Ending(Enum):
    """How a response ended; each ends exactly once."""

    FINISHED = "finished"
    CUT = "cut"
    """Stopped by the user or the client after its commit."""
    FAILED = "failed"
    DROPPED = "dropped"
    """A speculation that was not needed; nothing of it ever left."""


@dataclass(frozen=True, slots=True)
class AnnounceSpeechStarted:
    """Tell the client that the participant has begun a turn."""

    participant: str
    turn: int
    at: float
    """Media time of the first voiced sample, seconds."""


@dataclass(frozen=True, slots=True)
class DisregardVoice:
    """The voice that has just begun is nobody's who takes part: it is looked at anew as if it had not begun."""

    participant: str
    why: Literal["echo", "far away"]


@dataclass(frozen=True, slots=True)
class TranscribePartial:
    """Transcribe the turn so far; answer with `Transcribed(final=False)`."""

    participant: str
    turn: int
    revision: int
    urgent: bool
    """Whether a decision waits for it; otherwise it is for idle moments and may be left out."""


@dataclass(frozen=True, slots=True)
class FinalizeTranscript:
    """Transcribe the turn up to the last voiced sample; answer with `Transcribed(final=True)`."""

    participant: str
    turn: int
    revision: int
    until: float
    """Media time of the last voiced sample, seconds."""


@dataclass(frozen=True, slots=True)
class ScoreEndOfTurn:
    """Ask the turn model; answer with `EndOfTurnScored`."""

    participant: str
    turn: int
    revision: int


@dataclass(frozen=True, slots=True)
class ScoreEndOfSentence:
    """Ask whether the words can end here; answer with `EndOfSentenceScored`."""

    participant: str
    turn: int
    text: str
    urgent: bool
    """Whether a decision waits for it."""


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """The turn is over: its transcript enters the history."""

    participant: str
    turn: int
    transcript: str
    started: float
    ended: float
    """Media times of the first and the last voiced sample, seconds."""
    lost: bool = False
    """Whether its words never came: the transcript says nothing about what was said."""


@dataclass(frozen=True, slots=True)
class RejoinTurn:
    """The speaker had not finished: `earlier`, which was answered too early, is the beginning of `turn`.

    Its sound becomes the beginning of this turn's; its item and what was answered to it are forgotten by everybody.
    """

    participant: str
    turn: int
    earlier: int


@dataclass(frozen=True, slots=True)
class DiscardTurn:
    """The turn was none: noise, a backchannel, cleared input. Its audio and words are forgotten."""

    participant: str
    turn: int


@dataclass(frozen=True, slots=True)
class StartResponse:
    """Begin to produce a response."""

    response: str
    agent: str
    """Who gives it."""
    participant: str
    """To whom."""
    turn: int | None
    """The user's turn that it answers; None when it was asked for by other means."""
    transcript: str
    """The words of that turn as they stand (a speculative response's turn is not in the history yet)."""
    speculative: bool
    request: int = 0
    """Of the `ResponseRequested` that this answers, or the turn's answer takes the place of."""
    again: bool = False
    """Whether that turn only wants the last answer once more, as far as it was heard."""


@dataclass(frozen=True, slots=True)
class CommitResponse:
    """A speculative response is wanted: what it produced may leave."""

    response: str


@dataclass(frozen=True, slots=True)
class PausePlayout:
    """No further frame of this response leaves until resumed; what is unplayed is kept."""

    response: str


@dataclass(frozen=True, slots=True)
class ResumePlayout:
    """Go on from the exact sample."""

    response: str


@dataclass(frozen=True, slots=True)
class ReviveResponse:
    """It fell silent in the middle: produce the rest anew, from the first word that has no sound yet."""

    response: str


@dataclass(frozen=True, slots=True)
class EndResponse:
    """The response is over: stop producing it, forget what is unplayed, settle what was heard."""

    response: str
    ending: Ending
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AnnounceIdle:
    """Nobody said anything for the configured time; a response follows."""

    participant: str


Question = TranscribePartial | FinalizeTranscript | ScoreEndOfTurn | ScoreEndOfSentence
"""What a model is asked about the turn that is forming."""

Action = (
    AnnounceSpeechStarted
    | DisregardVoice
    | Question
    | CommitTurn
    | RejoinTurn
    | DiscardTurn
    | StartResponse
    | CommitResponse
    | PausePlayout
    | ResumePlayout
    | ReviveResponse
    | EndResponse
    | AnnounceIdle
)
