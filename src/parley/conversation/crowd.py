"""The conversations of this process: on a small machine, what nobody waits for gives way to who waits."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet

from parley.turns.policies.busy_machine import Load


class Member(Protocol):
    """A conversation, as the others see it."""

    @property
    def is_waited_for(self) -> bool:
        """Whether its user has finished speaking and not everything of the answer is made."""

    @property
    def is_spoken_to(self) -> bool:
        """Whether its user is in a turn."""


class Crowd:
    """All of them, as long as anything holds them."""

    def __init__(self) -> None:
        self._members: WeakSet[Member] = WeakSet()

    def add(self, member: Member) -> None:
        """One more."""
        self._members.add(member)

    def load(self, member: Member) -> Load:
        """What people of others do: while they wait for something, nothing is read ahead for `member`."""
        others = [other for other in self._members if other is not member]
        if any(other.is_waited_for for other in others):
            return "others wait"
        return "others speak" if any(other.is_spoken_to for other in others) else "free"


CROWD = Crowd()
"""Of this process."""
