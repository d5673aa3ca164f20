"""The recent input audio by absolute sample, and the turn that is forming in it."""

from __future__ import annotations

from collections import deque

import numpy as np

from parley.audio.pcm import Float32
from parley.models.interfaces import MODEL_RATE_HZ
from parley.turns.policies.endpointing import LONGEST_GAP_S

_POST_ROLL_S = 0.12
_REJOINED_WITHIN = int(2 * LONGEST_GAP_S * MODEL_RATE_HZ)  # a hesitation may lie between


class AudioBuffer:
    """An input's audio from `start` to `end` (absolute samples); older audio is dropped on order."""

    def __init__(self) -> None:
        self._chunks: deque[Float32] = deque()
        self.start = 0
        self.end = 0
        self.turn_from = 0
        """Where the current turn begins, pre-roll included."""
        self._earlier: tuple[int, int] | None = None  # where the turn before began, and what came by its end

    @property
    def end_s(self) -> float:
        """Media time: seconds of audio so far."""
        return self.end / MODEL_RATE_HZ

    def until(self, media_s: float) -> int:
        """The sample shortly after a moment, as far as it is there."""
        return min(self.end, int((media_s + _POST_ROLL_S) * MODEL_RATE_HZ))

    def turn(self, until_s: float | None = None) -> Float32:
        """The turn's sound so far, or until shortly after a moment."""
        return self.cut(self.turn_from, self.end if until_s is None else self.until(until_s))

    def append(self, samples: Float32) -> None:
        """Add audio at the end."""
        self._chunks.append(samples)
        self.end += len(samples)

    def cut(self, start: int, end: int) -> Float32:
        """Audio between two absolute samples, as far as it is there."""
        start, end = max(start, self.start), min(end, self.end)
        if end <= start:
            return np.empty(0, np.float32)
        parts: list[Float32] = []
        at = self.end
        for chunk in reversed(self._chunks):  # what is asked for is mostly recent
            at -= len(chunk)
            if at < end:
                parts.append(chunk[max(0, start - at) : end - at])
            if at <= start:
                break
        return np.concatenate(parts[::-1])

    def close_turn(self, *, understood: bool) -> None:
        """The turn is over, the next one begins with what comes now. One that was understood may be rejoined."""
        if understood:
            self._earlier = self.turn_from, self.end
        self.turn_from = self.end

    def rejoin(self) -> bool:
        """The turn before was the beginning of this one; false where its sound is gone."""
        if self._earlier is None:
            return False
        self.turn_from = self._earlier[0]
        return True

    def forget_before(self, sample: int) -> None:
        """Drop whole chunks that end before `sample`; a turn that is just over stays, as it may be rejoined."""
        if self._earlier is not None and sample <= self._earlier[1] + _REJOINED_WITHIN:
            sample = min(sample, self._earlier[0])
        else:
            self._earlier = None
        while self._chunks and self.start + len(self._chunks[0]) <= sample:
            self.start += len(self._chunks.popleft())
