"""What a step makes of one clip, with models of the test's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parley.audio import files
from parley.audio.pcm import Float32
from parley.errors import UsageError
from parley.models.fakes import FakeRecognizer
from parley.models.interfaces import Alignment, Caller, TimedText
from parley.train import steps
from parley.train.clips import Clip
from parley.train.settings import Align, Filter, Transcribe

CLIP = Clip(id="1", source="s", audio="/a.wav", digest="d", licence="CC0-1.0", consent="given", language="en",
            end_s=3.0, text="a glass of water", scores={"snr_db": 20.0, "agreement": 0.9})  # fmt: skip


async def no_model(kind: Any, name: str) -> Any:
    raise AssertionError("no model is needed")


async def one(run: steps.OfClip, clip: Clip, settings: Any, load: steps.Load = no_model) -> Clip:
    (found,) = [after async for after in run(clip, settings, load)]
    return found


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({}, ()),
        ({"text": "..."}, ("no words",)),
        ({"end_s": 0.99}, ("too short",)),
        ({"end_s": 1.0}, ()),
        ({"end_s": 30.01}, ("too long",)),
        ({"scores": {"snr_db": 9.9, "agreement": 0.79}}, ("too noisy", "recognisers disagree")),
        ({"scores": {"snr_db": 10.0, "agreement": 0.8}}, ()),
        ({"scores": {}}, ()),
        ({"scores": {"fit": -2.0}}, ()),
        ({"scores": {"fit": -2.01}}, ("text does not fit the sound",)),
        ({"refused": ("cannot be read: x",), "text": ""}, ("cannot be read: x",)),
    ],
)
async def test_filter_tells_every_reason(changed: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert (await one(steps.filtered, replace(CLIP, **changed), Filter())).refused == reasons


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ("A glass of water.", "a glass of water", 1.0),
        ("abcdefghij", "abcdefghix", 0.9),
        ("a", "something else altogether", 0.0),
        ("", "", 1.0),
        ("", "hello", 0.0),
        ("hello", "", 0.0),
    ],
)
def test_agreement_is_one_minus_the_character_error_rate(text: str, other: str, expected: float) -> None:
    assert steps.agreement(text, other) == pytest.approx(expected)


async def test_transcribe_takes_the_first_and_trusts_it_as_far_as_the_least_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    files.write(path, np.ones(3 * 16000, np.int16), 16000)
    said = {"x": "abcdefghij", "y": "abcdefghij", "z": "abcdefghix"}

    async def load(kind: Any, name: str) -> Any:
        return FakeRecognizer([said[name]])

    found = await one(steps.transcribe, replace(CLIP, audio=str(path)), Transcribe(models=("x", "y", "z")), load)
    assert (found.text, found.heard) == ("abcdefghij", said)
    assert found.scores == {"snr_db": 20.0, "agreement": 0.9}


class Words:
    """An aligner: each word takes half a second."""

    async def align(self, samples: Float32, text: str, caller: Caller) -> Alignment | None:
        words = text.split()
        if len(words) > 4:
            return None
        return Alignment(tuple(TimedText(word, i / 2, (i + 1) / 2) for i, word in enumerate(words)), -0.25)


async def align_by(model: Any, clip: Clip, tmp_path: Path) -> Clip:
    path = tmp_path / "a.wav"
    files.write(path, np.ones(3 * 16000, np.int16), 16000)

    async def load(kind: Any, name: str) -> Any:
        assert (kind, name) == ("asr", "letters")
        return model

    return await one(steps.align, replace(clip, audio=str(path)), Align(model="letters"), load)


async def test_align_tells_when_each_word_is_said_and_how_well_it_fits(tmp_path: Path) -> None:
    found = await align_by(Words(), CLIP, tmp_path)
    assert found.words == (("a", 0.0, 0.5), ("glass", 0.5, 1.0), ("of", 1.0, 1.5), ("water", 1.5, 2.0))
    assert found.scores == {**CLIP.scores, "fit": -0.25}
    long = await align_by(Words(), replace(CLIP, text="one two three four five"), tmp_path)
    assert long.refused == ("more words than there is time for",)


async def test_without_a_model_nothing_is_aligned_and_one_that_cannot_is_named(tmp_path: Path) -> None:
    assert await one(steps.align, CLIP, Align()) == CLIP
    with pytest.raises(UsageError, match=r"align\.model: 'letters' cannot tell when"):
        await align_by(FakeRecognizer(["x"]), CLIP, tmp_path)


async def test_a_recording_that_cannot_be_read_is_refused_and_not_listened_to(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"this is no sound")
    found = await one(steps.collect, replace(CLIP, audio=str(path)), None)
    assert len(found.refused) == 1
    assert found.refused[0].startswith("cannot be read: ")
    assert await one(steps.segment, found, None) == found
    assert await one(steps.transcribe, found, None) == found
