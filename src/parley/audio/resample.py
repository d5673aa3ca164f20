"""Rate conversion: PyAV's resampler for live streams (about 1 ms of delay), soxr for whole recordings."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

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
        self._time_base = Fraction(1, from_hz)
        self._graph = self._made()

    def _made(self) -> Graph | None:
        """What `av.AudioResampler` makes, but without two idle threads for each stream."""
        if self.from_hz == self.to_hz:
            return None
        graph = Graph()
        graph.threads = 1
        source = graph.add_abuffer(sample_rate=self.from_hz, format="s16", layout="mono", time_base=self._time_base)
        wanted = graph.add("aformat", f"sample_rates={self.to_hz}:sample_fmts=s16:channel_layouts=mono")
        graph.link_nodes(source, wanted, graph.add("abuffersink")).configure()
        return graph

    def push(self, samples: Int16) -> Int16:
        """Convert a chunk; the result may lag the input by about a millisecond."""
        if self._graph is None or not len(samples):
            return samples
        frame = av.AudioFrame("s16", "mono", len(samples))
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = self.from_hz
        frame.pts = self._position
        frame.time_base = self._time_base
        self._position += len(samples)
        self._graph.push(frame)
        return _pulled(self._graph)  # of a frame it makes one at most

    def flush(self) -> Int16:
        """Return what the filter still holds; the resampler is fresh afterwards."""
        if self._graph is None:
            return np.empty(0, np.int16)
        self._graph.push(None)
        rest = []
        while len(part := _pulled(self._graph)):
            rest.append(part)
        self._graph = self._made()
        self._position = 0
        return np.concatenate(rest) if rest else np.empty(0, np.int16)


def _pulled(graph: Graph) -> Int16:
    """What a filter has made of the next frame; nothing where it has none for now, or none any more."""
    try:
        frame = graph.pull()
    except (av.BlockingIOError, av.EOFError):
        return np.empty(0, np.int16)
    assert isinstance(frame, av.AudioFrame)
    plane: Any = frame.planes[0]  # a buffer, though its stub does not say so
    samples: Int16 = np.frombuffer(plane, np.int16, frame.samples).copy()
    return samples


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
