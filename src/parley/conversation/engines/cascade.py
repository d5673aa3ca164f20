"""The cascade: transcript in, language model, voice out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from parley.conversation.engines.base import AnswerRequest, Emit
from parley.conversation.engines.speaking import speak_deltas
from parley.conversation.engines.steady import written
from parley.models.interfaces import Caller, ChatModel, ChatOptions, DuplexModel, Message


class Cascade:
    """Answers with a chat model; see `Engine`."""

    turns: Literal["ours", "model"] = "ours"
    history: Literal["ledger", "model"] = "ledger"
    pausable = True
    hears = False
    duplex: DuplexModel | None = None

    def __init__(self, chat: ChatModel) -> None:
        self.chat = chat
        self.elsewhere = chat.elsewhere

    @property
    def context_tokens(self) -> int | None:
        """See `ChatModel.context_tokens`; it may become known later."""
        return self.chat.context_tokens

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """See `Engine.prefill`."""
        await self.chat.prefill(messages, options, caller)

    async def answer(self, request: AnswerRequest, emit: Emit) -> None:
        """See `Engine.answer`."""
        await speak_deltas(written(self.chat, request), request, emit)
