"""A language model that hears (Ultravox and its like): the user's turn goes in as sound, text comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from parley.conversation.engines.base import Emit, ResponseRequest
from parley.conversation.engines.own_name import without_name
from parley.conversation.engines.steady import written
from parley.conversation.output.speech_synthesis import speak_deltas
from parley.models.interfaces import Caller, ChatOptions, Message, SpeechChatModel


class SpeechLlm:
    """Answers spoken turns with a model that hears, typed ones with the same model's text side."""

    turns: Literal["ours"] = "ours"
    history: Literal["ledger"] = "ledger"
    pausable: Literal[True] = True
    accepts_audio = True
    duplex: None = None

    def __init__(self, model: SpeechChatModel) -> None:
        self._model = model
        self.off_host = model.off_host

    @property
    def context_tokens(self) -> int | None:
        """See `ChatModel.context_tokens`."""
        return self._model.context_tokens

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """See `TurnEngine.prefill`."""
        await self._model.prefill(messages, options, caller)

    async def answer(self, request: ResponseRequest, emit: Emit) -> None:
        """See `TurnEngine.answer`."""
        if request.say is None and request.begun is None and request.speech is not None:
            heard = self._model.stream_speech(request.messages[:-1], request.speech, request.options, request.caller)
            deltas = without_name(heard, request.speaker)
        else:
            deltas = written(self._model, request)
        await speak_deltas(deltas, request, emit)
