"""smart-turn v3: end of turn from sound (https://github.com/pipecat-ai/smart-turn, BSD-2-Clause).

Input: Whisper's log-mel features of the last 8 s, silence padded in front, then zero mean and unit variance;
output: probability that the speaker is finished.
"""

from __future__ import annotations

import numpy as np

from parley.adapters.log_mel import log_mel
from parley.adapters.onnx import session
from parley.audio.pcm import Float32
from parley.models.executor import ModelExecutor
from parley.models.interfaces import MODEL_RATE_HZ, Caller, EndOfTurn, ModelSpec

_SAMPLES = 8 * MODEL_RATE_HZ


class SmartTurn:
    """The model, one thread."""

    def __init__(self, path: str) -> None:
        self._session = session(path)
        self._executor = ModelExecutor("end-of-turn")

    async def probability(self, samples: Float32, caller: Caller) -> float:
        """See `EndOfTurn.probability`."""
        return await self._executor.run(lambda: self._run(samples), caller)

    def _run(self, samples: Float32) -> float:
        tail = samples[-_SAMPLES:]
        padded = np.zeros(_SAMPLES, np.float32)
        padded[_SAMPLES - len(tail) :] = tail
        padded = (padded - padded.mean()) / np.sqrt(padded.var() + 1e-7)
        output = self._session.run(None, {"input_features": log_mel(padded)[None]})
        return float(np.ravel(output[0])[0])

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


def load(spec: ModelSpec) -> EndOfTurn:
    """Adapter entry point."""
    return SmartTurn(str(spec.files["smart-turn-v3.2-cpu.onnx"]))
