"""The steps that tell speakers apart: each clip's voice as a vector, then who is who, and whom no training hears."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parley.audio.pcm import Float32
from parley.models.interfaces import Caller
from parley.train.clips import Clip, digest_of
from parley.train.sound import sound_of

HELD_OUT, TRAIN = "held-out", "train"
_CALLER = Caller("train")


async def embed(clip: Clip, settings: Any, load: Any) -> AsyncGenerator[Clip, None]:
    """Note where the voice of a clip lies among voices (`voice`)."""
    if clip.refused:
        yield clip
        return
    encoder = await load("speaker", settings.encoder)
    yield replace(clip, voice=packed(await encoder.embed(sound_of(clip), _CALLER)))


def packed(vector: Float32) -> str:
    """A vector as text: base64 of 16-bit floats."""
    return base64.b64encode(vector.astype("<f2").tobytes()).decode()


def unpacked(text: str) -> Float32:
    """The vector of `packed`."""
    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)


async def speakers(found: Sequence[Clip], settings: Any, load: Any) -> AsyncGenerator[Clip, None]:
    """Name the speaker of each clip, and hold some speakers out. The vectors are not passed on: they could be used to
    recognise people.

    Names of the source list stay. Voices of other recordings that are like a named one get its name, the rest are
    called ``speaker-1``, ``speaker-2`` ... in the order in which they are first heard.
    """
    kept = [clip for clip in found if not clip.refused]
    names = _names(kept, settings.least_likeness)
    seconds = defaultdict[str, float](float)
    for clip in kept:
        seconds[names[clip.id]] += clip.seconds
    held_out = held(seconds, settings.held_out_share)
    for clip in found:
        if clip.refused:
            yield clip
            continue
        name = names[clip.id]
        yield replace(clip, speaker=name, voice="", split=HELD_OUT if name in held_out else TRAIN)


def _names(kept: Sequence[Clip], least: float) -> dict[str, str]:
    """Speakers by the ids of their clips."""
    of_name, of_recording = defaultdict[str, list[Clip]](list), defaultdict[str, list[Clip]](list)
    for clip in kept:
        (of_name[clip.speaker] if clip.speaker else of_recording[clip.digest]).append(clip)
    names = {clip.id: name for name, clips in of_name.items() for clip in clips}
    known = {name: _mean(clips) for name, clips in of_name.items()}
    strangers: list[list[Clip]] = []
    for clips in of_recording.values():
        vectors = np.stack([unpacked(clip.voice) for clip in clips])
        for voice in _groups(clips, vectors @ vectors.T, least):
            name = _nearest(_mean(voice), known, least)
            if name is None:
                strangers.append(voice)
            else:
                names |= dict.fromkeys((clip.id for clip in voice), name)
    number = 0
    if strangers:
        means = np.stack([_mean(voice) for voice in strangers])
        for group in _groups(strangers, means @ means.T, least):
            number = _free(number, of_name)
            names |= {clip.id: f"speaker-{number}" for voice in group for clip in voice}
    return names


def _free(number: int, taken: Mapping[str, object]) -> int:
    """The next number by which nobody in the source list is called."""
    number += 1
    while f"speaker-{number}" in taken:
        number += 1
    return number


def _mean(clips: Sequence[Clip]) -> Float32:
    """Of the vectors of one voice. It is not made a unit again: the product of two means is then the mean likeness of
    their clips."""
    mean: Float32 = np.mean([unpacked(clip.voice) for clip in clips], axis=0, dtype=np.float32)
    return mean


def _nearest(voice: Float32, known: Mapping[str, Float32], least: float) -> str | None:
    likeness = {name: float(voice @ mean) for name, mean in known.items()}
    best = max(likeness, key=likeness.__getitem__, default=None)
    return best if best is not None and likeness[best] >= least else None


def _groups(items: Sequence[Any], likeness: Float32, least: float) -> list[list[Any]]:
    """Average linkage: two groups are joined while their mean likeness is at least `least`; in the order of their first
    items."""
    if len(items) == 1:
        return [list(items)]
    from scipy.cluster.hierarchy import fcluster, linkage  # no command but this step is to wait for it
    from scipy.spatial.distance import squareform

    distance: NDArray[np.float64] = np.maximum(0.0, 1.0 - likeness.astype(np.float64))
    np.fill_diagonal(distance, 0.0)
    labels = fcluster(linkage(squareform(distance, checks=False), "average"), 1.0 - least, "distance")
    groups: dict[int, list[Any]] = {}
    for item, label in zip(items, labels, strict=True):
        groups.setdefault(int(label), []).append(item)
    return list(groups.values())


def held(seconds: Mapping[str, float], share: float) -> set[str]:
    """Speakers, by how long each speaks, of whom training hears nothing: as many as say no more than `share` together,
    chosen by a digest of their names; at least one where there are three."""
    left = share * sum(seconds.values())
    found: set[str] = set()
    for name in sorted(seconds, key=lambda name: digest_of(name.encode())):
        if seconds[name] <= left:
            found.add(name)
            left -= seconds[name]
    if not found and share > 0 and len(seconds) >= 3:
        found.add(min(sorted(seconds), key=seconds.__getitem__))
    return found
