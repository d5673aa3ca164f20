"""Where a voice is heard between left and right."""

from __future__ import annotations

import math


def gains(place: float) -> tuple[float, float]:
    """Of the left and the right channel, by equal power; `place` from -1 (left) to 1 (right)."""
    angle = (min(1.0, max(-1.0, place)) + 1) * math.pi / 4
    return math.cos(angle), math.sin(angle)
