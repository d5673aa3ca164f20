"""A native speech-to-speech model: it takes turns itself, its memory cannot be edited, it does not pause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from parley.conversation.engines.base import AnswerRequest, Emit
from parley.errors import ModelError
from parley.models.interfaces import Caller, ChatOptions, DuplexModel, Message


class Duplex:
    """Declares a duplex model; the session steps it frame by frame (`conversation/duplexing.py`)."""

    turns: Literal["ours", "model"] = "model"
    history: Literal["ledger", "model"] = "model"
    pausable = False
    hears = True
    elsewhere = False
    context_tokens: int | None = None

    def __init__(self, model: DuplexModel) -> None:
        self.duplex: DuplexModel | None = model

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """Nothing to do."""

    async def answer(self, request: AnswerRequest, emit: Emit) -> None:
        """A duplex model answers on its own account; being asked is an error."""
        raise ModelError("this model takes turns itself and cannot be asked for a response")
