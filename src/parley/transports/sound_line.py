"""What one client hears as one stream without gaps: the answers, what other people say, and silence between."""

from __future__ import annotations

import numpy as np

from parley.audio.pcm import Int16, frame_samples, mixed
from parley.audio.resample import AdaptingResampler
from parley.conversation.output.playout import PlayoutFrame
from parley.transports.voices import Neighbours


class SoundLine:
    """Filled by a pacer, emptied 20 ms at a time by whoever sends it; at one rate (Hz)."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frame = frame_samples(rate_hz)
        self._waiting: Int16 = np.empty(0, np.int16)
        self._neighbours = Neighbours(rate_hz)
        self._resampler = AdaptingResampler(rate_hz)
        self._response: str | None = None

    def push(self, frame: PlayoutFrame) -> None:
        """The next frame of an answer, when it is due."""
        if self._response != frame.response:
            self._response, self._resampler = frame.response, AdaptingResampler(self._rate_hz)
        samples = self._resampler.push(frame.frame.samples, frame.frame.rate_hz)
        self._waiting = np.concatenate([self._waiting, samples])

    def overhear(self, name: str, samples: Int16, rate_hz: int) -> None:
        """Somebody else of the conversation says something."""
        self._neighbours.hear(name, samples, rate_hz)

    def clear(self) -> None:
        """The answer was cut: what waits of it is not to be heard."""
        self._waiting = np.empty(0, np.int16)

    def take(self) -> Int16:
        """The next 20 ms; silence where there is nothing."""
        own, others = self.take_apart()
        return own if others is None else mixed(own, others)

    def take_apart(self) -> tuple[Int16, Int16 | None]:
        """The next 20 ms of the answers, and of other people, where somebody speaks."""
        samples, self._waiting = self._waiting[: self._frame], self._waiting[self._frame :]
        own = samples if len(samples) == self._frame else np.pad(samples, (0, self._frame - len(samples)))
        return own, self._neighbours.pull()
