"""When Moonshine's words were said, found by showing its decoder less of the sound.

The exported decoder does not give its attention away. But it tells how likely each token is when it sees only the
beginning of what the encoder made: as soon as a word's first sound is in view, the token that begins it becomes
likely. That moment is where the word begins (occlusion, as in Zeiler and Fergus 2014, along time). Words end where
the next one begins, or where the voice pauses before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from parley.audio.pcm import Float32
from parley.models.interfaces import MODEL_RATE_HZ, TimedText
from parley.models.recognition import voiced_span_s

STEP_S = 0.12
_NEARLY = 0.7  # of a log probability: so near to that in view of everything it is as good as there
_SURE = -0.1
_AHEAD_S = 0.05
"""The encoder sees a little ahead: words show up this much before they begin (median over words of known times)."""
_APART_S = 0.08
"""Nobody says a word in less."""
_PAUSE_S = 0.2
_LATE_S = 0.2
"""A word behind a pause shows at most so long after it began."""
_HOP = MODEL_RATE_HZ // 50
_QUIET_SHARE = 10**-3.0

Likely = Callable[[Sequence[int]], Float32]
"""Log probability of each token (columns) in view of so many samples each (rows)."""


def word_times(pieces: Sequence[str], likely: Likely, samples: Float32) -> tuple[TimedText, ...]:
    """The words that `pieces` (the text of each token, "▁" before a word) make, with their times in seconds."""
    if not pieces:
        return ()
    begin_s, end_s = voiced_span_s(samples)
    views = np.arange(STEP_S, len(samples) / MODEL_RATE_HZ + STEP_S, STEP_S, dtype=np.float32)
    seen = likely([round(view * MODEL_RATE_HZ) for view in views])
    words: list[tuple[str, float]] = []
    for token, piece in enumerate(pieces):
        if not words or piece.startswith("▁"):
            words.append((piece.removeprefix("▁"), _shows_at(views, seen[:, token]) + _AHEAD_S))
        else:
            words[-1] = (words[-1][0] + piece, words[-1][1])
    starts = _in_order([min(max(at, begin_s), end_s) for _, at in words], begin_s, end_s)
    quiet, ends = _quiet(samples), [*starts[1:], end_s]
    for word in range(len(words) - 1):
        ends[word], starts[word + 1] = _border(starts[word], ends[word], quiet)
    return tuple(
        TimedText(text, float(start), float(end)) for (text, _), start, end in zip(words, starts, ends, strict=True)
    )


def _in_order(shown: Sequence[float], begin_s: float, end_s: float) -> list[float]:
    """Times that never go back, a little apart: those of most words that are in order, the others between them.

    A word that shows far too late, because its sound fits others better, does not push the rest to the end.
    """
    kept = _longest_rising(shown)
    at = [kept[0] - 1, *kept, len(shown)]
    times = [begin_s, *(shown[i] for i in kept), end_s]
    starts: list[float] = np.interp(np.arange(len(shown)), at, times).tolist()
    starts[0] = begin_s
    apart = min(_APART_S, (end_s - begin_s) / (len(starts) + 1))
    for word in range(1, len(starts)):
        starts[word] = max(starts[word], starts[word - 1] + apart)
    latest = end_s
    for word in reversed(range(1, len(starts))):
        latest -= apart
        starts[word] = latest = min(starts[word], latest)
    return starts


def _longest_rising(times: Sequence[float]) -> list[int]:
    """Places of the longest part of `times` that never goes back."""
    lengths, before = [1] * len(times), [-1] * len(times)
    for i, time in enumerate(times):
        for j in range(i):
            if times[j] <= time and lengths[j] + 1 > lengths[i]:
                lengths[i], before[i] = lengths[j] + 1, j
    place = int(np.argmax(lengths))
    found = []
    while place >= 0:
        found.append(place)
        place = before[place]
    return found[::-1]


def _shows_at(views: Float32, logprobs: Float32) -> float:
    """The moment from which on a token is as likely as in view of everything."""
    enough = min(logprobs[-1] - _NEARLY, _SURE)
    lacking = np.flatnonzero(logprobs < enough)
    if not len(lacking):
        return 0.0
    last = int(lacking[-1])
    if last + 1 == len(views):
        return float(views[-1])
    before, after = float(logprobs[last]), float(logprobs[last + 1])
    share = (enough - before) / (after - before) if after > before else 1.0
    return float(views[last]) + share * STEP_S


def _quiet(samples: Float32) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which 20 ms hold no voice."""
    energy = np.square(samples[: len(samples) // _HOP * _HOP]).reshape(-1, _HOP).mean(axis=1)
    return np.asarray(energy < energy.max(initial=0.0) * _QUIET_SHARE)


def _border(start_s: float, until_s: float, quiet: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[float, float]:
    """Where a word ends and the next one, which shows at `until_s`, begins: around a pause shortly before, if any."""
    at, first = min(len(quiet), round(until_s * MODEL_RATE_HZ) // _HOP), int(start_s * MODEL_RATE_HZ) // _HOP
    latest = at - round(_LATE_S * MODEL_RATE_HZ) // _HOP
    while at > max(first, latest) and not quiet[at - 1]:
        at -= 1
    end = at
    while end - 1 > first and quiet[end - 1]:
        end -= 1
    hop_s = _HOP / MODEL_RATE_HZ
    return (end * hop_s, at * hop_s) if (at - end) * hop_s >= _PAUSE_S else (until_s, until_s)
