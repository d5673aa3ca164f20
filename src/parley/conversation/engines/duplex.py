"""A native speech-to-speech model: it takes turns itself, its memory cannot be edited, it does not pause.

It is told in words who it is to be and what was said before it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from parley.conversation.engines.base import Emit, ResponseRequest
from parley.conversation.engines.steady import fixed
from parley.conversation.items import Item
from parley.conversation.output.speech_synthesis import speak_deltas
from parley.conversation.settings import DEFAULT_INSTRUCTIONS
from parley.errors import ModelError
from parley.models.interfaces import UNTOLD, Caller, ChatOptions, DuplexModel, DuplexOpening, DuplexSlot, Message

_MOST_LINES, _LONGEST_LINE, _LONGEST_ROLE = 60, 400, 10_000
"""Of what is told; no model of this kind remembers more."""
_SPEAKERS = {"user": "User", "assistant": "You"}


def opening_of(instructions: str, items: Iterable[Item]) -> DuplexOpening:
    """What such a model is told at its beginning. Instructions that nobody has written are none of its own."""
    role = "" if instructions == DEFAULT_INSTRUCTIONS else instructions[:_LONGEST_ROLE]
    spoken = [item for item in items if item.role in _SPEAKERS and item.heard_text.strip()][-_MOST_LINES:]
    said = [(_SPEAKERS[item.role or ""], " ".join(item.heard_text[:_LONGEST_LINE].split())) for item in spoken]
    return DuplexOpening(role, tuple(f"{speaker}: {words}" for speaker, words in said))


class Voiced:
    """A duplex model whose conversations have one of its voices; see `DuplexModel`."""

    voices: Sequence[str] = ()

    def __init__(self, model: DuplexModel, voice: str) -> None:
        self.name = f"{model.name}/{voice}"
        self.rate_hz, self.frame_samples = model.rate_hz, model.frame_samples
        self._model, self._voice = model, voice

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        """See `DuplexModel.open_slot`."""
        return await self._model.open_slot(replace(opening, voice=self._voice))


class Duplex:
    """Declares a duplex model; the session steps it frame by frame (`conversation/engines/duplex_runner.py`)."""

    turns: Literal["model"] = "model"
    history: Literal["model"] = "model"
    pausable: Literal[False] = False
    accepts_audio = True
    off_host = False
    context_tokens: int | None = None

    def __init__(self, model: DuplexModel) -> None:
        self.duplex = model

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """Nothing to do."""

    async def answer(self, request: ResponseRequest, emit: Emit) -> None:
        """A duplex model answers on its own account; only fixed words are said, by a voice."""
        if request.say is None:
            raise ModelError("this model takes turns itself and cannot be asked for a response")
        await speak_deltas(fixed(request.say), request, emit)
