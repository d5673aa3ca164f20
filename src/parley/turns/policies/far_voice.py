"""Is the voice that begins over an answer somebody else's, further away? Then it claims nothing."""

from __future__ import annotations

FAR_AWAY_DB = 12.0
"""A participant is rarely so much quieter than before."""


def is_far_away(below_own_db: float | None) -> bool:
    """By how much quieter it is than this participant was; None where that is not known, or an echo is cancelled:
    that takes some of every voice over it, too."""
    return below_own_db is not None and below_own_db > FAR_AWAY_DB
