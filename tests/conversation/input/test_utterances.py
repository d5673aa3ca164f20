"""A recording is cut into utterances while it is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import numpy as np
import pytest

from parley.audio.pcm import Float32, to_float
from parley.conversation.input import utterances as module
from parley.conversation.input.utterances import Utterance, utterances
from parley.models.fakes import FakeVad, tone

RATE = 16000


def spoken(seconds: float) -> Float32:
    return to_float(tone(seconds, RATE, level=0.3))


def quiet(seconds: float) -> Float32:
    return np.zeros(round(seconds * RATE), np.float32)


async def cut(*parts: Float32, block: int = 1000) -> list[Utterance]:
    sound = np.concatenate(parts)

    async def blocks() -> AsyncGenerator[Float32, None]:
        for start in range(0, len(sound), block):
            yield sound[start : start + block]

    return [u async for u in utterances(FakeVad(), blocks())]


def seconds(found: list[Utterance]) -> list[tuple[float, float]]:
    return [(u.begin / RATE, u.end / RATE) for u in found]


async def test_pauses_part_utterances_and_short_ones_do_not() -> None:
    found = seconds(await cut(quiet(1), spoken(1), quiet(0.4), spoken(1), quiet(3), spoken(1), quiet(1)))
    assert len(found) == 2
    assert [*found[0], *found[1]] == pytest.approx([0.7, 3.7, 6.1, 7.7], abs=0.2)


async def test_what_is_joined_stays_below_fourteen_seconds() -> None:
    found = await cut(*[part for _ in range(6) for part in (spoken(4), quiet(0.4))])
    assert len(found) == 2
    assert all(len(u.sound) < 14 * RATE for u in found)


async def test_the_sound_is_the_recordings_own() -> None:
    sound = np.concatenate([quiet(1), spoken(1), quiet(2), spoken(2)])
    for utterance in await cut(sound):
        assert np.array_equal(utterance.sound, sound[utterance.begin : utterance.end])


async def test_the_length_of_blocks_makes_no_difference() -> None:
    sound = np.concatenate([quiet(1), spoken(1), quiet(2), spoken(2), quiet(0.3), spoken(1)])
    assert seconds(await cut(sound, block=77)) == seconds(await cut(sound, block=len(sound)))


async def test_a_voice_without_a_pause_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CUT_AFTER", 5 * RATE)
    found = await cut(spoken(12))
    assert [round(len(u.sound) / RATE) for u in found] == [5, 5, 2]
    assert [u.begin for u in found[1:]] == [u.end for u in found[:-1]]


async def test_silence_holds_no_more_than_an_onset_needs() -> None:
    cutter = module._Cutter()
    for _ in range(1000):
        assert not cutter.push(np.zeros(512, np.float32), 0.0)
    assert len(cutter._sound) * 512 < 1.1 * RATE
