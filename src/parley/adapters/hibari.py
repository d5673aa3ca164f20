"""Hibari voices (https://github.com/MMWilliams/hibari, Apache-2.0): small English voices distilled from Kokoro.

The package's synthesis from spectra is used as it is; the network runs here. Since melody and timbre are apart until
then, one network speaks as several people: with another pitch, and its formants where a longer or a shorter throat
has them (Fant 1960, Acoustic Theory of Speech Production).
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

    def __init__(
        self, name: str, model: Path, *, british: bool = False, pitch: float = 1.0, formants: float = 1.0,
        threads: int = 1,
    ) -> None:  # fmt: skip
        """`model`: the voice's .onnx; `pitch`, `formants`: times those that it was trained with."""
        self._session = session(with_output(model, _DURATIONS), threads=threads)
        self._pitch, self._formants = pitch, formants
        super().__init__(name, (name,), british=(name,) if british else (), longest_chars=_LONGEST_CHARS)

    def _run(self, ids: Sequence[int], voice: str, speed: float) -> tuple[Float32, Float32]:
        from hibari import dsp

        feed = {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
        *spectra, durations = self._session.run(None, feed)
        harmonics, their_phases, noise, rest, phases, pitch = (part[0] for part in spectra)
        if self._formants != 1:
            harmonics, their_phases, noise, rest = (
                stretched(part, self._formants) for part in (harmonics, their_phases, noise, rest)
            )
        shaped = (harmonics, their_phases, noise, rest, phases, pitch * np.float32(self._pitch))
        sound: Float32 = dsp.synth(*shaped, np.random.default_rng(0))
        return sound, durations


def stretched(spectra: Float32, factor: float) -> Float32:
    """Spectra (frequencies, times) with what is at a frequency moved to `factor` times that, the highest repeated."""
    last = len(spectra) - 1
    at = np.minimum(np.arange(len(spectra)) / factor, last).astype(np.float32)
    below = at.astype(np.int64)
    share = (at - below)[:, None]
    moved: Float32 = spectra[below] * (1 - share) + spectra[np.minimum(below + 1, last)] * share
    return moved


def load(spec: ModelSpec) -> Synthesizer:
    """Adapter entry point; files: the voice's .onnx. Options: british, pitch, formants, threads."""
    model = next(p for p in spec.files.values() if p.suffix == ".onnx")
    options = spec.options
    return Hibari(
        spec.id, model, british=bool(options.get("british", False)), pitch=float(options.get("pitch", 1)),
        formants=float(options.get("formants", 1)), threads=int(options.get("threads", 1)),
    )  # fmt: skip
