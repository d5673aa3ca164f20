"""The Realtime protocol over a WebSocket: one reader, one writer, everything between them bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from parley.conversation import notifications as nt
from parley.conversation.circle import Place
from parley.conversation.connection import Connection
from parley.conversation.conversation import Conversation
from parley.conversation.items import new_id
from parley.errors import ParleyError, ProtocolError
from parley.realtime import server_events as se
from parley.realtime.session_object import RealtimeSession
from parley.transports.endings import (
    BROKE,
    CAME_BACK,
    CLIENT_LEFT,
    CODES,
    NOT_READING,
    SENT_AWAY,
    SERVER_STOPS,
    TIME_OVER,
    TOO_MANY_ERRORS,
)
from parley.transports.event_sound import EventSound
from parley.transports.mapping import AvailableModels, settings_of
from parley.transports.pacing import Ticker
from parley.transports.realtime_adapter import RealtimeAdapter
from parley.transports.returning import Resume
from parley.transports.room_desk import RoomServices

log = structlog.get_logger("websocket")

PROTOCOL_KEY = "openai-insecure-api-key."
"""What the subprotocol begins with in which browsers show their key."""
_MAX_UNSENT_BYTES = 4 * 1024 * 1024
_DELIBERATE = (1000, 1001)
_POLICY_VIOLATION, _INTERNAL_ERROR, _TRY_AGAIN, _NORMAL, _GOING_AWAY = 1008, 1011, 1013, 1000, 1001
_CLOSE_S = 2.0
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


class RealtimeSocket:
    """One connection, from accept to close."""

    def __init__(
        self,
        socket: WebSocket,
        conversation: Conversation,
        place: Place,
        shown: RealtimeSession,
        available: AvailableModels,
        *,
        ticker: Ticker,
        limits: SocketLimits,
        services: RoomServices | None = None,
    ) -> None:
        """Joins the conversation at once, see `Connection`; raises `ProtocolError`."""
        self._socket = socket
        self._limits = limits
        self._ticker = ticker
        self._outbox = Outbox()
        self._errors = 0
        self._too_many_errors = asyncio.Event()
        self.lost = False
        """Whether the connection ended without the client's word."""
        self._superseded = asyncio.Event()
        self._server_stops = asyncio.Event()
        settings = settings_of(shown, conversation.settings, available)
        self._connection = Connection(conversation, settings, self._tell, place)
        self._adapter = RealtimeAdapter(
            self._connection, shown, available, self._send, self._sound, ticker, services=services
        )

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

    @property
    def shown(self) -> RealtimeSession:
        """The session object as it stands."""
        return self._adapter.shown

    def supersede(self) -> None:
        """The client has come back by another connection."""
        self.lost = True
        self._superseded.set()

    def server_stops(self) -> None:
        """End the connection, and tell the client why."""
        self._server_stops.set()

    async def serve(self, resume: Resume | None = None) -> None:
        """Run until either side closes, then leave; a client that cannot enter the conversation is told why."""
        bound = log.bind(session=self.conversation.id)
        self._adapter.start(resume)
        try:
            async with self._connection:
                reason = await self._race()
        except ParleyError as fault:
            self.lost = resume is not None and resume.resumed  # it may try again
            bound.warning("cannot enter", error=str(fault))
            code = fault.code if isinstance(fault, ProtocolError) else "model_unavailable"
            await refuse(self._socket, se.error(str(fault), code=code))
            return
        finally:
            self._adapter.pacer.rest()
            self._event_sound.rest()
        await self._close(*reason)
        bound.info("closed", reason=reason[1])

    def _sound(self, adapter: RealtimeAdapter) -> EventSound:
        wire, ticker = lambda: adapter.shown.output_format, self._ticker
        self._event_sound = EventSound(adapter.send, self._outbox.put, lambda: adapter.extended, wire, ticker)
        return self._event_sound

    async def _race(self) -> tuple[int, str]:
        """Read, write, watch the limits; whatever ends first names the reason."""
        tasks = {
            asyncio.create_task(self._read(), name="socket-read"): (_NORMAL, CLIENT_LEFT),
            asyncio.create_task(self._write(), name="socket-write"): (_NORMAL, CLIENT_LEFT),
            asyncio.create_task(self._outbox.overflowed.wait()): (_POLICY_VIOLATION, NOT_READING),
            asyncio.create_task(self._server_stops.wait()): (_GOING_AWAY, SERVER_STOPS),
            asyncio.create_task(self._too_many_errors.wait()): (_POLICY_VIOLATION, TOO_MANY_ERRORS),
            asyncio.create_task(self._connection.broken.wait()): (_INTERNAL_ERROR, BROKE),
            asyncio.create_task(self._connection.sent_away.wait()): (_POLICY_VIOLATION, SENT_AWAY),
            asyncio.create_task(self.conversation.broken.wait()): (_INTERNAL_ERROR, BROKE),
            asyncio.create_task(self._superseded.wait()): (_NORMAL, CAME_BACK),
            asyncio.create_task(asyncio.sleep(self._limits.max_session_s)): (_NORMAL, TIME_OVER),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            first = next(iter(done))
            if (fault := first.exception()) is not None:
                if not isinstance(fault, WebSocketDisconnect | RuntimeError | OSError):
                    raise fault
                log.debug("connection failed", session=self.conversation.id, exc_info=fault)
            return tasks[first]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                self.lost = self.lost or self._adapter.away or message.get("code") not in _DELIBERATE
                return
            text, data = message.get("text"), message.get("bytes")
            if text is not None:
                self._adapter.receive_text(text)
            elif data is not None:
                self._receive_binary(data)
            await asyncio.sleep(0)  # a flood of messages must not starve the other sessions

    def _receive_binary(self, data: bytes) -> None:
        if self._adapter.extended is None or not self._adapter.extended.binary_audio:
            self._adapter.send(
                se.error(
                    "binary messages need the binary_audio extension (connect with ?parley=1)", code="invalid_message"
                )
            )
            return
        self._adapter.receive_audio(data)

    async def _write(self) -> None:
        while True:
            message = await self._outbox.get()
            if isinstance(message, str):
                await self._socket.send_text(message)
            else:
                await self._socket.send_bytes(message)

    def _send(self, event: se.Event) -> None:
        if event["type"] == "error":
            self._errors += 1
            if self._errors > self._limits.max_errors:
                self._too_many_errors.set()
        self._outbox.put(msgspec.json.encode(event).decode())

    def _tell(self, notification: nt.Notification) -> None:
        self._adapter.tell(notification)

    async def _close(self, code: int, reason: str) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(_CLOSE_S):
                    if reason in CODES:
                        told = se.error(reason, kind="server_error", code=CODES[reason])
                        await self._socket.send_text(
                            msgspec.json.encode({"event_id": new_id("event"), **told}).decode()
                        )
                    await self._socket.close(code, reason)
            except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
                log.debug("close was not answered", session=self.conversation.id)


async def refuse(socket: WebSocket, event: dict[str, Any]) -> None:
    """Accept, say why not in an ``error`` event, close: browsers show nothing of a refused handshake."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            if socket.application_state is WebSocketState.CONNECTING:
                await accept(socket)
            await socket.send_text(msgspec.json.encode({"event_id": new_id("event"), **event}).decode())
            busy = event["error"]["code"] == "server_full"
            reason = event["error"]["message"].encode()[:_LONGEST_REASON].decode(errors="ignore")
            await socket.close(_TRY_AGAIN if busy else _POLICY_VIOLATION, reason)
    except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
        log.debug("a refusal was not read")


async def accept(socket: WebSocket) -> None:
    """Accept, with a subprotocol of those that were offered: browsers insist on one. Never with one that is a key."""
    names = ",".join(socket.scope.get("subprotocols", ())).split(",")  # some versions of uvicorn leave them joined
    offered = [name for name in map(str.strip, names) if name and not name.startswith(PROTOCOL_KEY)]
    await socket.accept("realtime" if "realtime" in offered else next(iter(offered), None))
