"""One stream without gaps."""

from __future__ import annotations

import numpy as np
import pytest

from parley.audio.pcm import Frame, rms_dbfs
from parley.conversation.output.playout import PlayoutFrame
from parley.models.fakes import tone
from parley.transports.sound_line import SoundLine


def frame(response: str = "one", rate_hz: int = 24000) -> PlayoutFrame:
    return PlayoutFrame(response, Frame(tone(0.02, rate_hz), rate_hz), 0.0)


def test_what_is_pushed_comes_out_once_and_silence_behind_it() -> None:
    line = SoundLine(24000)
    line.push(frame())
    assert np.array_equal(line.take(), tone(0.02, 24000))
    assert np.array_equal(line.take(), np.zeros(480, np.int16))


@pytest.mark.parametrize("rate_hz", [16000, 22050, 48000])
def test_frames_of_other_rates_fit(rate_hz: int) -> None:
    line = SoundLine(24000)
    taken = []
    for _ in range(10):
        line.push(frame(rate_hz=rate_hz))
        taken.append(line.take())
    assert {len(samples) for samples in taken} == {480}
    assert all(rms_dbfs(samples) > -20 for samples in taken)


def test_what_waits_of_an_answer_that_is_cut_is_not_heard() -> None:
    line = SoundLine(24000)
    line.push(frame())
    line.push(frame())
    line.take()
    line.clear()
    assert not line.take().any()


def test_others_are_heard_beside_the_answer() -> None:
    line = SoundLine(24000)
    alone = tone(0.02, 24000)
    for _ in range(5):
        line.overhear("Ann", tone(0.02, 24000, hz=440.0), 24000)
        line.push(frame())
    taken = [line.take() for _ in range(5)]
    assert any(not np.array_equal(samples, alone) and rms_dbfs(samples) > rms_dbfs(alone) for samples in taken)
