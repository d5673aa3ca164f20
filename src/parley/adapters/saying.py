"""What voices share on the way from sentences to sound: when more is needed, where the sound begins, when each word is.

Places of words are those in the written text; a voice knows its own words, which may be fewer or more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from parley.audio.pcm import Float32

_SOUND = 0.01
_EDGE_S = 0.005
"""Silence kept before the first sound of a sentence."""
_MAKING_S = 0.15
"""A piece takes this long to make on a busy machine."""
_PAUSES_S = (("!?.…।॥。！？", 0.25), (",;:—–，、；：", 0.12))
_OTHER_PAUSE_S = 0.05
"""Silence left behind a sentence, a clause, anything else."""
_CLOSES = "\"'”’)\\]」』）"
_LONGEST_WORD = 80
_WORD = re.compile(rf"(?:[^\s。！？，、；：]{{1,{_LONGEST_WORD}}}[。！？，、；：]*|[。！？，、；：]+)[{_CLOSES}]*")
"""Where no blank stands between words, what a mark ends, or so many letters."""
_SENTENCE_ENDS = re.compile(rf"[.?!…।॥。！？][{_CLOSES}]*$")


class Playing:
    """What of a text was handed over, and how long that lasts if it is played at once."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = 0
        self._began = 0.0

    @property
    def passed_s(self) -> float:
        """Seconds that were handed over."""
        return self._samples / self._rate_hz

    @property
    def within_s(self) -> float:
        """How soon making more must begin, so that no gap is heard."""
        if not self._samples:
            return 0.0
        return max(0.0, self._began + self.passed_s - time.monotonic() - _MAKING_S)

    def add(self, samples: int) -> None:
        """So many samples more were handed over."""
        if not self._samples:
            self._began = time.monotonic()
        self._samples += samples


def sentences(text: str, longest_chars: int) -> Iterator[Sequence[re.Match[str]]]:
    """The words of each sentence of `text`, which a mark ends; a sentence that is too long in parts, see `cut`."""
    words: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        words.append(word)
        if _SENTENCE_ENDS.search(word.group()):
            yield from cut(words, longest_chars)
            words = []
    yield from cut(words, longest_chars)


def cut(words: Sequence[re.Match[str]], longest_chars: int) -> Iterator[Sequence[re.Match[str]]]:
    """The words of a sentence in parts of so many letters at most: ended by a clause's end, else between words."""
    while words:
        fits = sum(w.end() - words[0].start() <= longest_chars for w in words) or 1
        clauses = [i + 1 for i, w in enumerate(words[:fits]) if w.group()[-1] in ",;:—–，、；："]
        end = len(words) if fits == len(words) else next((c for c in reversed(clauses) if c > fits // 3), fits)
        yield words[:end]
        words = words[end:]


def pause_s(last: str) -> float:
    """Seconds of silence behind the word `last`."""
    mark = last.rstrip("\"'”’)]")[-1:]
    return next((pause for marks, pause in _PAUSES_S if mark and mark in marks), _OTHER_PAUSE_S)


def sound_begins(audio: Float32, rate_hz: int) -> int:
    """The sample at which to begin to play; the length where there is no sound."""
    loud = np.flatnonzero(np.abs(audio) > _SOUND)
    return max(0, int(loud[0]) - int(_EDGE_S * rate_hz)) if len(loud) else len(audio)


def sound_ends(audio: Float32) -> int:
    """The sample behind the last sound; 0 where there is none."""
    loud = np.flatnonzero(np.abs(audio) > _SOUND)
    return int(loud[-1]) + 1 if len(loud) else 0


def clip(value: float, length_s: float) -> float:
    """A time within a sound of that length."""
    return min(max(0.0, value), length_s)


def place(
    words: Sequence[re.Match[str]], spans: list[tuple[float, float]], length_s: float
) -> list[tuple[float, float]]:
    """Give each written word its phoneme words: one each when the counts agree, else by share of letters.

    Numbers and abbreviations are several phoneme words, "of the" can be one.
    """
    if not words:
        return []
    if len(words) == len(spans):
        return spans
    weights = np.cumsum([0, *(_weight(m.group()) for m in words)]) / sum(_weight(m.group()) for m in words)
    if not spans:
        return [(float(a) * length_s, float(b) * length_s) for a, b in pairwise(weights)]
    sounding = np.cumsum([0, *(b - a for a, b in spans)])
    return [
        (
            _time_at(float(a) * sounding[-1], spans, sounding),
            _time_at(float(b) * sounding[-1], spans, sounding, end=True),
        )
        for a, b in pairwise(weights)
    ]


def _weight(word: str) -> int:
    """Rough length of a word when spoken: a digit is about four letters."""
    return max(1, sum(4 if c.isdigit() else 1 for c in word if c.isalnum()))


def _time_at(sounded: float, spans: list[tuple[float, float]], sounding: Any, *, end: bool = False) -> float:
    side: Literal["left", "right"] = "left" if end else "right"
    index = min(max(int(np.searchsorted(sounding, sounded, side=side)) - 1, 0), len(spans) - 1)
    return float(spans[index][0] + (sounded - sounding[index]))
