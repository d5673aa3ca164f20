"""Mono PCM as numpy arrays: conversions, checks, and frames that carry their rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parley.errors import AudioError

Int16 = NDArray[np.int16]
Float32 = NDArray[np.float32]

FRAME_MS = 20
RATES_HZ = (8000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass(frozen=True, slots=True)
class Frame:
    """A block of mono samples with its rate, usually 20 ms long."""

    samples: Int16
    rate_hz: int

    @property
    def seconds(self) -> float:
        """Duration of the frame."""
        return len(self.samples) / self.rate_hz


def check_rate(rate_hz: int) -> int:
    """Return `rate_hz`, or raise `AudioError` when it is not one that parley converts."""
    if rate_hz not in RATES_HZ:
        raise AudioError(f"sample rate {rate_hz} Hz is not supported; use one of {', '.join(map(str, RATES_HZ))}")
    return rate_hz


def frame_samples(rate_hz: int, frame_ms: int = FRAME_MS) -> int:
    """Samples of one frame (441 at 22.05 kHz)."""
    return rate_hz * frame_ms // 1000


def silence(seconds: float, rate_hz: int) -> Int16:
    """Samples of nothing."""
    return np.zeros(round(seconds * rate_hz), np.int16)


def from_bytes(data: bytes | bytearray | memoryview) -> Int16:
    """Read little-endian 16-bit PCM; raise `AudioError` on an odd number of bytes."""
    if len(data) % 2:
        raise AudioError(f"16-bit PCM needs an even number of bytes, got {len(data)}")
    return np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)


def to_bytes(samples: Int16) -> bytes:
    """Write little-endian 16-bit PCM."""
    return samples.astype("<i2", copy=False).tobytes()


def to_float(samples: Int16) -> Float32:
    """Scale to [-1, 1)."""
    return samples.astype(np.float32) * np.float32(1 / 32768)


def to_int16(samples: Float32) -> Int16:
    """Round and clip to 16 bit; raise `AudioError` on NaN or infinity."""
    if not np.isfinite(samples).all():
        raise AudioError("samples contain NaN or infinity")
    rounded: Int16 = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    return rounded


def mixed(*parts: Int16) -> Int16:
    """All at once, of one length; what is too loud is clipped."""
    whole: Int16 = np.clip(np.sum(parts, axis=0, dtype=np.int32), -32768, 32767).astype(np.int16)
    return whole


def rms_dbfs(samples: Int16 | Float32) -> float:
    """Root mean square in dB relative to full scale; -120 for digital silence."""
    if len(samples) == 0:
        return -120.0
    scale = 32768.0 if samples.dtype == np.int16 else 1.0
    precise = samples.astype(np.float64)
    mean_square = float(np.dot(precise, precise)) / len(samples) / scale**2
    return max(-120.0, 10 * math.log10(mean_square + 1e-12))


def fade(samples: Int16, *, fade_in: int = 0, fade_out: int = 0) -> Int16:
    """Copy with a linear fade over the first `fade_in` and the last `fade_out` samples."""
    shaped = samples.astype(np.float32)
    if fade_in:
        n = min(fade_in, len(shaped))
        shaped[:n] *= np.linspace(0, 1, n, endpoint=False, dtype=np.float32)
    if fade_out:
        n = min(fade_out, len(shaped))
        shaped[len(shaped) - n :] *= np.linspace(1, 0, n, dtype=np.float32)
    return np.rint(shaped).astype(np.int16)


class Framer:
    """Cuts chunks of any length into frames of exactly `frame_ms`; keeps the rest for the next chunk."""

    def __init__(self, rate_hz: int, frame_ms: int = FRAME_MS) -> None:
        self._size = frame_samples(rate_hz, frame_ms)
        self._rate_hz = rate_hz
        self._rest: Int16 = np.empty(0, np.int16)

    def push(self, samples: Int16) -> Iterator[Frame]:
        """Yield every full frame that is now there."""
        data = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        full = len(data) - len(data) % self._size
        self._rest = data[full:]
        for start in range(0, full, self._size):
            yield Frame(data[start : start + self._size], self._rate_hz)

    def flush(self) -> Frame | None:
        """Return what is left, padded with silence to a full frame, or None."""
        if not len(self._rest):
            return None
        padded = np.zeros(self._size, np.int16)
        padded[: len(self._rest)] = self._rest
        self._rest = np.empty(0, np.int16)
        return Frame(padded, self._rate_hz)
