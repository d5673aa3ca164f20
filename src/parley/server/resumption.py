"""Connections that were lost: their conversation is kept for a minute, and their client joins it again by its token.

A connection has one token, through all of its returns: attempts to come back that fail half-way lose nothing.
The token is of use to the client secret that the connection began with and to the key, to nobody else.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from parley.conversation.circle import Place
from parley.conversation.conversation import Conversation
from parley.realtime.session_object import RealtimeSession
from parley.server.security import KEY_HOLDER

KEPT_S = 60.0
_MOST_KEPT = 256
_HAND_OVER_S = 5.0


@dataclass(frozen=True, slots=True)
class SuspendedConversation:
    """What a lost connection comes back to."""

    token: str
    conversation: Conversation
    place: Place
    shown: RealtimeSession
    owner: str = KEY_HOLDER


@dataclass(slots=True)
class Seat:
    """A connection that goes on, by its token."""

    token: str
    end: Callable[[], None]
    over: asyncio.Event
    owner: str


@dataclass(slots=True)
class _Kept:
    suspended: SuspendedConversation
    timer: asyncio.TimerHandle = field(init=False)


class Resumption:
    """The tokens of one server."""

    def __init__(
        self, kept_s: float = KEPT_S, dropped: Callable[[SuspendedConversation], None] = lambda _: None
    ) -> None:
        """`dropped` hears of each connection that nobody came back to."""
        self.kept_s = kept_s
        self._dropped = dropped
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._live: dict[str, Seat] = {}

    async def take(self, token: str | None, owner: str = KEY_HOLDER) -> SuspendedConversation | None:
        """What a token stands for; a connection that still holds it (not knowing yet that it is dead) is ended.

        None also if it is not the `owner`'s. It is kept as long again for who asks.
        """
        if token is None:
            return None
        if (seat := self._live.get(token)) is not None:
            if owner not in (seat.owner, KEY_HOLDER):
                return None
            seat.end()
            try:
                await asyncio.wait_for(seat.over.wait(), _HAND_OVER_S)
            except TimeoutError:
                return None
        kept = self._kept.get(token)
        if kept is None or owner not in (kept.suspended.owner, KEY_HOLDER):
            return None
        self.keep(kept.suspended)
        return kept.suspended

    @contextmanager
    def seat(
        self, end: Callable[[], None], kept: SuspendedConversation | None = None, owner: str = KEY_HOLDER
    ) -> Iterator[Seat]:
        """The token of a connection while it goes on, that of `kept` if it is that one; `end` ends it."""
        seat = Seat(kept.token if kept else secrets.token_urlsafe(24), end, asyncio.Event(), owner)
        self._live[seat.token] = seat
        self._take_out(seat.token)
        try:
            yield seat
        finally:
            if self._live[seat.token] is seat:
                del self._live[seat.token]
            seat.over.set()

    def keep(self, suspended: SuspendedConversation) -> None:
        """A connection was lost: its conversation is there for a while."""
        self._take_out(suspended.token)
        kept = self._kept[suspended.token] = _Kept(suspended)
        kept.timer = asyncio.get_running_loop().call_later(self.kept_s, self._drop, suspended.token)
        while len(self._kept) > _MOST_KEPT:
            self._drop(next(iter(self._kept)))

    def keeps(self, conversation: Conversation) -> bool:
        """Whether somebody may still come back to a conversation."""
        return any(kept.suspended.conversation is conversation for kept in self._kept.values())

    def away_from(self, conversation: Conversation) -> set[str]:
        """Names of those who may still come back to it."""
        return {k.suspended.place.name for k in self._kept.values() if k.suspended.conversation is conversation}

    def drop_all(self) -> None:
        """Nobody comes back any more."""
        for token in list(self._kept):
            self._drop(token)

    def _drop(self, token: str) -> None:
        if (suspended := self._take_out(token)) is not None:
            self._dropped(suspended)

    def _take_out(self, token: str) -> SuspendedConversation | None:
        if (kept := self._kept.pop(token, None)) is None:
            return None
        kept.timer.cancel()
        return kept.suspended
