"""Is the voice that seems to begin the answer's own, heard back from a loudspeaker?"""

from __future__ import annotations

LIKE = 0.45
"""Likeness to what was played, from which it is. An echo at -10 and -20 dB over quiet noise is above 0.5 (1st
percentile), another speaker below 0.33 (99th): normalised cross-correlation of the 200 ms in which the voice begins."""


_OF_USUAL = 0.75
"""Share of what the echo here usually comes to, from which it is: an echo is 0.81 (1st percentile) over a converged
canceller in rooms that reverberate by 6 dB less than they pass on, the caller's voice over it 0.69 (95th)."""


def is_own_echo(likeness: float | None, usual: float | None = None) -> bool:
    """By its likeness, 0 to 1; None where nothing was played or nobody can tell.

    `usual`: what the echo in this room has come to; None where that is not known.
    """
    limit = LIKE if usual is None else max(LIKE, _OF_USUAL * usual)
    return likeness is not None and likeness >= limit
