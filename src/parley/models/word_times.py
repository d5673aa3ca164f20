"""When each word of a text is said: as the voice says, else reckoned from the sound that there is.

A voice that tells nothing would leave nothing to be remembered of an answer that was cut. Reckoned times are marked.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np

from parley.models.interfaces import Caller, SpeakingStyle, SpeechChunk, Synthesizer, WordTiming

CHARS_PER_S = 15.0
"""Of speech, as long as it is not known how long the whole is."""
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}][^\w\s]*|[^\s{_UNSPACED}]+")
"""What stands between blanks; of scripts that write none (Thai, Lao, Burmese, Khmer, Japanese, Chinese) each letter."""
_PAUSES = {",": 4, ";": 5, ":": 5, ".": 8, "!": 8, "?": 8, "…": 8, "、": 1, "。": 2, "！": 2, "？": 2}
"""Behind a mark there is a pause as long as so many letters (as so many syllables, where each is a letter)."""


async def timed_speech(
    voice: Synthesizer, text: str, style: SpeakingStyle, caller: Caller
) -> AsyncGenerator[SpeechChunk, None]:
    """What the voice makes of `text`, every word with its time; closing it stops the voice. Raises `ModelError`."""
    reckoned = None if voice.times_words else _Reckoned(text)
    told, passed_s = False, 0.0
    async with aclosing(voice.synthesize(text, style, caller)) as chunks:
        async for chunk in chunks:
            told = told or bool(chunk.words)
            passed_s += len(chunk.samples) / voice.rate_hz
            yield chunk if reckoned is None else SpeechChunk(chunk.samples, reckoned.begun(passed_s))
    if reckoned is None and not told:
        reckoned = _Reckoned(text)  # it claims to tell times, and does not
    if reckoned is not None and (rest := reckoned.rest(passed_s)):
        yield SpeechChunk(np.empty(0, np.int16), rest)


class _Reckoned:
    """Shares the sound among the words by their length."""

    def __init__(self, text: str) -> None:
        found = list(_WORD.finditer(text))
        self._left = [(m.start(), m.end(), len(m.group()) + 1 + _PAUSES.get(m.group()[-1], 0)) for m in found]
        self._left.reverse()
        self._from_s = 0.0

    @property
    def _weight(self) -> int:
        return sum(weight for _, _, weight in self._left)

    def begun(self, passed_s: float) -> tuple[WordTiming, ...]:
        """The words that begin in the sound so far and were not given; more is expected if it is short for its text.

        The last one waits for the end: it must not count as heard before everything was.
        """
        end_s = max(passed_s, self._from_s + self._weight / CHARS_PER_S)
        return self._given(end_s, passed_s, keep=1)

    def rest(self, passed_s: float) -> tuple[WordTiming, ...]:
        """All others: the sound is complete."""
        return self._given(max(passed_s, self._from_s), float("inf"), keep=0)

    def _given(self, end_s: float, before_s: float, keep: int) -> tuple[WordTiming, ...]:
        """Words but `keep` that begin before `before_s`, if those that are left end at `end_s`."""
        given, for_each = [], (end_s - self._from_s) / max(1, self._weight)
        while len(self._left) > keep and self._from_s < before_s:
            start, end, weight = self._left.pop()
            ends_s = self._from_s + weight * for_each
            given.append(WordTiming(start, end, self._from_s, ends_s, estimated=True))
            self._from_s = ends_s
        return tuple(given)
