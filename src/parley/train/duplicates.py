"""The step that refuses what is in a set more than once: under another name, in another format, louder or softer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

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
_RANGE_DB = 50.0
"""What is further below the loudest place is silence: formats differ in what they leave of it."""


async def dedupe(found: Sequence[Clip], settings: Any, load: Any) -> AsyncGenerator[Clip, None]:
    """Refuse each clip whose words and sound are those of an earlier one, and name that one.

    Only clips whose words occur more than once are listened to, and each is compared with all that have its words. A
    sentence that somebody says twice is no duplicate: it is never spoken in the same rhythm.
    """
    first_of: dict[tuple[str, float, float], str] = {}
    kept: dict[tuple[str, ...], list[tuple[str, Float32]]] = defaultdict(list)
    same_words = defaultdict[tuple[str, ...], int](int)
    for clip in found:
        same_words[tuple(words(clip.text))] += not clip.refused
    for clip in found:
        if clip.refused:
            yield clip
            continue
        place = (clip.digest, clip.start_s, clip.end_s)
        said = tuple(words(clip.text))
        twin = first_of.get(place)
        if twin is None and same_words[said] > 1:
            bands = _bands(sound_of(clip))
            alike = (earlier for earlier, heard in kept[said] if likeness(bands, heard) >= settings.least_likeness)
            twin = next(alike, None)
            if twin is None:
                kept[said].append((clip.id, bands))
        if twin is None:
            first_of[place] = clip.id
            yield clip
        else:
            yield replace(clip, refused=(f"the same as {twin}",))


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
