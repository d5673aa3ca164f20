"""The cascade: what was said goes to a language model as words, or as sound where it hears, and a voice speaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from parley.conversation.engines.base import Emit, ResponseRequest
from parley.conversation.engines.steady import written
from parley.conversation.engines.unsaid import unsaid
from parley.conversation.output.speech_synthesis import speak_deltas
from parley.models.brief import brief
from parley.models.interfaces import Caller, ChatModel, ChatOptions, Message


class Cascade:
    """Answers with a chat model; see `TurnEngine`."""

    turns: Literal["ours"] = "ours"
    history: Literal["ledger"] = "ledger"
    pausable: Literal[True] = True
    duplex: None = None

    def __init__(self, chat: ChatModel) -> None:
        self.chat = chat
        self.off_host = chat.off_host

    @property
    def accepts_audio(self) -> bool:
        """Whether the model hears what was said, instead of reading it."""
        return self.chat.hears

    @property
    def context_tokens(self) -> int | None:
        """See `ChatModel.context_tokens`; it may become known later."""
        return self.chat.context_tokens

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """See `TurnEngine.prefill`."""
        await self.chat.prefill(messages, options, caller)

    async def answer(self, request: ResponseRequest, emit: Emit) -> None:
        """See `TurnEngine.answer`."""
        deltas = written(self.chat, request)
        if request.said_before:
            deltas = unsaid(deltas, request.said_before)
        if request.most_sentences is not None:
            deltas = brief(deltas, request.most_sentences)
        await speak_deltas(deltas, request, emit)
