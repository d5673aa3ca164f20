"""Edges of a voice: of exact levels, of noise, and in real speech."""

from __future__ import annotations

import numpy as np
import pytest

from parley.audio import files
from parley.audio.pcm import Float32
from parley.cli import local
from parley.conversation.input.speech_segmenter import Edge, SpeechSegmenter
from tests.conftest import Clip


def level(db: float, samples: int = 512) -> Float32:
    """A window whose every 10 ms have the same level."""
    return np.full(samples, 10 ** (db / 20), np.float32)


def fed(activity: SpeechSegmenter, *stretches: tuple[float, int, float]) -> list[tuple[int, Edge]]:
    """Edges of constant levels, and the window that completed each: level in dB, windows, probability."""
    found, window = [], 0
    for db, count, probability in stretches:
        for _ in range(count):
            edge = activity.push(level(db), probability)
            window += 1
            if edge is not None:
                found.append((window, edge))
    return found


QUIET = (-70.0, 20, 0.0)
"""A second of a quiet room."""


def test_a_voice_begins_where_it_is_louder_than_the_room() -> None:
    activity = SpeechSegmenter()
    (found,) = fed(activity, QUIET, (-20.0, 2, 0.9))
    assert found == (21, Edge(True, 9920)), "at most 20 ms before its first sample"
    assert activity.speaking
    assert activity.peak_dbfs == pytest.approx(-20.0, abs=0.1)


def test_sound_that_came_just_before_is_its_beginning_up_to_a_bound() -> None:
    (found,) = fed(SpeechSegmenter(), QUIET, (-45.0, 2, 0.3), (-20.0, 1, 0.9))
    assert found == (23, Edge(True, 10080))
    (found,) = fed(SpeechSegmenter(), QUIET, (-45.0, 12, 0.3), (-20.0, 1, 0.9))
    assert found[1] == Edge(True, 16800 - 17 * 160)


@pytest.mark.parametrize(("probability", "speaks"), [(0.49, False), (0.5, True)])
def test_its_probability_decides(probability: float, *, speaks: bool) -> None:
    assert bool(fed(SpeechSegmenter(), QUIET, (-20.0, 3, probability))) is speaks
    assert bool(fed(SpeechSegmenter(0.3), QUIET, (-20.0, 3, probability))) is True


@pytest.mark.parametrize(("db", "speaks"), [(-54.0, True), (-56.0, False)])
def test_what_is_hardly_to_be_heard_is_no_voice(db: float, *, speaks: bool) -> None:
    assert bool(fed(SpeechSegmenter(), (-90.0, 40, 0.0), (db, 3, 0.9))) is speaks


def test_it_ends_where_its_sound_did_however_the_probability_lags() -> None:
    activity = SpeechSegmenter()
    edges = fed(activity, QUIET, (-20.0, 10, 0.9), (-70.0, 6, 0.9))
    assert [edge for _, edge in edges] == [Edge(True, 9920), Edge(False, 15360)]
    assert edges[1][0] == 32, "60 ms of silence are believed"
    assert not activity.speaking


def test_a_probability_that_falls_needs_less_silence() -> None:
    edges = fed(SpeechSegmenter(), QUIET, (-20.0, 10, 0.9), (-70.0, 6, 0.1))
    assert edges[1] == (32, Edge(False, 15360))


def test_where_it_does_not_fall_silent_the_probability_alone_ends_it_slowly() -> None:
    edges = fed(SpeechSegmenter(), QUIET, (-20.0, 10, 0.9), (-25.0, 8, 0.1))
    assert edges[1][0] == 34
    assert edges[1][1] == Edge(False, 15360)
    assert len(fed(SpeechSegmenter(), QUIET, (-20.0, 10, 0.9), *[(-25.0, 3, 0.1), (-25.0, 1, 0.35)] * 4)) == 1


def test_the_loudest_of_the_last_moments_is_told() -> None:
    activity = SpeechSegmenter()
    assert activity.recent_dbfs == -120.0
    fed(activity, (-20.0, 1, 0.0), (-40.0, 2, 0.0))
    assert activity.recent_dbfs == pytest.approx(-20.0, abs=0.1)
    fed(activity, (-40.0, 1, 0.0))
    assert activity.recent_dbfs == pytest.approx(-40.0, abs=0.1)


