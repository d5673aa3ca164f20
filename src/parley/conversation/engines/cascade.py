"""The cascade: transcript in, language model, voice out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal

from parley.conversation.engines.base import AnswerRequest, Emit
from parley.conversation.engines.speaking import nothing, speak_deltas
from parley.models.interfaces import Caller, ChatDelta, ChatModel, DuplexModel, Message


async def fixed(text: str) -> AsyncGenerator[ChatDelta, None]:
    """Words that are known beforehand, as if a model had written them."""
    yield ChatDelta(text=text)


def written(chat: ChatModel, request: AnswerRequest) -> AsyncGenerator[ChatDelta, None]:
    """The answer's text, or what is still missing of it."""
    begun = request.begun
    if begun is not None and begun.written:
        return nothing()
    if request.say is not None:
        return fixed(request.say[len(begun.text) :] if begun else request.say)
    messages = [*request.messages, {"role": "assistant", "content": begun.text}] if begun else request.messages
    return chat.stream(messages, request.options, request.caller)


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

    async def prefill(self, messages: Sequence[Message], caller: Caller) -> None:
        """See `Engine.prefill`."""
        await self.chat.prefill(messages, caller)

    async def answer(self, request: AnswerRequest, emit: Emit) -> None:
        """See `Engine.answer`."""
        await speak_deltas(written(self.chat, request), request, emit)
