"""Is the voice that seems to begin the answer's own, heard back from a loudspeaker?"""

from __future__ import annotations

LIKE = 0.45
"""Likeness to what was played, from which it is. An echo at -10 and -20 dB over quiet noise is above 0.5 (1st
percentile), another speaker below 0.33 (99th): normalised cross-correlation of the 200 ms in which the voice begins."""


def is_own_echo(likeness: float | None) -> bool:
    """By its likeness, 0 to 1; None where nothing was played or nobody can tell."""
    return likeness is not None and likeness >= LIKE
