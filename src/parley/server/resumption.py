"""Conversations that outlive their connection: a lost one is kept for a minute and goes on where its token returns.

A conversation has one token, through all of its connections: attempts to come back that fail half-way lose nothing.
The token is of use to the client secret that the conversation began with and to the key, to nobody else.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from parley.conversation.items import Item
from parley.realtime.session_object import RealtimeSession
from parley.server.security import KEY_HOLDER

KEPT_S = 60.0
_MOST_KEPT = 256
_HAND_OVER_S = 5.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a conversation."""

    token: str
    items: Sequence[Item]
    shown: RealtimeSession
    until: float
    owner: str = KEY_HOLDER


@dataclass(slots=True)
class Seat:
    """A conversation that goes on, by its token."""

    token: str
    end: Callable[[], None]
    over: asyncio.Event
    owner: str


class Resumption:
    """The tokens of one server."""

    def __init__(self, kept_s: float = KEPT_S, now: Callable[[], float] = time.monotonic) -> None:
        self.kept_s = kept_s
        self._now = now
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._live: dict[str, Seat] = {}

    async def take(self, token: str | None, owner: str = KEY_HOLDER) -> Kept | None:
        """What a token stands for; a connection that still holds it (not knowing yet that it is dead) is ended.

        None also if it is not the `owner`'s.
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
        self._expire()
        kept = self._kept.get(token)
        return kept if kept is not None and owner in (kept.owner, KEY_HOLDER) else None

    @contextmanager
    def seat(self, end: Callable[[], None], kept: Kept | None = None, owner: str = KEY_HOLDER) -> Iterator[Seat]:
        """The token of a conversation while it goes on, that of `kept` if it is that one; `end` ends its connection."""
        seat = Seat(kept.token if kept else secrets.token_urlsafe(24), end, asyncio.Event(), owner)
        self._live[seat.token] = seat
        try:
            yield seat
        finally:
            if self._live[seat.token] is seat:
                del self._live[seat.token]
            seat.over.set()

    def keep(self, token: str, items: Sequence[Item], shown: RealtimeSession, owner: str = KEY_HOLDER) -> None:
        """A connection was lost: remember its conversation for a while."""
        self._expire()
        self.forget(token)
        self._kept[token] = Kept(token, tuple(items), shown, self._now() + self.kept_s, owner)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def forget(self, token: str) -> None:
        """A conversation was ended on purpose."""
        self._kept.pop(token, None)

    def _expire(self) -> None:
        for token in [t for t, kept in self._kept.items() if kept.until < self._now()]:
            del self._kept[token]
