"""The cascade: transcript in, language model, voice out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal

from parley.conversation.engines.base import AnswerRequest, Emit
from parley.conversation.engines.speaking import speak_deltas
from parley.models.interfaces import Caller, ChatDelta, ChatModel, DuplexModel, Message


async def fixed(text: str) -> AsyncGenerator[ChatDelta, None]:
    """Words that are known beforehand, as if a model had written them."""
    yield ChatDelta(text=text)


class Cascade:
    """Answers with a chat model; see `Engine`."""

    turns: Literal["ours", "model"] = "ours"
    history: Literal["ledger", "model"] = "ledger"
    pausable = True
    hears = False
    duplex: DuplexModel | None = None

    def __init__(self, chat: ChatModel) -> None:
        self.chat = chat

    async def prefill(self, messages: Sequence[Message], caller: Caller) -> None:
        """See `Engine.prefill`."""
        await self.chat.prefill(messages, caller)

    async def answer(self, request: AnswerRequest, emit: Emit) -> None:
        """See `Engine.answer`."""
        if request.say is not None:
            deltas = fixed(request.say)
        else:
            deltas = self.chat.stream(request.messages, request.options, request.caller)
        await speak_deltas(deltas, request, emit)
