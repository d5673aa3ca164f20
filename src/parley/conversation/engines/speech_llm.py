"""A language model that hears (Ultravox and its like): the user's turn goes in as sound, text comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from parley.conversation.engines.base import AnswerRequest, Emit
from parley.conversation.engines.speaking import speak_deltas
from parley.conversation.engines.steady import written
from parley.models.interfaces import Caller, ChatModel, ChatOptions, DuplexModel, Message, SpeechChatModel


class SpeechLlm:
    """Answers spoken turns with a model that hears, typed ones with the same model's text side."""

    turns: Literal["ours", "model"] = "ours"
    history: Literal["ledger", "model"] = "ledger"
    pausable = True
    hears = True
    elsewhere = False
    duplex: DuplexModel | None = None

    def __init__(self, model: SpeechChatModel, chat: ChatModel) -> None:
        self._model = model
        self._chat = chat

    @property
    def context_tokens(self) -> int | None:
        """See `ChatModel.context_tokens`."""
        return self._chat.context_tokens

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """See `Engine.prefill`."""
        await self._chat.prefill(messages, options, caller)

    async def answer(self, request: AnswerRequest, emit: Emit) -> None:
        """See `Engine.answer`."""
        if request.say is None and request.begun is None and request.speech is not None:
            deltas = self._model.stream_speech(request.messages[:-1], request.speech, request.options, request.caller)
        else:
            deltas = written(self._chat, request)
        await speak_deltas(deltas, request, emit)
