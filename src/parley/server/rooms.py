"""Rooms: conversations that are made before anybody is in them, and are open for a while when nobody is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from parley.conversation.conversation import Conversation
from parley.conversation.items import new_id
from parley.errors import Overloaded
from parley.realtime.session_object import RealtimeSession

EMPTY_S = 60.0
"""How long a room is open after the last one left."""
_MOST_ROOMS = 64


@dataclass(slots=True)
class Room:
    """One of them."""

    id: str
    conversation: Conversation
    shown: RealtimeSession
    """The session object of its hosts."""
    created: float
    """Unix time."""
    _closes: asyncio.TimerHandle | None = field(default=None)


class Rooms:
    """Those of one server, by their ids."""

    def __init__(self, over: Callable[[Room], None], empty_s: float = EMPTY_S) -> None:
        """`over` hears of each that nobody came to, or came to again."""
        self._over = over
        self._empty_s = empty_s
        self._all: dict[str, Room] = {}

    def open(self, conversation: Conversation, shown: RealtimeSession, waits_s: float) -> Room:
        """A new one, which waits so long for whoever comes first; raises `Overloaded`."""
        if len(self._all) >= _MOST_ROOMS:
            raise Overloaded(f"{_MOST_ROOMS} rooms are open already", retry_after_s=60)
        room = Room(new_id("room"), conversation, shown, time.time())
        self._all[room.id] = room
        self._close_in(room, waits_s)
        return room

    def find(self, room_id: str) -> Room | None:
        """The room of an id."""
        return self._all.get(room_id)

    def linger(self, conversation: Conversation) -> bool:
        """The last one has left: whether the conversation is a room, which is open for a while."""
        room = next((room for room in self._all.values() if room.conversation is conversation), None)
        if room is not None:
            self._close_in(room, self._empty_s)
        return room is not None

    def forget(self, room: Room) -> None:
        """It is no room any more."""
        self._all.pop(room.id, None)
        if room._closes is not None:
            room._closes.cancel()

    def drop_all(self) -> None:
        """Nobody comes any more."""
        for room in list(self._all.values()):
            self._close(room)

    def _close_in(self, room: Room, seconds: float) -> None:
        if room._closes is not None:
            room._closes.cancel()
        room._closes = asyncio.get_running_loop().call_later(seconds, self._close, room)

    def _close(self, room: Room) -> None:
        if not room.conversation.present:  # else it is looked at again when the last one leaves
            self.forget(room)
            self._over(room)
