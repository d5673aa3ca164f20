"""smart-turn v3: end of turn from sound (https://github.com/pipecat-ai/smart-turn, BSD-2-Clause).

Input: Whisper's log-mel features of the last 8 s, silence padded in front, then zero mean and unit variance. The
network's own verdict says "finished" of nearly every pause that lasts. What its encoder makes of the last half second
tells more: a linear head on that and on the verdict, fitted to turns whose ends are known, gives the probability that
the speaker is finished. Networks that nobody fitted a head to are believed themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from parley.adapters.log_mel import log_mel
from parley.adapters.onnx import session, with_output
from parley.adapters.turn_head import Head, head_of, last_means, read
from parley.audio.pcm import Float32
from parley.errors import ModelError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import MODEL_RATE_HZ, Caller, EndOfTurn, ModelSpec
from parley.models.resolve import HEAD

_SAMPLES = 8 * MODEL_RATE_HZ
_ENCODED = "layer_norm_8"
"""The encoder's output, 400 frames of `_VALUES` each."""
_LAST_FRAMES = (8, 25)
"""Of 20 ms, over which the encoder's output is averaged."""
_SURE = 0.01
_VALUES = 384
_VERDICT = Head(0.0, [*[0.0] * len(_LAST_FRAMES) * _VALUES, 1.0])
"""The head that is of the network's own opinion."""


class SmartTurn:
    """The model, one thread."""

    def __init__(self, network: Path, head: Head | None, languages: Sequence[str] = ("*",)) -> None:
        """Without a head it is the network's own verdict that counts, and `look` cannot be asked for.

        Raises `ModelError` where the network is another kind of one.
        """
        self.languages = languages
        try:
            self._session = session(str(network) if head is None else with_output(network, _ENCODED))
        except ValueError as fault:
            raise ModelError(str(fault)) from None
        self._head = head
        self._executor = ModelExecutor("end-of-turn")

    async def probability(self, samples: Float32, caller: Caller) -> float:
        """See `EndOfTurn.probability`."""
        return await self._executor.run(lambda: self._probability(samples), caller)

    def _probability(self, samples: Float32) -> float:
        if self._head is None:
            (verdict,) = self._run(samples)
            return float(np.ravel(verdict)[0])
        return self._head.probability(self.look(samples))

    def look(self, samples: Float32) -> Float32:
        """What the head weighs (769): means over the last frames, and the log-odds of the network's own verdict."""
        verdict, encoded = self._run(samples)
        own = min(max(float(np.ravel(verdict)[0]), _SURE), 1 - _SURE)
        means = last_means(encoded[0], _LAST_FRAMES)
        found: Float32 = np.append(means, np.float32(math.log(own / (1 - own))))
        return found

    def judge(self, seen: Float32) -> float:
        """The probability that the speaker is finished of whom `seen` was seen; see `look`."""
        assert self._head is not None, "only who has a head sees"
        return self._head.probability(seen)

    def _run(self, samples: Float32) -> list[Float32]:
        tail = samples[-_SAMPLES:]
        padded = np.zeros(_SAMPLES, np.float32)
        padded[_SAMPLES - len(tail) :] = tail
        padded = (padded - padded.mean()) / np.sqrt(padded.var() + 1e-7)
        found: list[Float32] = self._session.run(None, {"input_features": log_mel(padded)[None]})
        return found

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


def load(spec: ModelSpec) -> EndOfTurn:
    """Adapter entry point; raises `ModelError`."""
    return SmartTurn(network_of(spec), _head_of(spec), spec.languages)


def seeing(spec: ModelSpec) -> SmartTurn:
    """One that can be asked what it sees, also where nobody fitted a head to it; raises `ModelError`."""
    return SmartTurn(network_of(spec), _head_of(spec) or _VERDICT)


def network_of(spec: ModelSpec) -> Path:
    """The file of the network; raises `ModelError`."""
    found = [path for name, path in spec.files.items() if name.endswith(".onnx")]
    if len(found) != 1:
        raise ModelError(f"'{spec.id}' has {len(found)} networks (.onnx) where a turn model has one")
    return Path(found[0])


def _head_of(spec: ModelSpec) -> Head | None:
    return read(spec.files[HEAD]) if HEAD in spec.files else head_of(spec.id)
