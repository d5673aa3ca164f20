"""Two detectors that must agree, each scripted; and both of them on real sound."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from parley.adapters import dual_vad
from parley.adapters.dual_vad import DualVad
from parley.audio import files
from parley.cli import local
from parley.errors import ModelError
from parley.models.fakes import tone
from parley.models.interfaces import MODEL_RATE_HZ, ModelSpec
from tests.conftest import Clip

WINDOW = 512


class Silero:
    """Says what it is told to; keeps what it was given."""

    window_samples = WINDOW

    def __init__(self, says: list[float]) -> None:
        self.says = says
        self.given: list[Any] = []
        self.closed = 0

    def open(self) -> Silero:
        return self

    async def feed(self, samples: Any) -> list[float]:
        self.given.append(samples)
        return [self.says[min(len(self.given), len(self.says)) - 1]]

    def close(self) -> None:
        self.closed += 1


class Detector:
    """WebRTC's, of which is known in which frames it hears speech."""

    def __init__(self, speech: range) -> None:
        self.speech = speech
        self.frames = 0

    def __call__(self, mode: int) -> Detector:
        assert mode == 2
        return self

    def is_speech(self, frame: bytes, rate_hz: int) -> bool:
        assert (len(frame), rate_hz) == (320, MODEL_RATE_HZ)
        self.frames += 1
        return self.frames - 1 in self.speech


def loud(windows: int, level: float = 0.3) -> Any:
    return tone(windows * WINDOW / MODEL_RATE_HZ, MODEL_RATE_HZ, level=level).astype(np.float32) / 32768


async def probabilities(silero: Any, sound: Any, speech: range = range(10_000), cooldown_s: float = 0.0) -> list[float]:
    vad = DualVad(silero, Detector(speech), mode=2, gate_dbfs=-50.0, cooldown_s=cooldown_s)
    stream = vad.open()
    found = [p for at in range(0, len(sound), 700) for p in await stream.feed(sound[at : at + 700])]
    stream.close()
    vad.close()
    return found


async def test_what_both_hear_is_a_voice_and_what_one_denies_is_none() -> None:
    silero = Silero([0.9])
    assert await probabilities(silero, loud(5)) == [0.9] * 5
    assert silero.closed == 2, "the stream, and the model"
    assert await probabilities(Silero([0.9]), loud(5), range(0)) == [0.2] * 5
    assert await probabilities(Silero([0.1]), loud(5)) == [0.1] * 5


async def test_an_agreement_holds_for_a_quarter_of_a_second() -> None:
    found = await probabilities(Silero([0.9]), loud(12), range(2))
    assert found == [0.9] * 8 + [0.2] * 4


async def test_what_is_quieter_than_the_gate_is_silence() -> None:
    assert await probabilities(Silero([0.9]), loud(3, level=0.002)) == [0.2] * 3


async def test_behind_a_voice_there_is_none_until_the_cooldown_is_over() -> None:
    says = [0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.9]
    found = await probabilities(Silero(says), loud(7), cooldown_s=0.1)
    assert found == [0.9, 0.9, 0.1, 0.2, 0.2, 0.2, 0.9]
    assert await probabilities(Silero(says), loud(7)) == says


async def test_an_offset_is_taken_out_within_seconds() -> None:
    silero = Silero([0.9])
    await probabilities(silero, loud(400) + np.float32(0.2))
    assert abs(silero.given[0].mean()) > 0.15
    assert abs(silero.given[-1].mean()) < 0.05


@pytest.mark.parametrize(("level", "gain_db"), [(0.3, 0.0), (0.05, 5.9), (0.01, 12.0)])
async def test_quiet_voices_are_made_louder_and_never_by_more_than_12_db(level: float, gain_db: float) -> None:
    silero = Silero([0.9])
    sound = loud(100, level)
    await probabilities(silero, sound)
    assert 20 * np.log10(np.abs(silero.given[-1]).max() / np.abs(sound).max()) == pytest.approx(gain_db, abs=0.3)
    steps = np.diff([20 * np.log10(np.abs(given).max()) for given in silero.given])
    assert np.abs(steps).max() <= 0.6


async def test_a_question_is_a_voice_for_both_and_noise_for_neither(question: Clip) -> None:
    vad = await local.load_model("dual-vad", "vad", quiet=True)
    try:
        said = await vad.open().feed(files.read_float(question.path, MODEL_RATE_HZ))
        assert max(said) > 0.9
        hiss = np.random.default_rng(0).normal(0, 0.05, 3 * MODEL_RATE_HZ).astype(np.float32)
        assert max(await vad.open().feed(hiss)) < 0.5
    finally:
        vad.close()


def test_without_webrtcs_detector_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    with pytest.raises(ModelError, match=r"pip install 'parley-voice\[dual-vad\]'"):
        dual_vad.load(ModelSpec("dual-vad", "dual-vad"))
