"""What people of a conversation say, 20 ms at a time, for others to hear.

House rules: a voice comes in whatever pieces its network brings. A little of it waits before it is given on, and what
comes faster than it is taken is dropped, so that nobody is heard later and later.
"""

from __future__ import annotations

import numpy as np

from parley.audio.jitter import JitterBuffer
from parley.audio.pcm import Int16, frame_samples, mixed
from parley.audio.resample import AdaptingResampler

_LEAST_S = 0.02
_MOST_S = 0.5
_QUIET = 33
"""-60 dBFS: what stays below it is no sound."""
_TAIL_FRAMES = 25


def is_quiet(samples: Int16) -> bool:
    """Whether there is no sound to speak of."""
    return not len(samples) or int(np.abs(samples.astype(np.int32)).max()) <= _QUIET


class Voice:
    """One of them, at one rate (Hz)."""

    def __init__(self, rate_hz: int) -> None:
        self._resampler = AdaptingResampler(rate_hz)
        self._frame = frame_samples(rate_hz)
        self._waiting = JitterBuffer(rate_hz, least_s=_LEAST_S, most_s=_MOST_S)

    def push(self, samples: Int16, rate_hz: int) -> None:
        """More of it."""
        self._waiting.push(self._resampler.push(samples, rate_hz))

    def pull(self) -> Int16 | None:
        """The next frame; None where too little of it is there."""
        return self._waiting.take(self._frame)

    def rest(self) -> Int16:
        """What is left, at most a frame: nothing follows."""
        return self._waiting.rest(self._frame)


class Neighbours:
    """All that one listener hears of other people, mixed."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._voices: dict[str, Voice] = {}
        self._quiet = _TAIL_FRAMES

    def hear(self, name: str, samples: Int16, rate_hz: int) -> None:
        """Somebody says something."""
        self._voices.setdefault(name, Voice(self._rate_hz)).push(samples, rate_hz)

    def pull(self) -> Int16 | None:
        """The next 20 ms; None while nobody is to be heard, half a second after the last sound."""
        frames = [frame for voice in self._voices.values() if (frame := voice.pull()) is not None]
        if not frames:
            return None
        together = mixed(*frames)
        self._quiet = self._quiet + 1 if is_quiet(together) else 0
        return together if self._quiet < _TAIL_FRAMES else None
