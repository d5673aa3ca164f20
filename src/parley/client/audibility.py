"""What counts as sound: the same measure for every server and every recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parley.audio.pcm import Int16

AUDIBLE_DBFS = -45.0
_SPEECH_BELOW_LOUD_DB = 20.0
_ABOVE_QUIET_DB = 12.0


def hops_dbfs(samples: Int16, rate_hz: int) -> NDArray[np.float64]:
    """RMS of each 10 ms, dBFS."""
    hop = rate_hz // 100
    data = samples[: len(samples) // hop * hop].astype(np.float64).reshape(-1, hop) / 32768
    levels: NDArray[np.float64] = 10 * np.log10(np.mean(np.square(data), axis=1) + 1e-12)
    return levels


def first_audible_s(samples: Int16, rate_hz: int, since_s: float = 0.0) -> float | None:
    """Start of the first 10 ms after `since_s` above -45 dBFS whose successor is too; None if silent."""
    loud = hops_dbfs(samples, rate_hz) > AUDIBLE_DBFS
    twice = np.flatnonzero(loud[:-1] & loud[1:])
    later = twice[twice >= round(since_s * 100)]
    return float(later[0]) / 100 if len(later) else None


def last_audible_s(samples: Int16, rate_hz: int) -> float | None:
    """End of the last 10 ms above -45 dBFS whose predecessor is too."""
    loud = hops_dbfs(samples, rate_hz) > AUDIBLE_DBFS
    twice = np.flatnonzero(loud[:-1] & loud[1:])
    return float(twice[-1] + 2) / 100 if len(twice) else None


def voiced_hops(samples: Int16, rate_hz: int) -> NDArray[np.intp]:
    """Indices of the voiced 10 ms of a recording.

    Voiced: 50 ms that are mostly within 20 dB of the recording's loud parts (95th percentile) and well above
    its quiet ones (10th percentile), so that quiet recordings and steady background noise are judged alike.
    """
    levels = hops_dbfs(samples, rate_hz)
    if not len(levels):
        return np.empty(0, np.intp)
    quiet, loud = np.percentile(levels, (10, 95))
    limit = max(loud - _SPEECH_BELOW_LOUD_DB, min(quiet + _ABOVE_QUIET_DB, loud - 10.0))
    mostly = np.convolve(levels > limit, np.ones(5), mode="same") >= 3
    return np.flatnonzero(mostly & (levels > limit))


def stretches(at: NDArray[np.intp], longest_gap: float) -> list[tuple[int, int]]:
    """First and last index of each run of rising indices that are no further apart than that."""
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > longest_gap)
    return [(int(a), int(b)) for a, b in zip([at[0], *at[breaks + 1]], [*at[breaks], at[-1]], strict=True)]


def speech_starts_s(samples: Int16, rate_hz: int) -> float | None:
    """Start of the first 100 ms that are mostly voiced, seconds."""
    voiced = voiced_hops(samples, rate_hz)
    dense = [at for i, at in enumerate(voiced[:-6]) if voiced[i + 6] - at < 10]
    return float(dense[0]) / 100 if dense else None


def speech_ends_s(samples: Int16, rate_hz: int, pause_s: float = 0.3) -> list[float]:
    """Ends of the stretches of speech of a recording (last voiced 10 ms before each pause), seconds."""
    return [(last + 1) / 100 for _, last in stretches(voiced_hops(samples, rate_hz), pause_s * 100)]
