"""Copies are found in another format, at another level and with other borders; what is said twice stays."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from parley.adapters.espeak import Espeak
from parley.audio import files
from parley.audio.g711 import alaw_decode, alaw_encode
from parley.audio.pcm import Float32, to_float, to_int16
from parley.audio.resample import resample
from parley.models.interfaces import MODEL_RATE_HZ
from parley.train.clips import Clip
from parley.train.duplicates import dedupe
from parley.train.settings import Dedupe
from tests.train.conftest import SENTENCES, said

CLIP = Clip(id="", source="s", audio="", digest="", licence="CC0-1.0", consent="given", language="en",
            text=SENTENCES[0])  # fmt: skip


async def no_model(kind: Any, name: str) -> Any:
    raise AssertionError("no model is needed")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clip]:
    """A sentence, copies of it, and another reading of it, each in a file of its own."""
    folder = tmp_path_factory.mktemp("copies")
    voice = Espeak()

    def read(speed: float) -> Float32:
        return resample(to_float(asyncio.run(said(voice, SENTENCES[0], speed))), voice.rate_hz, MODEL_RATE_HZ)

    one, again = read(1.0), read(0.93)
    voice.close()
    telephone = alaw_decode(alaw_encode(to_int16(resample(one, MODEL_RATE_HZ, 8000))))
    sounds = {
        "one": one,
        "softer": one * 0.3,
        "telephone": resample(to_float(telephone), 8000, MODEL_RATE_HZ),
        "later": np.concatenate([np.zeros(MODEL_RATE_HZ // 7, np.float32), one]),
        "again": again,
    }
    found: dict[str, Clip] = {}
    for name, sound in sounds.items():
        files.write(folder / f"{name}.wav", to_int16(sound), MODEL_RATE_HZ)
        found[name] = replace(CLIP, id=name, audio=str(folder / f"{name}.wav"), digest=name,
                              end_s=len(sound) / MODEL_RATE_HZ)  # fmt: skip
    return found


async def refused(*found: Clip) -> list[tuple[str, ...]]:
    return [clip.refused async for clip in dedupe(found, Dedupe(), no_model)]


@pytest.mark.parametrize("copy", ["softer", "telephone", "later"])
async def test_a_copy_is_refused_and_the_first_is_named(clips: dict[str, Clip], copy: str) -> None:
    assert await refused(clips["one"], clips[copy]) == [(), ("the same as one",)]


async def test_what_is_said_again_is_no_copy(clips: dict[str, Clip]) -> None:
    assert await refused(clips["one"], clips["again"]) == [(), ()]


async def test_a_copy_of_a_copy_is_the_same_as_the_first(clips: dict[str, Clip]) -> None:
    found = await refused(clips["one"], clips["again"], clips["softer"], clips["telephone"])
    assert found == [(), (), ("the same as one",), ("the same as one",)]


async def test_a_copy_is_found_though_it_was_heard_otherwise(clips: dict[str, Clip]) -> None:
    heard = replace(clips["telephone"], text="The cold bridges crossed a river in the station.")
    assert await refused(clips["one"], heard) == [(), ("the same as one",)]


async def test_one_stretch_of_one_recording_is_not_listened_to_at_all() -> None:
    clip = replace(CLIP, id="1", audio="/nowhere.wav", digest="sha256:1", end_s=2.0)
    assert await refused(clip, replace(clip, id="2", text="another guess")) == [(), ("the same as 1",)]


async def test_nothing_is_the_same_as_a_clip_that_is_refused(clips: dict[str, Clip]) -> None:
    bad = replace(clips["one"], refused=("too noisy",))
    assert await refused(bad, clips["softer"]) == [("too noisy",), ()]
