"""The echo guard: alignment with a recording canceller, effect with the real one."""

from __future__ import annotations

import numpy as np
import pytest

from parley.adapters.webrtc_audio import AudioProcessor
from parley.audio import files
from parley.audio.pcm import Float32, Frame, Int16, rms_dbfs, to_float, to_int16
from parley.bench import sound
from parley.conversation.input.echo import EchoGuard
from parley.turns.policies.echo_veto import is_own_echo
from tests.conftest import Clip

RATE = 16000
FRAME_S = 0.02


class Recording:
    """A canceller that only notes what it was told was playing."""

    def __init__(self) -> None:
        self.far: list[Int16] = []

    def process(self, near: Int16, far: Int16) -> Int16:
        self.far.append(far)
        return near


def ramp(index: int) -> Frame:
    """A frame that can be told from the others."""
    return Frame(np.full(320, index + 1, np.int16), RATE)


def test_each_ten_milliseconds_are_cleaned_against_what_was_played_then() -> None:
    canceller = Recording()
    guard = EchoGuard(lambda *_: canceller, echo=True)
    for index in range(10):
        guard.played(ramp(index), 1.0 + index * FRAME_S)
    for tick in range(12):
        guard.clean(np.zeros(320, np.float32), 1.0 + (tick + 1) * FRAME_S)
    heard = [int(np.median(block)) for block in canceller.far]
    assert heard[:20] == [i // 2 + 1 for i in range(20)]
    assert not any(heard[20:])


def test_nothing_is_done_while_nothing_is_played() -> None:
    def never(*_: bool) -> Recording:
        raise AssertionError("no canceller is needed")

    guard = EchoGuard(never, echo=True)
    audio = np.arange(320, dtype=np.float32)
    assert np.array_equal(guard.clean(audio, 5.0), audio)


def test_not_a_sample_of_the_microphone_is_lost() -> None:
    guard = EchoGuard(lambda *_: Recording(), echo=True)
    guard.played(ramp(0), 0.0)
    sent = (np.random.default_rng(0).standard_normal(5000) * 0.1).astype(np.float32)
    got, at = [], 0
    for length in (319, 321, 250, 70, 640, 3400):
        now = (at + length) / RATE + (3.0 if length == 3400 else 0.0)  # at last the echo is over
        got.append(guard.clean(sent[at : at + length], now))
        at += length
    assert np.concatenate(got) == pytest.approx(sent, abs=1e-3)


def test_a_paused_loudspeaker_goes_on_where_it_stopped() -> None:
    canceller = Recording()
    guard = EchoGuard(lambda *_: canceller, echo=True)
    for index in range(10):
        guard.played(ramp(index), index * FRAME_S)
    guard.hushed(4 * FRAME_S, keep=True)
    guard.resumed(0.5)
    for tick in range(40):
        guard.clean(np.zeros(320, np.float32), (tick + 1) * FRAME_S)
    heard = [int(np.median(block)) for block in canceller.far]
    assert heard[:8] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert not any(heard[8:50])
    assert heard[50:62] == [n for n in range(5, 11) for _ in range(2)]


def test_the_real_canceller_takes_an_echo_away_and_leaves_a_voice(question: Clip) -> None:
    voice = files.read_float(question.path, RATE)
    far: Float32 = np.tile(voice, 6)[: 9 * RATE]
    echo = sound.echo(far, -10.0, 0.12, RATE)
    guard = EchoGuard(AudioProcessor, echo=True)
    cleaned = []
    for start in range(0, len(far) - 319, 320):
        at = start / RATE
        guard.played(Frame(to_int16(far[start : start + 320]), RATE), at)
        cleaned.append(guard.clean(to_float(to_int16(echo[start : start + 320])), at + FRAME_S))
    residual = np.concatenate(cleaned)
    assert rms_dbfs(residual[6 * RATE :]) < rms_dbfs(echo[6 * RATE :]) - 20
    alone = guard.clean(voice[: RATE // 2], 60.0)
    assert rms_dbfs(alone) == pytest.approx(rms_dbfs(voice[: RATE // 2]), abs=1.0)


def rms(audio: Float32) -> float:
    return float(np.sqrt(np.mean(audio**2)))


def likened(guard: EchoGuard, far: Float32, near: Float32, since: int = 0) -> list[bool]:
    """At each 40 ms from the sample `since` on: whether the guard takes the microphone's sound for what was played."""
    found = []
    for start in range(0, min(len(far), len(near)) - 319, 320):
        at = (since + start) / RATE
        guard.played(Frame(to_int16(far[start : start + 320]), RATE), at)
        guard.clean(near[start : start + 320], at + FRAME_S)
        if start % 640 == 0:
            alike = is_own_echo(guard.likeness(at + FRAME_S), guard.usual_likeness)
            if alike:
                guard.heard_itself(at + FRAME_S)
            found.append(alike)
    return found


@pytest.mark.parametrize(("gain_db", "delay_s"), [(-10.0, 0.12), (-10.0, 0.3), (-20.0, 0.05)])
def test_an_echo_that_nobody_spoke_of_is_found_and_cancelled(question: Clip, gain_db: float, delay_s: float) -> None:
    canceller = Recording()
    guard = EchoGuard(lambda *_: canceller, echo=None)
    far = files.read_float(question.path, RATE)
    found = likened(guard, far, sound.echo(far, gain_db, delay_s, RATE))
    assert any(found)
    assert any(block.any() for block in canceller.far)


def test_a_new_canceller_is_not_believed_before_it_knows_the_echo(question: Clip) -> None:
    guard = EchoGuard(lambda *_: Recording(), echo=True)
    far: Float32 = np.tile(files.read_float(question.path, RATE), 4)[: 10 * RATE]
    near = sound.echo(far, -10.0, 0.12, RATE)
    for since in (0, 5 * RATE):
        guard.configure(echo=True, noise=since > 0)
        half = slice(since, since + 5 * RATE)
        found = likened(guard, far[half], near[half], since)
        assert {at // 25 for at, itself in enumerate(found) if itself} == {0, 1}


def test_another_voice_is_no_echo(question: Clip, interruption: Clip) -> None:
    def never(*_: bool) -> Recording:
        raise AssertionError("there is no echo")

    guard = EchoGuard(never, echo=None)
    far, near = (files.read_float(clip.path, RATE) for clip in (question, interruption))
    assert not any(likened(guard, far, near))


def test_a_voice_as_loud_as_the_echo_is_told_from_it_once_that_is_known() -> None:
    rng = np.random.default_rng(1)
    far, voice = (0.1 * rng.standard_normal((2, RATE))).astype(np.float32)
    near = sound.echo(far, -10.0, 0.12, RATE)[:RATE]
    near[RATE // 2 :] += rms(near) * voice[RATE // 2 :] / rms(voice)
    guard = EchoGuard(lambda *_: Recording(), echo=None)
    found = likened(guard, far, near)
    assert all(found[8:12]), "alone it is taken for what it is"
    assert not any(found[-5:])
    seen = guard.likeness(len(near) / RATE)
    assert is_own_echo(seen), "by what echoes are anywhere it would be one"
    assert not is_own_echo(seen, guard.usual_likeness)


def test_a_client_that_wants_no_canceller_is_not_listened_to_for_an_echo(question: Clip) -> None:
    guard = EchoGuard(lambda *_: Recording(), echo=False)
    far = files.read_float(question.path, RATE)
    assert not any(likened(guard, far, far))


def test_a_canceller_that_knows_the_echo_is_believed(question: Clip) -> None:
    guard = EchoGuard(lambda *_: Recording(), echo=True)
    far = np.tile(files.read_float(question.path, RATE), 3)
    found = likened(guard, far, sound.echo(far, -10.0, 0.12, RATE))
    assert any(found[:37])
    assert not any(found[62:])


def test_steady_noise_is_taken_away_when_it_was_asked_for() -> None:
    noise = sound.at_level(sound.noise("room", 4.0, RATE, np.random.default_rng(1), []), -40.0)
    guard = EchoGuard(AudioProcessor, echo=True)
    guard.configure(echo=False, noise=True)
    starts = range(0, len(noise) - 319, 320)
    quiet = np.concatenate([guard.clean(noise[at : at + 320], at / RATE) for at in starts])
    assert rms_dbfs(quiet[3 * RATE :]) < rms_dbfs(noise[3 * RATE :]) - 6
