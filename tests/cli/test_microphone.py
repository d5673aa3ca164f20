"""A microphone and a loudspeaker, 20 ms at a time, whatever pieces the devices take and give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parley.audio.pcm import Int16
from parley.cli import microphone
from parley.cli.microphone import FRAME, Devices

RAMP = np.arange(FRAME * 6, dtype=np.int16)


class Hardware:
    """What the devices would call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.closed = 0
        monkeypatch.setattr(microphone, "_open_devices", self._open)

    def _open(self, capture: Callable[[Int16], object], take: Callable[[int], Int16]) -> list[Any]:
        self.capture, self.take = capture, take
        return [self, self]

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("piece", [160, FRAME, 700])
def test_what_is_captured_in_any_pieces_comes_in_frames_without_a_gap(
    piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = Hardware(monkeypatch)
    with Devices() as devices:
        frames = []
        for start in range(0, len(RAMP), piece):
            hardware.capture(RAMP[start : start + piece])
            if len(frame := devices.heard()):
                frames.append(frame)
        while len(frame := devices.heard()):
            frames.append(frame)
        heard = np.concatenate(frames)
    assert np.array_equal(heard, RAMP[: len(heard)])
    assert len(heard) >= FRAME * 5
    assert hardware.closed == 2


@pytest.mark.parametrize("piece", [160, FRAME, 700])
def test_what_is_played_is_given_in_any_pieces_and_silence_behind_it(
    piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = Hardware(monkeypatch)
    with Devices() as devices:
        for start in range(0, len(RAMP), FRAME):
            devices.play(RAMP[start : start + FRAME])
        given = np.concatenate([hardware.take(piece) for _ in range(20)])
    assert np.array_equal(given[: len(RAMP)], RAMP)
    assert not given[len(RAMP) :].any()


def test_what_nobody_takes_is_dropped_and_the_newest_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    hardware = Hardware(monkeypatch)
    with Devices() as devices:
        for number in range(100):
            hardware.capture(np.full(FRAME, number, np.int16))
        assert devices.heard()[0] == 90
