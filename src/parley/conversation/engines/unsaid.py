"""An answer without the sentences that were said before: light models repeat themselves word for word."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import replace

from parley.models.interfaces import ChatDelta

_END = re.compile(r"[.!?…।]+[\"'”’)]*\s+|[。！？]+|\n+")


def plain(sentence: str) -> str:
    """What makes two sentences the same: their words."""
    return " ".join(re.findall(r"\w+", sentence.casefold()))


async def unsaid(deltas: AsyncGenerator[ChatDelta, None], said: Collection[str]) -> AsyncGenerator[ChatDelta, None]:
    """The same without sentences of `said`; text is held back only as long as it could be one of them."""
    sentence = _Sentence({plain(one) for one in said} - {""})
    async with aclosing(deltas):
        async for delta in deltas:
            if delta.retracts:
                sentence.forget()
                yield delta
                continue
            text = sentence.push(delta.text)
            if delta.finish_reason is not None or delta.tool_call is not None:
                text += sentence.end()
            if text or delta != ChatDelta(text=delta.text):
                yield replace(delta, text=text)
    if text := sentence.end():
        yield ChatDelta(text=text)


class _Sentence:
    """The one that is being written, as far as it is known."""

    def __init__(self, before: Collection[str]) -> None:
        self._before = before
        self._text = ""
        self._passed = 0
        """How much of it was given out."""

    def push(self, text: str) -> str:
        """More was written; returns what may be said."""
        self._text += text
        given = ""
        while (end := _END.search(self._text)) is not None:
            rest = self._text[end.end() :]
            self._text = self._text[: end.end()]
            given += self.end()
            self._text = rest
        words = plain(self._text)
        if self._passed or not any(one.startswith(words) for one in self._before):
            given += self._text[self._passed :]
            self._passed = len(self._text)
        return given

    def end(self) -> str:
        """It is whole; returns what of it may be said and was not."""
        repeated = not self._passed and plain(self._text) in self._before
        given = "" if repeated else self._text[self._passed :]
        self.forget()
        return given

    def forget(self) -> None:
        """It was none."""
        self._text, self._passed = "", 0
