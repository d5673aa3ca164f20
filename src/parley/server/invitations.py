"""Invitations to a conversation: whoever shows one joins it, as its host, to speak or to listen."""

from __future__ import annotations

import secrets
import time
import unicodedata
from dataclasses import dataclass, replace

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
    key: bytes = b""
    """The digest of its token."""
    is_open: bool = True
    """Whether somebody may still come by it; who is there already may come back by it after a break all the same."""
    until: float | None = None
    """Unix time; None: as long as the conversation goes on."""
    shown: RealtimeSession | None = None
    """The session object of a host who comes by it; None: guests have one of their own."""

    def place(self, name: str) -> Place:
        """What somebody is who comes by it."""
        return Place(name, self.role != "listener", host=self.role == "host", invitation=self.key)

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
        if sum(i.conversation is conversation and i.is_open for i in self._all.values()) >= _MOST_OF_ONE:
            raise ProtocolError(
                f"{_MOST_OF_ONE} invitations were made; each is good for any number of guests",
                code="too_many_invitations",
            )
        token = INVITATION + secrets.token_urlsafe(24)
        until = now + life_s if life_s is not None else None
        key = digest(token)
        self._all[key] = Invitation(conversation, role, key, until=until, shown=shown)
        return token

    def find(self, token: str) -> Invitation:
        """The invitation; raises `ProtocolError` where there is none by which somebody may come."""
        found = self._good(digest(token))
        if found is None or not found.is_open:
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
        return any(i.conversation is conversation and i.is_good and i.is_open for i in self._all.values())

    def close(self, conversation: Conversation, only: bytes | None = None) -> None:
        """Nobody else comes by the invitations of guests, or by one of them, by its key."""
        ours = [i for i in self._all.values() if i.conversation is conversation and i.role != "host"]
        self._all |= {i.key: replace(i, is_open=False) for i in ours if only in (None, i.key)}
        closed = [i.key for i in ours if not self._all[i.key].is_open]
        for key in closed[:-_MOST_OF_ONE]:  # a host may close and make new ones for ever
            del self._all[key]

    def forget(self, conversation: Conversation) -> None:
        """A conversation is over."""
        self._all = {key: i for key, i in self._all.items() if i.conversation is not conversation}


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
        self.invitations.close(self.conversation)

    def close(self, invitation: bytes) -> None:
        """Nobody else comes by this one."""
        self.invitations.close(self.conversation, invitation)


def name_of(wanted: str | None, default: str) -> str:
    """The name that somebody wants to be called by; raises `ProtocolError` for one that cannot be said or shown.

    Other ways to write the same letters are no other names.
    """
    name = " ".join(unicodedata.normalize("NFKC", default if wanted is None else wanted).split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ProtocolError(f"a name has 1 to {LONGEST_NAME} characters that can be shown", field="name")
    return name
