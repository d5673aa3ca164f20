"""An answer without the sentences that were said before: light models repeat themselves, and what they are told."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import replace

from parley.models.interfaces import ChatDelta

_END = re.compile(r"[.!?…।]+[\"'”’)]*\s+|[。！？]+|\n+")
_LEAST_WORDS = 5
_SHARE = 0.8
"""So many of a sentence's words in one that was said, and it says the same."""


async def unsaid(deltas: AsyncGenerator[ChatDelta, None], said: Collection[str]) -> AsyncGenerator[ChatDelta, None]:
    """The same, a sentence at a time, without those that say what a sentence of `said` does."""
    before = [words for one in said if (words := _words(one))]
    held = ""
    async with aclosing(deltas):
        async for delta in deltas:
            if delta.retracts:
                held = ""
                yield delta
                continue
            held += delta.text
            text = ""
            while (end := _END.search(held)) is not None:
                text += _kept(held[: end.end()], before)
                held = held[end.end() :]
            if delta.finish_reason is not None or delta.tool_call is not None:
                text, held = text + _kept(held, before), ""
            if text or delta != ChatDelta(text=delta.text):
                yield replace(delta, text=text)
    if text := _kept(held, before):
        yield ChatDelta(text=text)


def _kept(sentence: str, before: Collection[list[str]]) -> str:
    words = _words(sentence)
    return "" if any(_repeats(words, one) for one in before) else sentence


def _repeats(words: list[str], before: list[str]) -> bool:
    """Whether it is the same, or has next to no word of its own."""
    if len(words) < _LEAST_WORDS:
        return words == before
    known = set(before)
    return sum(word in known for word in words) >= _SHARE * len(words)


def _words(sentence: str) -> list[str]:
    return re.findall(r"\w+", sentence.casefold())
