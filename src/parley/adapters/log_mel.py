"""Mel filters, and the log-mel spectrogram as Whisper defines it (Radford et al., 2022): 80 bands, 25 ms windows every
10 ms."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from parley.audio.pcm import Float32

_RATE, _FFT, _HOP, _BANDS = 16000, 400, 160, 80


@cache
def mel_filters(bands: int, size: int) -> Float32:
    """Triangular filters on Slaney's mel scale for an FFT of `size` at 16 kHz, each of unit area; shape
    (bands, size // 2 + 1)."""
    edges_hz = _mel_to_hz(np.linspace(0.0, _hz_to_mel(_RATE / 2), bands + 2))
    bins_hz = np.fft.rfftfreq(size, 1 / _RATE)
    widths = np.diff(edges_hz)
    slopes = edges_hz[:, None] - bins_hz[None, :]
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: Float32 = (triangles * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None]).astype(np.float32)
    return filters


def _hz_to_mel(hz: float) -> float:
    """Linear to 1 kHz (15 mel), logarithmic above (27 mel for a factor of 6.4)."""
    return hz / (200 / 3) if hz < 1000 else 15 + 27 * float(np.log(hz / 1000) / np.log(6.4))


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * (200 / 3), 1000 * np.exp((mel - 15) * (np.log(6.4) / 27)))


def log_mel(samples: Float32) -> Float32:
    """Features of 16 kHz audio; shape (80, len(samples) // 160), about -1 to 1."""
    padded = np.pad(samples, _FFT // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][: len(samples) // _HOP]
    spectrum = np.fft.rfft(windows * np.hanning(_FFT + 1)[:-1].astype(np.float32), axis=1)
    power = mel_filters(_BANDS, _FFT) @ (np.abs(spectrum) ** 2).T.astype(np.float32)
    decibel = np.log10(np.maximum(power, 1e-10))
    features: Float32 = ((np.maximum(decibel, decibel.max() - 8.0) + 4.0) / 4.0).astype(np.float32)
    return features
