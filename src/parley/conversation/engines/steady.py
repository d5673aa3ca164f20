"""A language model's answer that does not break off with its connection: it is asked for anew and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import structlog

from parley.conversation.engines.base import ResponseRequest
from parley.conversation.engines.own_name import without_name
from parley.conversation.engines.splice import Splice, prefix
from parley.errors import ModelError
from parley.models.interfaces import ChatDelta, ChatModel

log = structlog.get_logger("conversation")

_TRIES = 3
_PAUSE_S = 0.2


async def fixed(text: str) -> AsyncGenerator[ChatDelta, None]:
    """Words that are known beforehand, as if a model had written them."""
    if text:
        yield ChatDelta(text=text)


async def written(chat: ChatModel, request: ResponseRequest) -> AsyncGenerator[ChatDelta, None]:
    """The answer's text, or what is still missing of it; raises `ModelError` when no more of it is to be had."""
    begun = request.begun
    if request.say is not None or (begun is not None and begun.written):
        said = len(begun.text) if begun else 0
        async with aclosing(fixed((request.say or "")[said:])) as words:
            async for delta in words:
                yield delta
        return
    answer = _Answer(begun.text if begun else "", given=begun is not None and begun.given)
    for tries_left in reversed(range(_TRIES)):
        try:
            async with aclosing(answer.stream(chat, request)) as deltas:
                async for delta in deltas:
                    yield delta
            return
        except ModelError as fault:
            if answer.calls_done:
                return  # a call that is whole is an answer; asked for anew it would be made twice
            refused = answer.refuses_to_hear or answer.refuses_to_continue
            if tries_left and (fault.retryable or refused):
                pass
            elif answer.sounds_complete:
                return  # it was torn off behind its last sentence, and there is nothing to add
            else:
                raise
            log.warning("answer broke off, going on", session=request.caller.owner, error=str(fault))
            await asyncio.sleep(_PAUSE_S)


class _Answer:
    """What there is of one answer, over several requests."""

    def __init__(self, text: str, *, given: bool) -> None:
        self.text = text
        self._given = text if given else None
        self.calls = 0
        self.calls_done = False
        self._continues: bool | None = None
        """Whether the model was given the text to continue; False: its server takes no such request."""
        self._came = False
        self._hears: bool | None = None
        """Whether the model was given sound; False: from now on it is given words."""

    @property
    def sounds_complete(self) -> bool:
        """Whether an earlier request left it at the end of a sentence, and this one gave nothing."""
        return (
            not self._came and self.text != self._given and self.text.rstrip().endswith((".", "!", "?", "…", "।", "。"))
        )

    @property
    def refuses_to_continue(self) -> bool:
        """Whether the server may have refused the request because an answer stood last in it; told once."""
        if not self._continues or self._came:
            return False
        self._continues = False
        return True

    @property
    def refuses_to_hear(self) -> bool:
        """Whether what failed was asked with sound, so that words may do; told once."""
        if not self._hears:
            return False
        self._hears = False
        return True

    async def stream(self, chat: ChatModel, request: ResponseRequest) -> AsyncGenerator[ChatDelta, None]:
        """One request: the first, or one that is to go on with what there is."""
        if self._hears is None:
            self._hears = request.heard is not None
        messages = list[Any](request.heard if self._hears and request.heard is not None else request.messages)
        splice = Splice(self.text) if self.text.strip() else None
        if splice is not None and self._continues is not False and (begins := prefix(self.text)):
            messages.append({"role": "assistant", "content": begins})
            self._continues = True
        self._came = False
        calls = self.calls
        stream = chat.stream(messages, request.options, request.caller)
        async with aclosing(without_name(stream, request.speaker)) as deltas:
            async for delta in deltas:
                self._came = True
                if delta.retracts:
                    self.text, splice = "", None
                    yield delta
                elif delta.tool_call is not None:
                    call = replace(delta.tool_call, index=delta.tool_call.index + calls)
                    if call.index and request.options.parallel_tool_calls is False:
                        continue  # not every server keeps to it
                    self.calls = max(self.calls, call.index + 1)
                    self.calls_done = self.calls_done or call.done
                    yield replace(delta, tool_call=call)
                elif delta.finish_reason is not None and splice is not None:
                    for part in self._added(splice.flush(), delta):
                        yield part
                else:
                    text = splice.push(delta.text) if splice is not None and delta.text else delta.text
                    for part in self._added(text, replace(delta, text="")):
                        yield part
        if splice is not None:
            for part in self._added(splice.flush(), ChatDelta()):
                yield part

    def _added(self, text: str, rest: ChatDelta) -> list[ChatDelta]:
        """Text first, then what came beside it."""
        self.text += text
        if not text:
            return [rest]
        return [ChatDelta(text=text)] if rest == ChatDelta() else [ChatDelta(text=text), rest]
