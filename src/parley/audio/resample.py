"""Rate conversion: PyAV's resampler for live streams (about 1 ms of delay), soxr for whole recordings."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import soxr
from av.filter import Graph

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
        self._graph = self._made()

    def _made(self) -> Graph | None:
        """What `av.AudioResampler` makes, but without two idle threads for each stream."""
        if self.from_hz == self.to_hz:
            return None
        graph = Graph()
        graph.threads = 1
        source = graph.add_abuffer(
            sample_rate=self.from_hz, format="s16", layout="mono", time_base=Fraction(1, self.from_hz)
        )
        wanted = graph.add("aformat", f"sample_rates={self.to_hz}:sample_fmts=s16:channel_layouts=mono")
        graph.link_nodes(source, wanted, graph.add("abuffersink")).configure()
        return graph

    def push(self, samples: Int16) -> Int16:
        """Convert a chunk; the result may lag the input by about a millisecond."""
        if self._graph is None or not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self.from_hz
        frame.pts = self._position
        frame.time_base = Fraction(1, self.from_hz)
        self._position += len(samples)
        self._graph.push(frame)
        return self._collect(self._graph)

    def flush(self) -> Int16:
        """Return what the filter still holds; the resampler is fresh afterwards."""
        if self._graph is None:
            return np.empty(0, np.int16)
        self._graph.push(None)
        rest = self._collect(self._graph)
        self._graph = self._made()
        self._position = 0
        return rest

    @staticmethod
    def _collect(graph: Graph) -> Int16:
        parts = []
        try:
            while True:
                frame = graph.pull()
                assert isinstance(frame, av.AudioFrame)
                parts.append(frame.to_ndarray().reshape(-1))
        except (av.BlockingIOError, av.EOFError):  # no more for now, no more at all
            pass
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
