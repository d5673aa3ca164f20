"""Is there time for words that nobody waits for? On a small machine whoever looks at them makes others wait."""

from __future__ import annotations

from typing import Literal

Load = Literal["free", "others speak", "others wait"]
"""What people of other conversations on this machine do: somebody is in a turn, or waits for something."""


def may_look_at_words(load: Load, since_last_s: float, *, every_s: float) -> bool:
    """Not while others wait; where others speak, too, only so often: `since_last_s` ago they were looked at last."""
    if load == "others wait":
        return False
    return load == "free" or since_last_s >= every_s
