"""The recent input audio by absolute sample, so that a turn can be cut out of it."""

from __future__ import annotations

import numpy as np

from parley.audio.pcm import Float32


class AudioMemory:
    """An input's audio from `start` to `end` (absolute samples); older audio is dropped on order."""

    def __init__(self) -> None:
        self._chunks: list[Float32] = []
        self.start = 0
        self.end = 0

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
        at = self.start
        for chunk in self._chunks:
            if at + len(chunk) > start and at < end:
                parts.append(chunk[max(0, start - at) : end - at])
            at += len(chunk)
            if at >= end:
                break
        return np.concatenate(parts)

    def forget_before(self, sample: int) -> None:
        """Drop whole chunks that end before `sample`."""
        while self._chunks and self.start + len(self._chunks[0]) <= sample:
            self.start += len(self._chunks[0])
            del self._chunks[0]
