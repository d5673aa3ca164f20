"""smart-turn v3: end of turn from sound (https://github.com/pipecat-ai/smart-turn, BSD-2-Clause).

Input: Whisper's log-mel features of the last 8 s, silence padded in front, then zero mean and unit variance. The
network's own verdict says "finished" of nearly every pause that lasts. What its encoder makes of the last half second
tells more: a linear head on that and on the verdict, fitted by ``benchmarks/turn_taking.py``, gives the probability
that the speaker is finished.
"""

from __future__ import annotations

import math

import numpy as np

from parley.adapters.log_mel import log_mel
from parley.adapters.onnx import session, with_output
from parley.adapters.turn_head import head_of, last_means
from parley.audio.pcm import Float32
from parley.models.executor import ModelExecutor
from parley.models.interfaces import MODEL_RATE_HZ, Caller, EndOfTurn, ModelSpec

_SAMPLES = 8 * MODEL_RATE_HZ
_ENCODED = "layer_norm_8"
"""The encoder's output, 400 frames of 384 values."""
_LAST_FRAMES = (8, 25)
"""Of 20 ms, over which the encoder's output is averaged."""
_SURE = 0.01
_MODEL = "smart-turn-v3"


class SmartTurn:
    """The model, one thread."""

    def __init__(self, path: str) -> None:
        self._session = session(with_output(path, _ENCODED))
        self._executor = ModelExecutor("end-of-turn")
        head = head_of(_MODEL)
        assert head is not None, "it comes with parley"
        self._head = head

    async def probability(self, samples: Float32, caller: Caller) -> float:
        """See `EndOfTurn.probability`."""
        return await self._executor.run(lambda: self._head.probability(self.look(samples)), caller)

    def look(self, samples: Float32) -> Float32:
        """What the head weighs (769): means over the last frames, and the log-odds of the network's own verdict."""
        tail = samples[-_SAMPLES:]
        padded = np.zeros(_SAMPLES, np.float32)
        padded[_SAMPLES - len(tail) :] = tail
        padded = (padded - padded.mean()) / np.sqrt(padded.var() + 1e-7)
        verdict, encoded = self._session.run(None, {"input_features": log_mel(padded)[None]})
        own = min(max(float(np.ravel(verdict)[0]), _SURE), 1 - _SURE)
        means = last_means(encoded[0], _LAST_FRAMES)
        found: Float32 = np.append(means, np.float32(math.log(own / (1 - own))))
        return found

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


def load(spec: ModelSpec) -> EndOfTurn:
    """Adapter entry point."""
    return SmartTurn(str(spec.files["smart-turn-v3.2-cpu.onnx"]))
