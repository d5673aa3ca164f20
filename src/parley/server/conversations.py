"""The conversations of a server: connections come, get lost, return; one is over when nobody is or comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from parley.conversation.circle import Place
from parley.conversation.conversation import Conversation
from parley.realtime.session_object import RealtimeSession
from parley.server.invitations import Invitations
from parley.server.resumption import Resumption, SuspendedConversation
from parley.server.rooms import Room, Rooms
from parley.transports.returning import Resume

log = structlog.get_logger("server")

_LOOK_S = 0.05
_GOODBYE_S = 3.0


class Resumable(Protocol):
    """A connection that its conversation may outlive."""

    @property
    def conversation(self) -> Conversation:
        """The conversation."""

    @property
    def shown(self) -> RealtimeSession:
        """The session object as it stands."""

    @property
    def lost(self) -> bool:
        """Whether it ended without the client's word."""

    async def leave(self) -> None:
        """Nobody speaks or listens by it any more."""

    def supersede(self) -> None:
        """End it: the client has come back by another one."""

    def server_stops(self) -> None:
        """End it, and tell the client why."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a connection begins with."""

    shown: RealtimeSession
    conversation: Conversation
    place: Place
    kept: SuspendedConversation | None
    """What it comes back to, if its client has returned with a token."""
    owner: str
    """Who holds its token: nobody else comes back with it."""
    address: str


class Conversations:
    """All of one server."""

    def __init__(self) -> None:
        self.resumption = Resumption(dropped=self._nobody_came)
        self.invitations = Invitations()
        self.rooms = Rooms(over=self._nobody_came)
        self._connections: set[Resumable] = set()
        self._one_left = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def connected(self, connection: Resumable, start: Start) -> AsyncIterator[Resume]:
        """A connection while it goes on; its conversation ends with the last one, but for those that may return.

        Only who knows its token comes back, so that is a client of parley's own.
        """
        kept, owner, conversation = start.kept, start.owner, start.conversation
        with self.resumption.seat(connection.supersede, kept, owner) as seat:
            self._connections.add(connection)
            broke_off = True
            try:
                yield Resume(seat.token, self.resumption.kept_s, resumed=kept is not None)
                broke_off = False
            finally:
                self._connections.discard(connection)
                self._one_left.set()
                await connection.leave()
                if (broke_off or connection.lost) and connection.shown.extensions and self._goes_on(conversation):
                    self.resumption.keep(
                        SuspendedConversation(seat.token, conversation, start.place, connection.shown, owner)
                    )
                await self.close_if_over(conversation)

    def _goes_on(self, conversation: Conversation) -> bool:
        """Whether there is something to come back to."""
        return bool(conversation.history.items or conversation.present or self.invitations.lead_to(conversation))

    async def close_if_over(self, conversation: Conversation) -> None:
        """Close one that nobody is in and nobody may come back to; a room is open for a minute after that."""
        if conversation.present or self.resumption.keeps(conversation):
            return
        if self.rooms.linger(conversation):
            return
        self.invitations.forget(conversation)
        await conversation.aclose()

    async def close_room(self, room: Room) -> None:
        """End a room with everybody in it."""
        self.rooms.forget(room)
        for connection in [c for c in self._connections if c.conversation is room.conversation]:
            connection.server_stops()
        await self.close_if_over(room.conversation)

    def _nobody_came(self, to: Room | SuspendedConversation) -> None:
        closing = asyncio.create_task(self.close_if_over(to.conversation), name="conversation is over")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    @property
    def answering(self) -> bool:
        """Whether an answer is being made or sounds."""
        return any(c.conversation.answers for c in self._connections)

    async def wind_up(self, grace_s: float) -> None:
        """Wait until no answer sounds (at most `grace_s`), then tell everybody and wait for them."""
        try:
            async with asyncio.timeout(grace_s):
                while self.answering:  # noqa: ASYNC110 - of many, rarely asked
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            log.info("answers are cut", grace_s=grace_s)
        for connection in list(self._connections):
            connection.server_stops()
        try:
            async with asyncio.timeout(_GOODBYE_S):
                while self._connections:
                    self._one_left.clear()
                    await self._one_left.wait()
        except TimeoutError:
            log.warning("connections that do not end are broken off", count=len(self._connections))

    async def aclose(self) -> None:
        """End those that somebody may have come or come back to."""
        self.rooms.drop_all()
        self.resumption.drop_all()
        if self._closing:
            await asyncio.wait(self._closing)
