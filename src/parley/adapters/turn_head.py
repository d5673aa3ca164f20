"""How finished a speaker sounds, by what a network's encoder makes of the last moments: linear heads, fitted here.

They are data, and good for one model's weights only: `turn_heads/MODEL.json`, fitted by ``benchmarks/turn_taking.py``,
or a file beside a model of one's own, fitted by ``parley train turns``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path

import msgspec
import numpy as np

from parley.audio.pcm import Float32
from parley.errors import ModelError


class Head(msgspec.Struct, frozen=True, dict=True):
    """Log-odds that the speaker is finished: `bias` and a weighted sum of what is seen."""

    bias: float
    weights: list[float]
    languages: list[str] = []
    """Those of a model of one's own: of the turns that it was fitted to."""

    @cached_property
    def _weights(self) -> Float32:
        return np.array(self.weights, np.float32)

    def probability(self, seen: Float32) -> float:
        """That the speaker is finished; `seen`: as many values as there are weights."""
        return probability_of(self.bias + float(self._weights @ seen))


def probability_of(odds: float) -> float:
    """The probability with these log-odds."""
    return 1 / (1 + math.exp(-min(max(odds, -30.0), 30.0)))


def head_of(model: str) -> Head | None:
    """The one for a model of the catalogue; None where none was fitted."""
    path = resources.files(__package__) / "turn_heads" / f"{model}.json"
    return msgspec.json.decode(path.read_bytes(), type=Head) if path.is_file() else None


def read(path: Path) -> Head:
    """The one in a file; raises `ModelError` that names it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Head)
    except (OSError, msgspec.MsgspecError) as fault:
        raise ModelError(f"{path}: no head of a turn model can be read ({fault})") from None


def last_means(frames: Float32, counts: Sequence[int]) -> Float32:
    """Averages over the last so many of an encoder's frames, shape (frames, values), one behind the other."""
    found: Float32 = np.concatenate([frames[-count:].mean(axis=0) for count in counts]).astype(np.float32)
    return found
