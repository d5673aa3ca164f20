"""Edges of a voice in real speech."""

from __future__ import annotations

import numpy as np
import pytest

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


def judged(*stretches: tuple[float, int, float]) -> list[Edge]:
    """Edges of noise: its level in dB, how many windows, and the probability that goes with them."""
    activity = VoiceActivity()
    rng = np.random.default_rng(0)
    found = []
    for db, count, probability in stretches:
        for _ in range(count):
            window = (rng.standard_normal(512) * 10 ** (db / 20)).astype(np.float32)
            found.append(activity.push(window, probability))
    return [edge for edge in found if edge]


@pytest.mark.parametrize(
    ("then_db", "count", "edges"),
    [
        (-48.0, 5, 2),  # the breath after the voice, while the probability lags
        (-30.0, 5, 4),  # a voice that goes on
        (-48.0, 30, 4),  # a probability that does not fall: somebody goes on quietly
    ],
)
def test_a_voice_that_ended_begins_again_only_by_more_than_its_last_breath(
    then_db: float, count: int, edges: int
) -> None:
    found = judged((-20.0, 12, 0.9), (-70.0, 3, 0.9), (then_db, count, 0.9), (-90.0, 12, 0.1))
    assert [edge.started for edge in found] == [True, False] * (edges // 2)


@pytest.mark.parametrize(("silence", "edges"), [(4, 4), (60, 4)])
def test_a_quieter_voice_is_one_too_once_the_louder_was_silent_for_a_while(silence: int, edges: int) -> None:
    found = judged((-15.0, 12, 0.9), (-80.0, silence, 0.1), (-33.0, 12, 0.9), (-80.0, 8, 0.1))
    assert len(found) == edges


@pytest.mark.parametrize(("dip_db", "fades"), [(-50.0, 1), (-22.0, 0)])
def test_a_voice_fades_before_it_stops_and_may_go_on(dip_db: float, fades: int) -> None:
    activity, rng = VoiceActivity(), np.random.default_rng(0)
    faded = []
    for db in (*(-20.0,) * 12, dip_db, *(-20.0,) * 6):
        before = activity.fading
        edge = activity.push((rng.standard_normal(512) * 10 ** (db / 20)).astype(np.float32), 0.9)
        assert edge is None or edge.started
        faded.append(activity.fading and not before)
    assert sum(faded) == fades
    assert not activity.fading
