"""Rate conversion: PyAV's resampler for live streams (about 1 ms of delay), soxr for whole recordings."""

from __future__ import annotations

import av
import numpy as np
import soxr

from parley.audio.pcm import Float32, Int16, check_rate


class LiveResampler:
    """Converts a mono int16 stream chunk by chunk without clicks at the borders.

    Feed with `push`; call `flush` once at the end of the stream for the last millisecond.
    The same rate on both sides passes samples through untouched.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz = check_rate(from_hz)
        self.to_hz = check_rate(to_hz)
        self._position = 0
        self._resampler = None if from_hz == to_hz else av.AudioResampler(format="s16", layout="mono", rate=to_hz)

    def push(self, samples: Int16) -> Int16:
        """Convert a chunk; the result may lag the input by about a millisecond."""
        if self._resampler is None or not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self.from_hz
        frame.pts = self._position
        self._position += len(samples)
        return self._collect(self._resampler.resample(frame))

    def flush(self) -> Int16:
        """Return what the filter still holds; the resampler is fresh afterwards."""
        if self._resampler is None:
            return np.empty(0, np.int16)
        rest = self._collect(self._resampler.resample(None))
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=self.to_hz)
        self._position = 0
        return rest

    @staticmethod
    def _collect(frames: list[av.AudioFrame]) -> Int16:
        parts = [frame.to_ndarray().reshape(-1) for frame in frames]
        if not parts:
            return np.empty(0, np.int16)
        joined: Int16 = np.concatenate(parts).astype(np.int16, copy=False)
        return joined


class AdaptingResampler:
    """A stream whose rate may change: each chunk says its own, a change begins a fresh conversion."""

    def __init__(self, to_hz: int) -> None:
        self.to_hz = to_hz
        self._resampler: LiveResampler | None = None

    def push(self, samples: Int16, from_hz: int) -> Int16:
        """Convert a chunk of `from_hz`."""
        if self._resampler is None or self._resampler.from_hz != from_hz:
            self._resampler = LiveResampler(from_hz, self.to_hz)
        return self._resampler.push(samples)


def resample(samples: Float32, from_hz: int, to_hz: int) -> Float32:
    """Convert a whole recording at high quality."""
    if from_hz == to_hz:
        return samples
    converted: Float32 = soxr.resample(samples, from_hz, to_hz, quality="HQ").astype(np.float32)
    return converted
