"""The step that refuses what is in a set more than once: under another name, in another format, louder or softer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from parley.audio.pcm import Float32
from parley.client.word_errors import words
from parley.models.interfaces import MODEL_RATE_HZ
from parley.train.clips import Clip
from parley.train.sound import sound_of

_HOP = MODEL_RATE_HZ // 50
_WINDOW = 512
_BANDS = np.geomspace(9, 109, 17).astype(int)
"""Borders of 16 bands, in bins of the spectrum: 280 Hz to 3.4 kHz, which is what a telephone leaves."""
_SHIFT = 15
"""Hops by which the borders of a clip may differ: a detector of speech finds others in another format."""
_LEAST_WORDS = 0.4
"""Similarity of texts from which on the sound is compared: a copy at a low rate is heard otherwise."""
COPY = "the same as "
"""What the reason of a copy begins with."""
_RANGE_DB = 50.0
"""What is further below the loudest place is silence: formats differ in what they leave of it."""


async def dedupe(found: Sequence[Clip], settings: Any, load: Any) -> AsyncGenerator[Clip, None]:
    """Refuse each clip whose sound is that of an earlier one, and name that one.

    Only clips that another one of about the same length and similar words exists of are listened to: recognisers hear a
    copy a little differently. A sentence that somebody says twice is no copy: the rhythm is never the same.
    """
    similar = _similar([clip for clip in found if not clip.refused])
    first_of: dict[tuple[str, float, float], str] = {}
    kept: dict[str, Float32] = {}
    for clip in found:
        if clip.refused:
            yield clip
            continue
        place = (clip.digest, clip.start_s, clip.end_s)
        twin = first_of.get(place)
        if twin is None and clip.id in similar:
            bands = _bands(sound_of(clip))
            earlier = (name for name in similar[clip.id] if name in kept)
            twin = next((name for name in earlier if likeness(bands, kept[name]) >= settings.least_likeness), None)
            if twin is None:
                kept[clip.id] = bands
        if twin is None:
            first_of[place] = clip.id
            yield clip
        else:
            yield replace(clip, refused=(f"{COPY}{twin}",))


def _similar(kept: Sequence[Clip]) -> dict[str, list[str]]:
    """By its id, the clips of about the same length and similar words, shortest first; none without any."""
    by_length = sorted(kept, key=lambda clip: (clip.seconds, clip.id))
    texts = [" ".join(words(clip.text)) for clip in by_length]
    pairs: dict[str, list[str]] = defaultdict(list)
    for i, clip in enumerate(by_length):
        for j in range(i - 1, -1, -1):
            if clip.seconds - by_length[j].seconds > _SHIFT * _HOP / MODEL_RATE_HZ:
                break
            if Levenshtein.normalized_similarity(texts[i], texts[j], score_cutoff=_LEAST_WORDS) >= _LEAST_WORDS:
                pairs[clip.id].append(by_length[j].id)
                pairs[by_length[j].id].append(clip.id)
    return pairs


def likeness(one: Float32, other: Float32) -> float:
    """Correlation of two tables of levels, at the shift at which they fit best; 0 where their lengths differ much."""
    if abs(len(one) - len(other)) > _SHIFT:
        return 0.0
    best = 0.0
    for shift in range(-_SHIFT, _SHIFT + 1):
        begin, other_begin = max(0, shift), max(0, -shift)
        count = min(len(one) - begin, len(other) - other_begin)
        if count > _SHIFT:
            best = max(best, _correlation(one[begin : begin + count], other[other_begin : other_begin + count]))
    return best


def _correlation(one: Float32, other: Float32) -> float:
    a, b = one - one.mean(), other - other.mean()
    power = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / power if power else 0.0


def _bands(sound: Float32) -> Float32:
    """Levels in dB of 16 bands every 20 ms; shape (hops, 16)."""
    if len(sound) < _WINDOW:
        return np.zeros((0, len(_BANDS) - 1), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP] * np.hanning(_WINDOW)
    power = np.square(np.abs(np.fft.rfft(frames)))
    levels = 10 * np.log10(np.add.reduceat(power, _BANDS[:-1], axis=1) + 1e-10)
    clipped: Float32 = np.maximum(levels, levels.max() - _RANGE_DB).astype(np.float32)
    return clipped
