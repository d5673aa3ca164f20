"""Those who are told what happens in a conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from parley.conversation import notifications as nt

Tell = Callable[[nt.Notification], None]
Broke = Callable[[str, BaseException], None]


@dataclass(frozen=True, slots=True)
class _Follower:
    tell: Tell
    broke: Broke


def _nothing(_: nt.Notification) -> None:
    """It is not told any more."""


class Followers:
    """By name; told in the order in which they came. What one of them raises costs that one alone."""

    def __init__(self) -> None:
        self._all: dict[str, _Follower] = {}

    def __contains__(self, name: str) -> bool:
        """Whether somebody of that name is told."""
        return name in self._all

    @property
    def names(self) -> Sequence[str]:
        """Of all."""
        return tuple(self._all)

    def add(self, name: str, tell: Tell, broke: Broke) -> None:
        """Tell somebody from now on; `broke` hears what `tell` raised, after which it is told no more."""
        self._all[name] = _Follower(tell, broke)

    def remove(self, name: str) -> None:
        """Tell somebody no more."""
        self._all.pop(name, None)

    def tell(self, notification: nt.Notification) -> None:
        """Tell everybody; who breaks keeps its name until it is removed."""
        for name, follower in list(self._all.items()):
            try:
                follower.tell(notification)
            except Exception as fault:  # noqa: BLE001 - whoever follows logs it
                if name in self._all:
                    self._all[name] = _Follower(_nothing, follower.broke)
                follower.broke(f"its client cannot be told of {type(notification).__name__}", fault)
