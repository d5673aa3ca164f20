"""From a model's chunks of any length and rate to the interface's frames: 20 ms, 48 kHz, with the words in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parley.audio.pcm import Int16, to_bytes
from parley.audio.resample import LiveResampler
from parley.models.interfaces import SpeechChunk, WordTiming
from parley.v1 import worker_pb2 as pb

RATE_HZ = 48000
FRAME_SAMPLES = 960


class PieceFramer:
    """Frames of one piece of text. `push` each chunk, then `flush`."""

    def __init__(self, stream_id: str, generation: int, piece: int, rate_hz: int) -> None:
        self._stream_id = stream_id
        self._generation = generation
        self._piece = piece
        self._resampler = LiveResampler(rate_hz, RATE_HZ)
        self._rest: Int16 = np.empty(0, np.int16)
        self._offset = 0
        self._words: list[WordTiming] = []

    def push(self, chunk: SpeechChunk) -> Iterator[pb.AudioFrame]:
        """Every frame that is now full; a long chunk is converted in parts, so that its beginning need not wait."""
        self._words += chunk.words
        size = self._resampler.from_hz // 10
        for begin in range(0, len(chunk.samples), size):
            sound = self._resampler.push(chunk.samples[begin : begin + size])
            data = np.concatenate([self._rest, sound]) if len(self._rest) else sound
            full = len(data) - len(data) % FRAME_SAMPLES
            self._rest = data[full:]
            for start in range(0, full, FRAME_SAMPLES):
                yield self._frame(data[start : start + FRAME_SAMPLES])

    def flush(self) -> Iterator[pb.AudioFrame]:
        """What is left; the last frame says that it is the last, its rest is silence."""
        data = np.concatenate([self._rest, self._resampler.flush()])
        self._rest = data[:0]
        parts = [data[start : start + FRAME_SAMPLES] for start in range(0, len(data), FRAME_SAMPLES)]
        for part in parts[:-1]:
            yield self._frame(part)
        yield self._frame(parts[-1] if parts else data, last=True)

    def _frame(self, samples: Int16, *, last: bool = False) -> pb.AudioFrame:
        padded = samples
        if len(samples) < FRAME_SAMPLES:
            padded = np.zeros(FRAME_SAMPLES, np.int16)
            padded[: len(samples)] = samples
        frame = pb.AudioFrame(
            stream_id=self._stream_id,
            generation=self._generation,
            piece=self._piece,
            sample_offset=self._offset,
            pcm=to_bytes(padded),
            samples=len(samples),
            words=[_word(w) for w in self._words],
            last_of_piece=last,
        )
        self._words = []
        self._offset += len(samples)
        return frame


def _word(word: WordTiming) -> pb.Word:
    return pb.Word(
        text_start=word.text_start,
        text_end=word.text_end,
        start=max(0, round(word.start_s * RATE_HZ)),
        end=max(0, round(word.end_s * RATE_HZ)),
        estimated=word.estimated,
    )
