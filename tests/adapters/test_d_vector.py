"""The encoder of speakers on its real model: readings of one voice are closer to each other than to any other's."""

from __future__ import annotations

import numpy as np
import pytest

from parley.adapters.d_vector import DVector
from parley.adapters.espeak import Espeak
from parley.audio.pcm import Float32, to_float
from parley.audio.resample import resample
from parley.cli import local
from parley.models.interfaces import MODEL_RATE_HZ, Caller
from tests.train.conftest import SENTENCES, said

CALLER = Caller("test")
VOICES = ("en", "en+f4", "en+m7", "en+klatt2")


async def test_a_voice_is_closer_to_itself_than_to_any_other() -> None:
    model: DVector = await local.load_model("d-vector", "speaker", quiet=True)
    espeak = Espeak()

    async def vector(voice: str, text: str) -> Float32:
        spoken = to_float(await said(espeak, text, language=voice))
        return await model.embed(resample(spoken, espeak.rate_hz, MODEL_RATE_HZ), CALLER)

    one, other = [[await vector(voice, text) for voice in VOICES] for text in SENTENCES]
    likeness = np.array([[float(a @ b) for b in other] for a in one])
    assert list(likeness.argmax(axis=1)) == list(range(len(VOICES)))
    espeak.close()
    model.close()


@pytest.mark.parametrize("seconds", [0.01, 0.5, 70.0])
async def test_sounds_of_any_length_give_a_direction(seconds: float) -> None:
    model: DVector = await local.load_model("d-vector", "speaker", quiet=True)
    noise = np.random.default_rng(1).normal(0, 0.1, round(seconds * MODEL_RATE_HZ)).astype(np.float32)
    vector = await model.embed(noise, CALLER)
    assert vector.shape == (256,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)
    model.close()
