"""Who takes part in a conversation, as what; who is muted, whose hand is up, whom the host sent away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from parley.conversation.items import USER
from parley.errors import ProtocolError

Role = Literal["host", "speaker", "listener"]


@dataclass(frozen=True, slots=True)
class Place:
    """What a client is in a conversation."""

    name: str = USER
    """Of its person and of its listener."""
    speaks: bool = True
    """Whether somebody speaks through it; else it only listens."""
    host: bool = True
    """Whether it sets how the conversation is; what a guest sets counts for its own person alone."""
    invitation: bytes = field(default=b"", compare=False)
    """What it came by, as the server calls that; empty where it was not invited."""

    @property
    def role(self) -> Role:
        """The same in a word."""
        return "host" if self.host else "speaker" if self.speaks else "listener"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is here, as others are shown it."""

    name: str
    role: Role
    muted: bool = False
    hand: bool = False


class Circle:
    """Of one conversation. Who is muted stays so when he comes back by that name."""

    def __init__(self) -> None:
        self._here: dict[str, tuple[Place, Callable[[], None]]] = {}
        self._muted: set[str] = set()
        self._hands: list[str] = []

    def enter(self, place: Place, sent_away: Callable[[], None]) -> None:
        """Somebody comes; `sent_away` is called when the host wants him to go."""
        self._here[place.name] = place, sent_away

    def leave(self, name: str) -> None:
        """Somebody goes."""
        self._here.pop(name, None)
        self.raise_hand(name, up=False)

    @property
    def members(self) -> tuple[Member, ...]:
        """All, in the order in which they came."""
        return tuple(
            Member(name, place.role, self.is_muted(name), name in self._hands)
            for name, (place, _) in self._here.items()
        )

    @property
    def host(self) -> str | None:
        """Who has the say; None while he is not here."""
        return next((member.name for member in self.members if member.role == "host"), None)

    @property
    def hands(self) -> tuple[str, ...]:
        """Those who have raised a hand, the first of them first."""
        return tuple(self._hands)

    def is_muted(self, name: str) -> bool:
        """Whether nothing of what somebody says is taken."""
        return name.casefold() in self._muted

    def mute(self, name: str, *, muted: bool) -> None:
        """Take nothing more of what a guest says, or all again; raises `ProtocolError`."""
        place, _ = self._guest(name)
        (self._muted.add if muted else self._muted.discard)(place.name.casefold())

    def send_away(self, name: str) -> Place:
        """Have a guest go, and return what it was; raises `ProtocolError`."""
        place, sent_away = self._guest(name)
        sent_away()
        return place

    def raise_hand(self, name: str, *, up: bool) -> bool:
        """Somebody raises or lowers a hand; whether that is news."""
        if up == (name in self._hands):
            return False
        if up:
            self._hands.append(name)
        else:
            self._hands.remove(name)
        return True

    def _guest(self, name: str) -> tuple[Place, Callable[[], None]]:
        found = self._here.get(name)
        if found is None:
            raise ProtocolError(f"nobody called '{name}' is here; there are {', '.join(self._here)}", field="name")
        if found[0].host:
            raise ProtocolError(f"'{name}' is the host of this conversation", field="name")
        return found
