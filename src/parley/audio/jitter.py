"""Sound that comes in whatever pieces a network or a device brings, given on as it is wanted."""

from __future__ import annotations

from collections import deque

import numpy as np

from parley.audio.pcm import Int16


def taken(chunks: deque[Int16], most: int) -> Int16:
    """Up to so many samples from the front of `chunks`, which keeps the others."""
    parts = [np.empty(0, np.int16)]
    while most and chunks:
        samples = chunks.popleft()
        parts.append(samples[:most])
        if len(samples) > most:
            chunks.appendleft(samples[most:])
        most -= len(parts[-1])
    return np.concatenate(parts)


class JitterBuffer:
    """A little waits before the sound begins, and again after it ran out; of what comes too fast the oldest is dropped.

    So a hole in the network is not a hole in every word, and clocks that differ never add up to a delay.
    """

    def __init__(self, rate_hz: int, *, least_s: float, most_s: float) -> None:
        """`least_s`: what is there beside what is taken first; `most_s`: what is kept."""
        self._least = rate_hz * least_s
        self._most = rate_hz * most_s
        self._waiting: deque[Int16] = deque()
        self._count = 0
        self._flows = False

    def push(self, samples: Int16) -> None:
        """More of it."""
        self._waiting.append(samples)
        self._count += len(samples)
        while self._count > self._most:
            self._count -= len(self._waiting.popleft())

    def take(self, count: int) -> Int16 | None:
        """The next `count` samples; None where too little of it is there."""
        self._flows = self._count >= (count if self._flows else count + self._least)
        return self._taken(count) if self._flows else None

    def rest(self, most: int) -> Int16:
        """What is left, up to so many samples: nothing follows."""
        return self._taken(min(most, self._count))

    def _taken(self, count: int) -> Int16:
        self._count -= count
        return taken(self._waiting, count)
