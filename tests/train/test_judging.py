"""Voices judged by what they say: errors, likeness, opinions and times are reckoned as they should be."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parley.audio import files
from parley.audio.pcm import Float32
from parley.errors import UsageError
from parley.models.fakes import FakeRecognizer
from parley.models.interfaces import MODEL_RATE_HZ, Caller, SpeakingStyle, SpeechChunk
from parley.train.clips import Clip
from parley.train.judging import Judges, chosen

CLIP = Clip(id="", source="s", audio="", digest="d", licence="CC0-1.0", consent="given", language="en", text="good day")


def sound(loudness: float) -> Float32:
    return np.full(MODEL_RATE_HZ, loudness, np.float32)


class Encoder:
    """Takes how loud a sound is for who speaks: the angle of a direction."""

    async def embed(self, samples: Float32, _: Caller) -> Float32:
        angle = float(np.abs(samples[1000:-1000]).mean()) * np.pi / 2
        return np.array([np.cos(angle), np.sin(angle)], np.float32)

    def close(self) -> None:
        """There is nothing to end."""


class Voice:
    """Says everything in half a second a word, at one loudness."""

    rate_hz = MODEL_RATE_HZ
    languages = ("en",)
    said: list[tuple[str, SpeakingStyle]]

    def __init__(self, loudness: float) -> None:
        self._loudness, self.said = loudness, []

    async def synthesize(self, text: str, style: SpeakingStyle, _: Caller) -> AsyncGenerator[SpeechChunk, None]:
        self.said.append((text, style))
        for _word in text.split():
            yield SpeechChunk(np.full(MODEL_RATE_HZ // 2, round(self._loudness * 32767), np.int16), ())


@pytest.fixture
def clips(tmp_path: Path) -> dict[str, list[Clip]]:
    """Two of each speaker, in one recording each."""
    found: dict[str, list[Clip]] = {}
    for name, loudness in (("ann", 0.2), ("bob", 0.8)):
        files.write(
            path := tmp_path / f"{name}.wav", np.full(2 * MODEL_RATE_HZ, round(loudness * 32767), np.int16), 16000
        )
        clip = replace(CLIP, audio=str(path), digest=name, speaker=name)
        found[name] = [replace(clip, id=f"{name}{at}", start_s=at, end_s=at + 1.0) for at in (0.0, 1.0)]
    return found


def judges(*heard: str, opinion: Any = None) -> Judges:
    return Judges(FakeRecognizer([*heard]), Encoder(), opinion)


async def test_the_recordings_are_the_ceiling_and_strangers_the_floor(clips: dict[str, list[Clip]]) -> None:
    own, floor = await judges("good day", "good day").of_clips(clips["ann"], clips["bob"])
    assert (own.voice, own.texts, own.word_errors, own.letter_errors) == ("ann, recorded", 2, 0.0, 0.0)
    assert own.likeness == pytest.approx(1.0, abs=1e-3)
    assert floor == pytest.approx(np.cos(0.6 * np.pi / 2), abs=1e-2)
    assert (own.first_sound_ms, own.real_time, own.opinion) == (None, None, None)
    assert (await judges("a", "b").of_clips(clips["ann"], []))[1] is None


async def test_a_voice_is_judged_by_words_letters_likeness_and_opinions(clips: dict[str, list[Clip]]) -> None:
    voice, loudness = Voice(0.5), list[float]()

    def opinion(samples: Float32) -> float:
        loudness.append(float(samples.mean()))
        return 2.0 + len(loudness)

    judging = judges("good may", "good day", opinion=opinion)
    came = await judging.of_voice("v", voice, clips["ann"], await judging.directions(clips["ann"]))  # type: ignore[arg-type]
    assert (came.voice, came.texts, came.word_errors, came.letter_errors) == ("v", 2, 1 / 4, 1 / 16)
    assert came.likeness == pytest.approx(np.cos(0.3 * np.pi / 2), abs=1e-2)
    assert came.opinion == 3.5
    assert loudness == pytest.approx([0.5, 0.5], abs=1e-3)
    assert came.first_sound_ms is not None
    assert came.first_sound_ms >= 0
    assert came.real_time is not None
    assert came.real_time > 0
    assert [(text, style.language) for text, style in voice.said] == [("good day", "en")] * 2


async def test_a_voice_is_held_against_clips_of_other_texts_alone(clips: dict[str, list[Clip]]) -> None:
    mixed = [clips["ann"][0], clips["bob"][0]]

    class Same(Voice):
        async def synthesize(
            self, text: str, style: SpeakingStyle, caller: Caller
        ) -> AsyncGenerator[SpeechChunk, None]:
            """Exactly the clips, one after the other."""
            self._loudness = (0.2, 0.8)[len(self.said)]
            async for chunk in super().synthesize(text, style, caller):
                yield chunk

    own, _ = await judges("good day").of_clips(mixed, [])
    directions = await judges("good day").directions(mixed)
    came = await judges("good day").of_voice("same", Same(0.0), mixed, directions)  # type: ignore[arg-type]
    assert came.likeness == pytest.approx(own.likeness, abs=1e-2)


def test_the_last_clips_of_the_speaker_are_taken_and_as_many_of_others(clips: dict[str, list[Clip]]) -> None:
    everything = [*clips["ann"], *clips["bob"]]
    mine, others = chosen(everything, "ann", 1)
    assert [clip.id for clip in mine] == ["ann1.0"]
    assert [clip.id for clip in others] == ["bob0.0"]
    with pytest.raises(UsageError, match="'eve' is not in the data set; it has ann, bob"):
        chosen(everything, "eve", 1)


async def test_one_clip_is_too_few(clips: dict[str, list[Clip]]) -> None:
    with pytest.raises(UsageError, match="1 clips are too few"):
        await judges("a").of_clips(clips["ann"][:1], [])
