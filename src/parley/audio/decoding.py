"""Recordings to mono samples, block by block, so that memory does not grow with what a small file unpacks to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import av
import numpy as np
import soxr
from av.audio.stream import AudioStream
from av.error import FFmpegError

from parley.audio.containers import opened
from parley.audio.pcm import Float32, Int16, to_float
from parley.errors import AudioError

LONGEST_S = 4 * 3600
"""Seconds of a recording that are read at most."""


class Decoder:
    """An open recording; `blocks` yields it once."""

    def __init__(self, container: av.container.InputContainer, stream: AudioStream, label: str) -> None:
        self._container = container
        self._stream = stream
        self._label = label
        self.rate_hz = stream.codec_context.sample_rate
        """The recording's own rate."""
        self.channels = stream.codec_context.channels

    def blocks(self, channel: int | None = None) -> Iterator[Int16]:
        """Mono samples at `rate_hz`, a codec's frame each: all channels mixed, or one of them (0 is the first).

        Raises `AudioError` if the recording is too long, holds nothing, or lacks the channel.
        """
        if channel is not None and channel >= self.channels:
            raise AudioError(f"{self._label}: has {self.channels} channel(s), none with the number {channel}")
        layout = "mono" if channel is None else self._stream.codec_context.layout.name
        resampler = av.AudioResampler(format="s16", layout=layout, rate=self.rate_hz)
        total = 0
        for frame in self._container.decode(self._stream):
            for whole in resampler.resample(frame):
                block = _samples(whole, channel)
                total += len(block)
                yield block
            if total > LONGEST_S * self.rate_hz:
                raise AudioError(f"{self._label}: longer than {LONGEST_S // 3600} hours")
        for whole in resampler.resample(None):
            total += whole.samples
            yield _samples(whole, channel)
        if not total:
            raise AudioError(f"{self._label}: contains no samples")


def _samples(frame: av.AudioFrame, channel: int | None) -> Int16:
    packed: Int16 = frame.to_ndarray().reshape(-1).astype(np.int16, copy=False)
    return packed if channel is None else packed[channel :: len(frame.layout.channels)]


@contextmanager
def decoding(source: BinaryIO, label: str) -> Iterator[Decoder]:
    """Open a recording (seekable) as a context; raises `AudioError` that says what is wrong with it, also inside."""
    try:
        container, stream = opened(source, label)
        with container:
            yield Decoder(container, stream, label)
    except (FFmpegError, ValueError, EOFError, MemoryError) as fault:
        raise AudioError(f"{label}: not readable as audio ({fault})") from fault


def converted(source: BinaryIO, label: str, rate_hz: int, channel: int | None = None) -> Iterator[Float32]:
    """A recording's blocks as mono float32 at `rate_hz`, mixed or of one channel; raises as `decoding` does."""
    with decoding(source, label) as recording:
        if recording.rate_hz == rate_hz:
            yield from map(to_float, recording.blocks(channel))
            return
        stream = soxr.ResampleStream(recording.rate_hz, rate_hz, 1, dtype="float32", quality="HQ")
        for block in recording.blocks(channel):
            yield stream.resample_chunk(to_float(block))
        yield stream.resample_chunk(np.empty(0, np.float32), last=True)
