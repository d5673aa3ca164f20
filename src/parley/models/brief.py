"""Answers of a few sentences, of models that would go on and lose their way."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from parley.models.interfaces import ChatDelta

_END = re.compile(r"(?P<word>[^\s.!?…]{0,30})[.!?…]+[\"'”’)\]]*\s+(?=[^\sa-z])")
_SHORTENED = re.compile(r"[A-Z]|\d{1,2}|Mrs?|Ms|Dr|Prof|St|Mt|Gen|Capt|Rev|Jr|Sr|No|vs|approx|Inc|Ltd|Co")
"""What before a full stop is a title, an initial or a list's number rather than a sentence's last word."""


async def brief(deltas: AsyncGenerator[ChatDelta, None], sentences: int) -> AsyncGenerator[ChatDelta, None]:
    """The first `sentences` of an answer; closes what makes it once they are whole."""
    text, passed = "", 0
    async with aclosing(deltas):
        async for delta in deltas:
            if delta.retracts:
                text, passed = "", 0
            text += delta.text
            if (end := _end(text, sentences)) is not None:
                if passed < end:
                    yield ChatDelta(text=text[passed:end])
                yield ChatDelta(finish_reason="stop")
                return
            passed = len(text)
            yield delta


def _end(text: str, sentences: int) -> int | None:
    """Where so many sentences have ended and another one begins."""
    ends = [m for m in _END.finditer(text) if not _SHORTENED.fullmatch(m["word"]) or m.group().lstrip()[-2:-1] in "!?"]
    if len(ends) < sentences:
        return None
    found = ends[sentences - 1]
    return found.start() + len(found.group().rstrip())
