"""Invitations to a conversation: whoever shows one joins it, as its host, to speak or to listen."""

from __future__ import annotations

import secrets
import time
import unicodedata
from dataclasses import dataclass

from parley.conversation.circle import Place, Role
from parley.conversation.conversation import Conversation
from parley.errors import ProtocolError
from parley.realtime.session_object import RealtimeSession
from parley.server.security import digest
from parley.transports.recording import Shelf

_MOST_OF_ONE = 64
INVITATION = "rt_"
"""What each begins with."""
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Invitation:
    """To a conversation."""

    conversation: Conversation
    role: Role
    until: float | None = None
    """Unix time; None: as long as the conversation goes on."""
    shown: RealtimeSession | None = None
    """The session object of a host who comes by it; None: guests have one of their own."""

    def place(self, name: str) -> Place:
        """What somebody is who comes by it."""
        return Place(name, self.role != "listener", host=self.role == "host")

    @property
    def is_good(self) -> bool:
        """Whether its time is not over."""
        return self.until is None or time.time() < self.until


class Invitations:
    """Those of one server; one is good for any number of guests. They are kept and compared as digests."""

    def __init__(self) -> None:
        self._all: dict[bytes, Invitation] = {}

    def make(
        self, conversation: Conversation, role: Role = "speaker", *, life_s: float | None = None,
        shown: RealtimeSession | None = None,
    ) -> str:  # fmt: skip
        """A new one; raises `ProtocolError` when one conversation makes too many."""
        now = time.time()
        self._all = {key: i for key, i in self._all.items() if i.is_good}
        if sum(i.conversation is conversation for i in self._all.values()) >= _MOST_OF_ONE:
            raise ProtocolError(
                f"{_MOST_OF_ONE} invitations were made; each is good for any number of guests",
                code="too_many_invitations",
            )
        token = INVITATION + secrets.token_urlsafe(24)
        until = now + life_s if life_s is not None else None
        self._all[digest(token)] = Invitation(conversation, role, until, shown)
        return token

    def find(self, token: str) -> Invitation:
        """The invitation; raises `ProtocolError` where there is none."""
        if (found := self._good(digest(token))) is None:
            raise ProtocolError("the invitation is not good, or its conversation is over", field="room", code="no_room")
        return found

    def knows(self, credential: bytes) -> bool:
        """Whether a digest is that of one that is good."""
        return self._good(credential) is not None

    def _good(self, credential: bytes) -> Invitation | None:
        found = self._all.get(credential)
        return found if found is not None and found.is_good else None

    def lead_to(self, conversation: Conversation) -> bool:
        """Whether there is one to it."""
        return any(i.conversation is conversation and i.is_good for i in self._all.values())

    def forget(self, conversation: Conversation, *, hosts_too: bool = True) -> None:
        """A conversation is over, or its host wants no further guests."""
        self._all = {
            token: i for token, i in self._all.items()
            if i.conversation is not conversation or (i.role == "host" and not hosts_too)
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ForSeveral:
    """What the server has for one conversation of several, see `RoomServices`."""

    invitations: Invitations
    conversation: Conversation
    shelf: Shelf | None
    """Where its recordings go."""

    def invite(self, *, speaks: bool, life_s: float | None = None) -> str:
        """A new one; raises `ProtocolError` when one conversation makes too many."""
        return self.invitations.make(self.conversation, "speaker" if speaks else "listener", life_s=life_s)

    def revoke(self) -> None:
        """Nobody else comes by those made so far."""
        self.invitations.forget(self.conversation, hosts_too=False)


def name_of(wanted: str | None, default: str) -> str:
    """The name that somebody wants to be called by; raises `ProtocolError` for one that cannot be said or shown.

    Other ways to write the same letters are no other names.
    """
    name = " ".join(unicodedata.normalize("NFKC", default if wanted is None else wanted).split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ProtocolError(f"a name has 1 to {LONGEST_NAME} characters that can be shown", field="name")
    return name