@pytest.mark.parametrize(
    ("room_db", "db", "speaks"), [(-50.0, -46.0, False), (-50.0, -45.0, True), (-48.0, -43.0, True)]
)
def test_a_voice_is_louder_than_the_room(room_db: float, db: float, *, speaks: bool) -> None:
    activity = SpeechSegmenter()
    fed(activity, (room_db - 20, 1, 0.0), (room_db, 300, 0.0))
    assert activity._noise_db == pytest.approx(room_db, abs=0.2)
    assert bool(fed(activity, (db, 1, 0.9))) is speaks


def test_the_room_is_learned_down_at_once_and_up_slowly() -> None:
    activity = SpeechSegmenter()
    fed(activity, (-80.0, 1, 0.0))
    assert activity._noise_db == pytest.approx(-80.0, abs=0.1)
    fed(activity, (-60.0, 1, 0.0))
    assert activity._noise_db == pytest.approx(-79.1, abs=0.15), "0.3 dB each 10 ms"
    fed(activity, (-120.0, 1, 0.0))
    assert activity._noise_db == -90.0, "no room is quieter"


def test_the_loudest_of_a_voice_fades_slowly_and_in_silence_faster() -> None:
    activity = SpeechSegmenter()
    fed(activity, QUIET, (-20.0, 5, 0.9))
    loudest = activity.peak_dbfs
    fed(activity, (-30.0, 10, 0.9))
    assert activity.peak_dbfs == pytest.approx(loudest - 0.02 * 32, abs=0.02)
    fed(activity, (-70.0, 6, 0.1))
    ended = activity.peak_dbfs
    fed(activity, (-70.0, 5, 0.0))
    assert activity.peak_dbfs == pytest.approx(ended - 0.4 * 16, abs=0.01)


@pytest.mark.parametrize(("windows", "edges"), [(7, 2), (8, 3)])
def test_what_follows_a_voice_while_its_probability_lags_is_none_for_a_while(windows: int, edges: int) -> None:
    found = fed(SpeechSegmenter(), QUIET, (-20.0, 10, 0.9), (-70.0, 2, 0.9), (-48.0, windows + 1, 0.9))
    assert len(found) == edges


def test_a_voice_fades_when_it_is_quiet_for_two_hops() -> None:
    activity = SpeechSegmenter()
    fed(activity, QUIET, (-20.0, 10, 0.9))
    assert not activity.fading
    fed(activity, (-39.0, 1, 0.9))
    assert not activity.fading
    fed(activity, (-42.0, 1, 0.9))
    assert activity.fading
    assert activity.speaking
    fed(activity, (-20.0, 1, 0.9))
    assert not activity.fading


def test_a_voice_that_is_withdrawn_may_begin_again_with_the_next_window() -> None:
    activity = SpeechSegmenter()
    fed(activity, QUIET, (-20.0, 1, 0.9))
    activity.withdraw()
    assert not activity.speaking
    assert not activity.fading
    assert len(fed(activity, (-20.0, 1, 0.9))) == 1


def test_windows_that_are_no_whole_hops_lose_no_sample() -> None:
    activity = SpeechSegmenter()
    for _ in range(100):
        assert activity.push(level(-70.0, 100), 0.0) is None
    edge = None
    while edge is None:
        edge = activity.push(level(-20.0, 100), 0.9)
    assert edge.started
    assert edge.sample == 9280


async def edges(audio: Float32) -> list[tuple[Edge, int]]:
    vad = await local.load_model("silero-vad", "vad", quiet=True)
    stream, activity = vad.open(), SpeechSegmenter()
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
    activity = SpeechSegmenter()
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
    activity, rng = SpeechSegmenter(), np.random.default_rng(0)
    faded = []
    for db in (*(-20.0,) * 12, dip_db, *(-20.0,) * 6):
        before = activity.fading
        edge = activity.push((rng.standard_normal(512) * 10 ** (db / 20)).astype(np.float32), 0.9)
        assert edge is None or edge.started
        faded.append(activity.fading and not before)
    assert sum(faded) == fades
    assert not activity.fading
