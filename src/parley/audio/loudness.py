"""Loudness of a voice: one gain, measured once, towards -16 LUFS, and a peak limiter behind it."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pyloudnorm

from parley.audio.pcm import Float32

TARGET_LUFS = -16.0
_CEILING = 0.95
_MAX_GAIN_DB = 24.0


def integrated_lufs(samples: Float32, rate_hz: int) -> float:
    """Integrated loudness (ITU-R BS.1770-4); -inf for silence or less than 0.4 s."""
    if len(samples) < int(0.4 * rate_hz) + 1:
        return -math.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyloudnorm warns about log(0) on silence
        return float(pyloudnorm.Meter(rate_hz).integrated_loudness(samples.astype(np.float64)))


def gain_towards(samples: Float32, rate_hz: int, target_lufs: float = TARGET_LUFS) -> float:
    """Linear gain that brings this sample of a voice to `target_lufs`; 1.0 when it cannot be measured."""
    measured = integrated_lufs(samples, rate_hz)
    if not math.isfinite(measured):
        return 1.0
    gain_db = max(-_MAX_GAIN_DB, min(_MAX_GAIN_DB, target_lufs - measured))
    return float(10 ** (gain_db / 20))


def limit(samples: Float32, gain: float = 1.0) -> Float32:
    """Apply `gain`; peaks above 0.9 of the ceiling are bent softly so that nothing passes it."""
    louder = samples * np.float32(gain)
    knee = np.float32(_CEILING * 0.8)
    room = np.float32(_CEILING) - knee
    over = np.abs(louder) > knee
    if over.any():
        peaks = louder[over]
        louder[over] = np.sign(peaks) * (knee + room * np.tanh((np.abs(peaks) - knee) / room))
    return louder
