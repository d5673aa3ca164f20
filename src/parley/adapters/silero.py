"""Silero voice activity detection, one batched run for all inputs that wait, behind an energy gate.

Model: https://github.com/snakers4/silero-vad (version 6): windows of 512 samples at 16 kHz, preceded by the
last 64 of the window before, with a recurrent state of shape (2, batch, 128).
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from parley.adapters.onnx import session
from parley.audio.pcm import Float32, rms_dbfs
from parley.errors import ModelError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec, Vad, VadStream

WINDOW = 512
_CONTEXT = 64
_GATE_DBFS = -60.0
_GATE_OVER_NOISE_DB = 3.0
_NOISE_WINDOWS = 48  # 1.5 s, in which even a fluent speaker pauses for breath between words
_NOISE_SHARE = 0.1
_GATE_HOLD = 15  # windows that are still run after the last loud one, so that the state settles
_MAX_BATCH = 64


class SileroVad:
    """The model; `open` a stream for each input."""

    window_samples = WINDOW

    def __init__(self, path: str) -> None:
        self._session = session(path)
        self._executor = ModelExecutor("vad")
        self._waiting: list[_Request] = []
        self._draining: asyncio.Task[None] | None = None

    def open(self) -> VadStream:
        """A stream with a fresh state."""
        return SileroStream(self)

    async def window(self, stream: SileroStream, samples: Float32) -> float:
        """Probability of one window; shares a run with whatever else waits."""
        request = _Request(stream, samples, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain(), name="vad-batches")
        return await request.answer

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
            try:
                probabilities = await self._executor.run(partial(self._run, batch), Caller())
            except Exception as fault:  # noqa: BLE001 - each waiting input gets it
                for request in batch:
                    if not request.answer.done():
                        request.answer.set_exception(ModelError(f"voice activity detection failed: {fault}"))
                continue
            for request, probability in zip(batch, probabilities, strict=True):
                if not request.answer.done():
                    request.answer.set_result(probability)

    def _run(self, batch: list[_Request]) -> list[float]:
        audio = np.stack([np.concatenate([r.stream.context, r.samples]) for r in batch])
        state = np.concatenate([r.stream.state for r in batch], axis=1)
        output, state = self._session.run(None, {"input": audio, "state": state, "sr": np.array(16000, np.int64)})
        for i, request in enumerate(batch):
            request.stream.state = state[:, i : i + 1]
            request.stream.context = request.samples[-_CONTEXT:]
        return [float(p) for p in output[:, 0]]

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


@dataclass(slots=True)
class _Request:
    stream: SileroStream
    samples: Float32
    answer: asyncio.Future[float]


class SileroStream:
    """One input's windows and state.

    Windows below -60 dBFS, or hardly above what the quietest of the last seconds were, are silence without asking the
    model: a fan or a street far away would cost as much as speech. A voice that is not 3 dB above its noise for
    one window of 32 ms is not found by the model either.
    """

    def __init__(self, vad: SileroVad) -> None:
        self._vad = vad
        self._rest: Float32 = np.empty(0, np.float32)
        self._loud = 0
        self._levels: deque[float] = deque(maxlen=_NOISE_WINDOWS)
        self.state: NDArray[np.float32] = np.zeros((2, 1, 128), np.float32)
        self.context: Float32 = np.zeros(_CONTEXT, np.float32)

    async def feed(self, samples: Float32) -> list[float]:
        """Probabilities of the windows that `samples` complete, in order."""
        data = np.concatenate([self._rest, samples])
        full = len(data) // WINDOW * WINDOW
        self._rest = data[full:]
        return [await self._judge(data[i : i + WINDOW]) for i in range(0, full, WINDOW)]

    async def _judge(self, window: Float32) -> float:
        level = rms_dbfs(window)
        self._levels.append(level)
        if level > max(_GATE_DBFS, self._noise_dbfs + _GATE_OVER_NOISE_DB):
            self._loud = _GATE_HOLD
        elif self._loud == 0:
            self.context = window[-_CONTEXT:]
            return 0.0
        else:
            self._loud -= 1
        return await self._vad.window(self, window)

    @property
    def _noise_dbfs(self) -> float:
        """Level of the quietest windows lately; -120 until enough are known."""
        if len(self._levels) < _NOISE_WINDOWS:
            return -120.0
        return sorted(self._levels)[int(_NOISE_WINDOWS * _NOISE_SHARE)]

    def close(self) -> None:
        """Nothing is held outside the stream."""


def load(spec: ModelSpec) -> Vad:
    """Adapter entry point."""
    return SileroVad(str(spec.files["silero_vad.onnx"]))
