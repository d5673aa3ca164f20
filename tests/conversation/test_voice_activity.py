"""Edges of a voice in real speech."""

from __future__ import annotations

import numpy as np

from parley.audio import files
from parley.audio.pcm import Float32
from parley.cli import local
from parley.conversation.voice_activity import Edge, VoiceActivity
from tests.conftest import Clip


async def edges(audio: Float32) -> list[tuple[Edge, int]]:
    vad = await local.load_model("silero-vad", "vad", quiet=True)
    stream, activity = vad.open(), VoiceActivity()
    found = []
    for start in range(0, len(audio) - 511, 512):
        window = audio[start : start + 512]
        (probability,) = await stream.feed(window)
        if edge := activity.push(window, probability):
            found.append((edge, start + 512))
    vad.close()
    return found


async def test_a_spoken_question_has_one_start_and_an_end_near_its_last_voiced_sample(question: Clip) -> None:
    speech = files.read_float(question.path, 16000)
    audio = np.concatenate([np.zeros(16000, np.float32), speech, np.zeros(16000, np.float32)])
    found = await edges(audio)
    assert found[0][0].started
    assert not found[-1][0].started
    loud = np.flatnonzero(np.abs(audio) > 0.05)
    assert abs(found[0][0].sample - loud[0]) < 0.15 * 16000
    assert abs(found[-1][0].sample - loud[-1]) < 0.15 * 16000
    edge, known_at = found[-1]
    assert known_at - edge.sample < 0.25 * 16000


async def test_noise_is_no_voice() -> None:
    noise = np.random.default_rng(3).standard_normal(16000 * 4).astype(np.float32) * 0.01
    assert not await edges(noise)
