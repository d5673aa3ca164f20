"""G.711 companding, both laws, by table (ITU-T Recommendation G.711)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parley.audio.pcm import Int16

Bytes = NDArray[np.uint8]

_MU_BIAS = 132
_MU_CLIP = 32635


def _mu_decode_table() -> Int16:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 0x0F
    magnitude = (((mantissa << 3) + _MU_BIAS) << exponent) - _MU_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_decode_table() -> Int16:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 0x0F
    linear = (mantissa << 4) + 8
    magnitude = np.where(exponent == 0, linear, (linear + 256) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _mu_encode_table() -> Bytes:
    sample = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(sample), _MU_CLIP) + _MU_BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    code: Bytes = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return code


def _a_encode_table() -> Bytes:
    sample = np.arange(-32768, 32768, dtype=np.int32) >> 3  # 13 bit
    positive = sample >= 0
    magnitude = np.where(positive, sample, -sample - 1)
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    mantissa = (magnitude >> np.maximum(exponent, 1)) & 0x0F
    code = (exponent << 4) | mantissa
    return (np.where(positive, code | 0x80, code) ^ 0x55).astype(np.uint8)


_MU_DECODE, _A_DECODE = _mu_decode_table(), _a_decode_table()
_MU_ENCODE, _A_ENCODE = _mu_encode_table(), _a_encode_table()


def _index(samples: Int16) -> NDArray[np.int32]:
    return samples.astype(np.int32) + 32768


def mulaw_encode(samples: Int16) -> bytes:
    """One byte for each sample, µ-law."""
    return _MU_ENCODE[_index(samples)].tobytes()


def mulaw_decode(data: bytes | memoryview) -> Int16:
    """16-bit samples from µ-law bytes."""
    return _MU_DECODE[np.frombuffer(data, np.uint8)]


def alaw_encode(samples: Int16) -> bytes:
    """One byte for each sample, A-law."""
    return _A_ENCODE[_index(samples)].tobytes()


def alaw_decode(data: bytes | memoryview) -> Int16:
    """16-bit samples from A-law bytes."""
    return _A_DECODE[np.frombuffer(data, np.uint8)]
