"""Hibari voices (https://github.com/MMWilliams/hibari, Apache-2.0): small English voices distilled from Kokoro.

The package's synthesis from spectra is used as it is; the network runs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from parley.adapters.onnx import session, with_output
from parley.adapters.phoneme_voice import PhonemeVoice
from parley.audio.pcm import Float32
from parley.models.interfaces import ModelSpec, Synthesizer

_DURATIONS = "/Clip_output_0"
_LONGEST_CHARS = 240
"""A sentence is made faster than it could be cut into pieces."""


class Hibari(PhonemeVoice):
    """One voice."""

    def __init__(self, name: str, model: Path, *, british: bool = False, threads: int = 1) -> None:
        """`model`: the voice's .onnx."""
        self._session = session(with_output(model, _DURATIONS), threads=threads)
        super().__init__(name, (name,), british=(name,) if british else (), longest_chars=_LONGEST_CHARS)

    def _run(self, ids: Sequence[int], voice: str, speed: float) -> tuple[Float32, Float32]:
        from hibari import dsp

        feed = {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
        *spectra, durations = self._session.run(None, feed)
        sound: Float32 = dsp.synth(*(part[0] for part in spectra), np.random.default_rng(0))
        return sound, durations


def load(spec: ModelSpec) -> Synthesizer:
    """Adapter entry point; files: the voice's .onnx. Options: british, threads."""
    model = next(p for p in spec.files.values() if p.suffix == ".onnx")
    british = bool(spec.options.get("british", False))
    return Hibari(spec.id, model, british=british, threads=int(spec.options.get("threads", 1)))
