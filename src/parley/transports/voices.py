"""What people of a conversation say, 20 ms at a time, for others to hear.

House rules: a voice comes in whatever pieces its network brings. A little of it waits before it is given on, and what
comes faster than it is taken is dropped, so that nobody is heard later and later.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from parley.audio.pcm import FRAME_MS, Int16
from parley.audio.resample import AdaptingResampler

_LEAST_FRAMES = 2
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
        self._frame = rate_hz * FRAME_MS // 1000
        self._most = round(rate_hz * _MOST_S)
        self._waiting: deque[Int16] = deque()
        self._count = 0
        self._flows = False

    def push(self, samples: Int16, rate_hz: int) -> None:
        """More of it."""
        converted = self._resampler.push(samples, rate_hz)
        self._waiting.append(converted)
        self._count += len(converted)
        while self._count > self._most:
            self._count -= len(self._waiting.popleft())

    def pull(self) -> Int16 | None:
        """The next frame; None where too little of it is there."""
        self._flows = self._count >= self._frame * (1 if self._flows else _LEAST_FRAMES)
        return self._take(self._frame) if self._flows else None

    def rest(self) -> Int16:
        """What is left, at most a frame: nothing follows."""
        return self._take(min(self._frame, self._count))

    def _take(self, wanted: int) -> Int16:
        parts = [np.zeros(0, np.int16)]
        self._count -= wanted
        while wanted:
            samples = self._waiting.popleft()
            parts.append(samples[:wanted])
            if len(samples) > wanted:
                self._waiting.appendleft(samples[wanted:])
            wanted -= len(parts[-1])
        return np.concatenate(parts)


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
        mixed: Int16 = np.clip(np.sum(frames, axis=0, dtype=np.int32), -32768, 32767).astype(np.int16)
        self._quiet = self._quiet + 1 if is_quiet(mixed) else 0
        return mixed if self._quiet < _TAIL_FRAMES else None
