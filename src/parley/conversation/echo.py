"""Takes the machine's own voice, and steady noise, out of the microphone's sound before anybody looks for speech in it.

What leaves for the listener is noted with the time at which it will be played. Each 10 ms of the microphone is
cleaned against what was being played when they arrived: an echo is always later than that, and how much later is
what the canceller finds out. While nothing was played for a while, nothing is done and nothing costs anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from parley.audio.pcm import Float32, Frame, Int16, to_float, to_int16
from parley.audio.resample import AdaptingResampler
from parley.models.interfaces import MODEL_RATE_HZ

_BLOCK = MODEL_RATE_HZ // 100
_LINGERS_S = 1.0  # an echo, and the canceller's work, outlast the sound
_DRIFT_S = 0.06


class Canceller(Protocol):
    """Cleans 10 ms at 16 kHz of what the loudspeaker played."""

    def process(self, near: Int16, far: Int16) -> Int16:
        """The microphone's 10 ms without it."""


class EchoGuard:
    """One listener's loudspeaker and microphone. Times are the loop's clock, seconds."""

    def __init__(self, make: Callable[[bool, bool], Canceller], *, echo: bool = False) -> None:
        """`make` gives what cancels an echo, suppresses noise, or both, as its arguments say."""
        self._make = make
        self._cancels_echo = echo
        self._suppresses_noise = False
        self._canceller: Canceller | None = None
        self._resampler = AdaptingResampler(MODEL_RATE_HZ)
        self._far: deque[tuple[float, Int16]] = deque()  # begins, samples at 16 kHz
        self._until = float("-inf")
        self._held: list[Int16] = []
        self._at = 0.0
        self._rest: Float32 = np.empty(0, np.float32)

    def configure(self, *, echo: bool, noise: bool) -> None:
        """What to take away from now on: the echo while something is played, steady noise all the time."""
        if (echo, noise) != (self._cancels_echo, self._suppresses_noise):
            self._cancels_echo, self._suppresses_noise = echo, noise
            self._canceller = None

    def played(self, frame: Frame, at: float) -> None:
        """A frame was sent that will be played at `at`."""
        if self._cancels_echo:
            self._schedule(self._resampler.push(frame.samples, frame.rate_hz), at)

    def _schedule(self, samples: Int16, at: float) -> None:
        """Play them at `at`, or when what comes before is over."""
        begins = max(at, self._until)
        self._far.append((begins, samples))
        self._until = begins + len(samples) / MODEL_RATE_HZ

    def hushed(self, now: float, *, keep: bool) -> None:
        """The listener's loudspeaker fell silent; what it had not played is kept for `resumed` or thrown away."""
        unplayed = [samples for begins, samples in self._far if begins >= now]
        self._far = deque((begins, samples) for begins, samples in self._far if begins < now)
        self._held = unplayed if keep else []
        self._until = min(self._until, now)

    def resumed(self, now: float) -> None:
        """It goes on with what was kept."""
        for samples in self._held:
            self._schedule(samples, now)
        self._held = []

    def clean(self, audio: Float32, now: float) -> Float32:
        """Microphone sound (16 kHz) that arrived at `now`, without the echo; up to 10 ms are held back meanwhile."""
        echoes = self._cancels_echo and now <= self._until + _LINGERS_S
        if not echoes and not self._suppresses_noise:
            rest, self._rest = self._rest, np.empty(0, np.float32)
            return np.concatenate([rest, audio]) if len(rest) else audio
        if self._canceller is None:
            self._canceller = self._make(self._cancels_echo, self._suppresses_noise)
        data = np.concatenate([self._rest, audio])
        full = len(data) // _BLOCK * _BLOCK
        self._rest = data[full:]
        near = to_int16(data[:full]).reshape(-1, _BLOCK)
        begins = now - full / MODEL_RATE_HZ
        if abs(begins - self._at) > _DRIFT_S:
            self._at = begins
        cleaned = [self._canceller.process(block, self._far_block()) for block in near]
        return to_float(np.concatenate(cleaned)) if cleaned else np.empty(0, np.float32)

    def _far_block(self) -> Int16:
        """What was played in the 10 ms from `_at` on, which move on."""
        begin, self._at = self._at, self._at + _BLOCK / MODEL_RATE_HZ
        block = np.zeros(_BLOCK, np.int16)
        while self._far and self._far[0][0] + len(self._far[0][1]) / MODEL_RATE_HZ <= begin:
            self._far.popleft()
        for starts, samples in self._far:
            offset = round((starts - begin) * MODEL_RATE_HZ)
            if offset >= _BLOCK:
                break
            source = samples[max(0, -offset) : _BLOCK - offset]
            place = max(0, offset)
            block[place : place + len(source)] = source[: _BLOCK - place]
        return block
