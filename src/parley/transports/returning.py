"""Coming back after a lost connection, as a transport tells its client of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resume:
    """How a client comes back to its conversation."""

    token: str
    kept_s: float
    resumed: bool = False
    """Whether this connection is such a return."""
