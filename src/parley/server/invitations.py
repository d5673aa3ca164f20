"""Invitations: whoever shows one joins the conversation that it is for, to speak or to listen."""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass

from parley.conversation.conversation import Conversation
from parley.errors import ProtocolError

_MOST_OF_ONE = 64
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Invitation:
    """To a conversation."""

    conversation: Conversation
    speaks: bool


class Invitations:
    """Those of one server, by their tokens; one is good for any number of guests, as long as its conversation."""

    def __init__(self) -> None:
        self._all: dict[str, Invitation] = {}

    def make(self, conversation: Conversation, *, speaks: bool) -> str:
        """A new one; raises `ProtocolError` when one conversation makes too many."""
        if sum(i.conversation is conversation for i in self._all.values()) >= _MOST_OF_ONE:
            raise ProtocolError(
                f"{_MOST_OF_ONE} invitations were made; each is good for any number of guests",
                code="too_many_invitations",
            )
        token = secrets.token_urlsafe(18)
        self._all[token] = Invitation(conversation, speaks)
        return token

    def find(self, token: str) -> Invitation:
        """The invitation; raises `ProtocolError` where there is none."""
        if (found := self._all.get(token)) is None:
            raise ProtocolError("the invitation is not good, or its conversation is over", field="room", code="no_room")
        return found

    def lead_to(self, conversation: Conversation) -> bool:
        """Whether there is one to it."""
        return any(i.conversation is conversation for i in self._all.values())

    def forget(self, conversation: Conversation) -> None:
        """A conversation is over."""
        self._all = {token: i for token, i in self._all.items() if i.conversation is not conversation}


def name_of(wanted: str | None, default: str) -> str:
    """The name that somebody wants to be called by; raises `ProtocolError` for one that cannot be said or shown.

    Other ways to write the same letters are no other names.
    """
    name = " ".join(unicodedata.normalize("NFKC", default if wanted is None else wanted).split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ProtocolError(f"a name has 1 to {LONGEST_NAME} characters that can be shown", field="name")
    return name
