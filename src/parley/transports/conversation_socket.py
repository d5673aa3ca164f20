"""One client's WebSocket in a conversation, whatever protocol it speaks: one reader, one writer, all of it bounded."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from parley.conversation import notifications as nt
from parley.conversation.circle import Place
from parley.conversation.connection import Connection
from parley.conversation.conversation import Conversation
from parley.conversation.settings import SessionSettings
from parley.transports.endings import (
    BROKE,
    CAME_BACK,
    CLIENT_LEFT,
    NOT_READING,
    SENT_AWAY,
    SERVER_STOPS,
    TIME_OVER,
    TOO_MANY_ERRORS,
)

log = structlog.get_logger("websocket")

NORMAL, GOING_AWAY, POLICY_VIOLATION, INTERNAL_ERROR, TRY_AGAIN = 1000, 1001, 1008, 1011, 1013
CLOSE_S = 2.0
"""Time that a client has to take what it is told last."""
_MAX_UNSENT_BYTES = 4 * 1024 * 1024
_DELIBERATE = (NORMAL, GOING_AWAY)
_LONGEST_REASON = 100  # bytes, of 123 that a closing frame takes


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Bounds of one connection."""

    max_message_bytes: int = 16 * 1024 * 1024
    max_session_s: float = 3600.0
    max_errors: int = 200
    """Faulty messages after which the connection is closed."""


class Outbox:
    """What waits to be sent. A client that does not read is dropped when 4 MB wait for it."""

    def __init__(self) -> None:
        self._waiting: deque[bytes | str] = deque()
        self._bytes = 0
        self._ready = asyncio.Event()
        self.overflowed = asyncio.Event()

    def put(self, message: bytes | str) -> None:
        """Add a message; beyond the bound it is dropped and `overflowed` set."""
        if self._bytes + len(message) > _MAX_UNSENT_BYTES:
            self.overflowed.set()
            return
        self._bytes += len(message)
        self._waiting.append(message)
        self._ready.set()

    @property
    def waits(self) -> bool:
        """Whether a message is there."""
        return bool(self._waiting)

    async def get(self) -> bytes | str:
        """The next message."""
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        message = self._waiting.popleft()
        self._bytes -= len(message)
        return message


class ConversationSocket(ABC):
    """One connection, from when it is accepted to its close; what is said over it is the subclass's."""

    def __init__(
        self, socket: WebSocket, conversation: Conversation, place: Place, settings: SessionSettings,
        limits: SocketLimits,
    ) -> None:  # fmt: skip
        """Joins the conversation at once, see `Connection`; raises `ProtocolError`."""
        self._socket = socket
        self._limits = limits
        self._outbox = Outbox()
        self._errors = 0
        self._over = asyncio.Event()
        self._ending = (NORMAL, CLIENT_LEFT)
        self.lost = False
        """Whether the connection ended without the client's word."""
        self._connection = Connection(conversation, settings, self._tell, place)

    @abstractmethod
    def _tell(self, notification: nt.Notification) -> None:
        """Something happened in the conversation."""

    @abstractmethod
    async def _take(self, text: str | None, data: bytes | None) -> None:
        """A message came."""

    @property
    def _is_away(self) -> bool:
        """Whether the client has said that it is gone for a moment: it ends without a farewell."""
        return False

    @abstractmethod
    async def _say_why(self, reason: str) -> None:
        """Tell the client, past the outbox, why the connection ends."""

    @property
    def conversation(self) -> Conversation:
        """Which it has joined."""
        return self._connection.conversation

    @property
    def place(self) -> Place:
        """What it is there."""
        return self._connection.place

    async def leave(self) -> None:
        """Nobody speaks or listens by it any more."""
        await self._connection.aclose()

    def supersede(self) -> None:
        """The client has come back by another connection."""
        self.lost = True
        self._end(NORMAL, CAME_BACK)

    def server_stops(self) -> None:
        """End the connection, and tell the client why."""
        self._end(GOING_AWAY, SERVER_STOPS)

    def _end(self, code: int, reason: str) -> None:
        if not self._over.is_set():
            self._ending = code, reason
            self._over.set()

    def _count_error(self) -> None:
        """A message was faulty; too many of them end the connection."""
        self._errors += 1
        if self._errors > self._limits.max_errors:
            self._end(POLICY_VIOLATION, TOO_MANY_ERRORS)

    async def _race(self) -> tuple[int, str]:
        """Read, write, watch the limits; whatever ends first names the reason."""
        reading = asyncio.create_task(self._read(), name="socket-read")
        tasks: dict[asyncio.Task[Any], tuple[int, str] | None] = {
            reading: (NORMAL, CLIENT_LEFT),
            asyncio.create_task(self._write(), name="socket-write"): (NORMAL, CLIENT_LEFT),
            asyncio.create_task(self._outbox.overflowed.wait()): (POLICY_VIOLATION, NOT_READING),
            asyncio.create_task(self._over.wait()): None,
            asyncio.create_task(self._connection.broken.wait()): (INTERNAL_ERROR, BROKE),
            asyncio.create_task(self._connection.sent_away.wait()): (POLICY_VIOLATION, SENT_AWAY),
            asyncio.create_task(self.conversation.broken.wait()): (INTERNAL_ERROR, BROKE),
            asyncio.create_task(asyncio.sleep(self._limits.max_session_s)): (NORMAL, TIME_OVER),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            first = next(iter(done))
            if (fault := first.exception()) is not None:
                if not isinstance(fault, WebSocketDisconnect | RuntimeError | OSError):
                    raise fault
                log.debug("connection failed", session=self.conversation.id, exc_info=fault)
                # What it had sent is taken all the same, and whether it took its leave is known then
                await asyncio.wait([reading], timeout=CLOSE_S)
            return tasks[first] or self._ending
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                self.lost = self.lost or self._is_away or message.get("code") not in _DELIBERATE
                return
            await self._take(message.get("text"), message.get("bytes"))
            await asyncio.sleep(0)  # a flood of messages must not starve the other sessions

    async def _write(self) -> None:
        while True:
            message = await self._outbox.get()
            if isinstance(message, str):
                await self._socket.send_text(message)
            else:
                await self._socket.send_bytes(message)

    async def _close(self, code: int, reason: str) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._say_why(reason)
                    await self._socket.close(code, closing_reason(reason))
            except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
                log.debug("close was not answered", session=self.conversation.id)


def closing_reason(message: str) -> str:
    """As much of it as a closing frame takes."""
    return message.encode()[:_LONGEST_REASON].decode(errors="ignore")
