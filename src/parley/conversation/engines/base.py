"""The two kinds of engines: what they declare, what they get, what they give."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from parley.audio.pcm import Int16
from parley.models.interfaces import Caller, ChatOptions, DuplexModel, SpeakingStyle, Synthesizer, ToolCall, Usage
from parley.turns.ledger import SpokenWord


@dataclass(frozen=True, slots=True)
class PartialResponse:
    """An answer that broke off and goes on."""

    text: str
    spoken: int
    """Characters of it that have a sound."""
    written: bool
    """Whether the text is all there."""
    given: bool = False
    """Whether none of it is the model's: it is to write on behind these words."""


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """What to answer and how."""

    messages: Sequence[Mapping[str, Any]]
    """The prompt in words; the user's turn is its last message."""
    options: ChatOptions
    style: SpeakingStyle
    synthesizer: Synthesizer | None
    """None: text only."""
    caller: Caller
    heard: Sequence[Mapping[str, Any]] | None = None
    """The same with what was said as sound, for engines that hear."""
    say: str | None = None
    """Fixed words to say instead of asking a model (greeting, apology)."""
    begun: PartialResponse | None = None
    """What there is of this answer already."""
    voice_stalled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by who asks when the voice gives no sound: what is not spoken is given to it anew."""
    spoken_chars: Callable[[], int] = lambda: 0
    """Length of the answer's text up to the last word that has a sound."""
    left_s: Callable[[], float] = lambda: math.inf
    """Sound of the answer that its listener still has in front of him, seconds; infinite while nobody listens."""
    speaker: str = ""
    """Name of the agent, where the prompt has names in front of what is said."""
    most_sentences: int | None = None
    """How many sentences are said of what a model writes."""
    said_before: Collection[str] = ()
    """Sentences that are not to be said again."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """More text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class RetractPart:
    """The text so far, and its sound, were none of the answer."""


@dataclass(frozen=True, slots=True)
class AlivePart:
    """Nothing to hear or to read, but the model is at work."""


@dataclass(frozen=True, slots=True)
class PiecePart:
    """A piece of the text goes to the voice."""


@dataclass(frozen=True, slots=True)
class AwaitsTextPart:
    """The voice has said all that is written: what is missing is text."""


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """The text is all there."""


@dataclass(frozen=True, slots=True)
class SpeechPart:
    """More sound of the answer, with its words (times from the start of this part, spans in the answer)."""

    samples: Int16
    rate_hz: int
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolPart:
    """A fragment of a function call."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class UsagePart:
    """What it cost."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class CutShortPart:
    """The model stopped because of the bound on tokens."""


ResponsePart = (
    TextPart
    | RetractPart
    | AlivePart
    | PiecePart
    | AwaitsTextPart
    | WrittenPart
    | SpeechPart
    | ToolPart
    | UsagePart
    | CutShortPart
)
Emit = Callable[[ResponsePart], Awaitable[None]]


class _Engine(Protocol):
    """What engines of both kinds declare and do."""

    off_host: bool
    """See `ChatModel.off_host`."""

    @property
    def accepts_audio(self) -> bool:
        """Whether it hears what was said."""

    @property
    def context_tokens(self) -> int | None:
        """See `ChatModel.context_tokens`."""

    async def prefill(self, messages: Sequence[Mapping[str, Any]], options: ChatOptions, caller: Caller) -> None:
        """Read a prompt ahead of the turn that will be added to it; may do nothing; raises `ModelError`.

        `messages` and `options` are those of the answer, as far as they are known.
        """

    async def answer(self, request: ResponseRequest, emit: Emit) -> None:
        """Produce an answer; returns when it is complete, raises `ModelError`; cancel to stop.

        One that breaks off is raised after everything that was written of it was said.
        """


class TurnEngine(_Engine, Protocol):
    """Is asked for an answer when a turn is over."""

    turns: Literal["ours"]
    """Who takes turns: the turn-taker."""
    pausable: Literal[True]
    """Whether its answers can be paused and go on."""
    history: Literal["ledger"]
    """What it goes by: the conversation's history, of which an answer is what was heard."""
    duplex: None


class DuplexEngine(_Engine, Protocol):
    """Runs along, frames in and frames out; is asked for fixed words alone, which a voice says."""

    turns: Literal["model"]
    pausable: Literal[False]
    history: Literal["model"]
    """Its own memory, which cannot be edited; the ledger records."""
    duplex: DuplexModel


Engine = TurnEngine | DuplexEngine


async def written(engine: Engine, request: ResponseRequest) -> str:
    """All that an engine writes of an answer; raises `ModelError`."""
    parts: list[str] = []

    async def take(part: ResponsePart) -> None:
        if isinstance(part, TextPart):
            parts.append(part.text)

    await engine.answer(request, take)
    return "".join(parts)
