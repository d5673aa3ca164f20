"""Conversations that outlive their connection: a lost one is kept for a minute and goes on where its token returns."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from parley.conversation.history import Item
from parley.realtime.session_object import RealtimeSession

KEPT_S = 60.0
_MOST_KEPT = 256
_HAND_OVER_S = 5.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a conversation."""

    items: Sequence[Item]
    shown: RealtimeSession
    until: float


@dataclass(slots=True)
class Seat:
    """A conversation that goes on, by its token."""

    token: str
    end: Callable[[], None]
    over: asyncio.Event


class Resumption:
    """The tokens of one server."""

    def __init__(self, kept_s: float = KEPT_S, now: Callable[[], float] = time.monotonic) -> None:
        self.kept_s = kept_s
        self._now = now
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._live: dict[str, Seat] = {}

    async def take(self, token: str | None) -> Kept | None:
        """What a token stands for; a connection that still holds it (not knowing yet that it is dead) is ended."""
        if token is None:
            return None
        if (seat := self._live.get(token)) is not None:
            seat.end()
            try:
                await asyncio.wait_for(seat.over.wait(), _HAND_OVER_S)
            except TimeoutError:
                return None
        self._expire()
        return self._kept.pop(token, None)

    @contextmanager
    def seat(self, end: Callable[[], None]) -> Iterator[Seat]:
        """A token for a conversation while it goes on; `end` ends its connection."""
        seat = Seat(secrets.token_urlsafe(24), end, asyncio.Event())
        self._live[seat.token] = seat
        try:
            yield seat
        finally:
            del self._live[seat.token]
            seat.over.set()

    def keep(self, token: str, items: Sequence[Item], shown: RealtimeSession) -> None:
        """A connection was lost: remember its conversation for a while."""
        self._expire()
        self._kept[token] = Kept(tuple(items), shown, self._now() + self.kept_s)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def _expire(self) -> None:
        for token in [t for t, kept in self._kept.items() if kept.until < self._now()]:
            del self._kept[token]
