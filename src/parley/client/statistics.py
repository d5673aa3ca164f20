"""Figures with their uncertainty: percentiles with a 95 % interval, bootstrapped by clip, and shares with Wilson's."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

_ROUNDS = 2000
_Z = 1.96


def summary(values: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """p50 and p95 of (clip, value) pairs, each with the interval that resampling whole clips gives."""
    if not values:
        return {"n": 0}
    by_clip: defaultdict[str, list[float]] = defaultdict(list)
    for clip, value in values:
        by_clip[clip].append(value)
    groups = [np.array(v) for v in by_clip.values()]
    rng = np.random.default_rng(0)
    draws = [
        np.percentile(np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))]), (50, 95))
        for _ in range(_ROUNDS)
    ]
    low, high = np.percentile(np.array(draws), (2.5, 97.5), axis=0)
    p50, p95 = np.percentile([v for _, v in values], (50, 95))
    return {
        "n": len(values), "clips": len(groups),
        "p50": round(float(p50)), "p50_interval": [round(float(low[0])), round(float(high[0]))],
        "p95": round(float(p95)), "p95_interval": [round(float(low[1])), round(float(high[1]))],
    }  # fmt: skip


def share(part: int, whole: int) -> dict[str, Any]:
    """A share with its counts and its 95 % interval (Wilson 1927)."""
    if not whole:
        return {"n": 0, "count": part, "share": None, "interval": None}
    middle = (part + _Z**2 / 2) / (whole + _Z**2)
    half = _Z / (whole + _Z**2) * math.sqrt(part * (whole - part) / whole + _Z**2 / 4)
    interval = [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]
    return {"n": whole, "count": part, "share": round(part / whole, 4), "interval": interval}
