"""The Realtime protocol over a WebSocket: one reader, one writer, everything between them bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from parley.conversation import happenings as hp
from parley.conversation.items import new_id
from parley.conversation.session import Session
from parley.conversation.settings import Cast, SessionSettings
from parley.realtime import server_events as se
from parley.realtime.session_object import RealtimeSession
from parley.transports.bridge import Bridge, Resume
from parley.transports.event_sound import EventSound
from parley.transports.mapping import Choices, settings_of
from parley.transports.pacing import Ticker

log = structlog.get_logger("websocket")

_MAX_UNSENT_BYTES = 4 * 1024 * 1024
_DELIBERATE = (1000, 1001)
_POLICY_VIOLATION, _INTERNAL_ERROR, _TRY_AGAIN, _NORMAL, _GOING_AWAY = 1008, 1011, 1013, 1000, 1001
_CLOSE_S = 2.0
_LONGEST_REASON = 100  # characters, of 123 bytes that a closing frame takes
_TIME_OVER, _BROKE, _TOO_MANY, _NOT_READING = (
    "session time is over",
    "internal error",
    "too many faulty messages",
    "client does not read",
)
_STOPS = "the server stops"
_CODES = {
    _STOPS: "server_stopping",
    _TIME_OVER: "session_expired",
    _BROKE: "internal_error",
    _TOO_MANY: "too_many_errors",
    _NOT_READING: "slow_client",
}
"""Reasons for which the server ends a connection: the client is told by an ``error`` event before."""


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
        cast: Cast,
        settings: SessionSettings,
        shown: RealtimeSession,
        choices: Choices,
        *,
        ticker: Ticker,
        limits: SocketLimits,
        observe: Callable[[str, hp.Happening], None] = lambda *_: None,
    ) -> None:
        self._socket = socket
        self._ticker = ticker
        self._limits = limits
        self._outbox = Outbox()
        self._errors = 0
        self._too_many_errors = asyncio.Event()
        self.lost = False
        """Whether the connection ended without the client's word."""
        self._superseded = asyncio.Event()
        self._server_stops = asyncio.Event()
        self._session = Session(cast, settings_of(shown, settings, choices), self._tell, observe)
        self._bridge = Bridge(
            self._session, shown, choices, self._send, lambda bridge: EventSound(bridge, self._outbox.put)
        )

    @property
    def session(self) -> Session:
        """The conversation behind the connection."""
        return self._session

    @property
    def shown(self) -> RealtimeSession:
        """The session object as it stands."""
        return self._bridge.shown

    def supersede(self) -> None:
        """The client has come back by another connection."""
        self.lost = True
        self._superseded.set()

    def server_stops(self) -> None:
        """End the connection, and tell the client why."""
        self._server_stops.set()

    async def serve(self, resume: Resume | None = None) -> None:
        """Run until either side closes, then release everything."""
        bound = log.bind(session=self._session.id)
        async with self._session:
            self._session.playout.on_ready = self._begin_ticking
            self._bridge.pacer.on_idle = self._end_ticking
            try:
                self._bridge.start(resume)
                reason = await self._race()
                self._session.cancel_response()  # history keeps what was heard of it
            finally:
                self._end_ticking()
        await self._close(*reason)
        bound.info("closed", reason=reason[1])

    def _begin_ticking(self) -> None:
        """There is something to play: only then is the clock needed."""
        self._ticker.add(self._bridge.pacer.tick, self._session.broken.set)
        self._bridge.pacer.poke()

    def _end_ticking(self) -> None:
        self._ticker.remove(self._bridge.pacer.tick)

    async def _race(self) -> tuple[int, str]:
        """Read, write, watch the limits; whatever ends first names the reason."""
        tasks = {
            asyncio.create_task(self._read(), name="socket-read"): (_NORMAL, "client left"),
            asyncio.create_task(self._write(), name="socket-write"): (_NORMAL, "client left"),
            asyncio.create_task(self._outbox.overflowed.wait()): (_POLICY_VIOLATION, _NOT_READING),
            asyncio.create_task(self._server_stops.wait()): (_GOING_AWAY, _STOPS),
            asyncio.create_task(self._too_many_errors.wait()): (_POLICY_VIOLATION, _TOO_MANY),
            asyncio.create_task(self._session.broken.wait()): (_INTERNAL_ERROR, _BROKE),
            asyncio.create_task(self._superseded.wait()): (_NORMAL, "the client came back by another connection"),
            asyncio.create_task(asyncio.sleep(self._limits.max_session_s)): (_NORMAL, _TIME_OVER),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            first = next(iter(done))
            if (fault := first.exception()) is not None:
                if not isinstance(fault, WebSocketDisconnect | RuntimeError | OSError):
                    raise fault
                log.debug("connection failed", session=self._session.id, exc_info=fault)
            return tasks[first]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                self.lost = self.lost or message.get("code") not in _DELIBERATE
                return
            text, data = message.get("text"), message.get("bytes")
            if text is not None:
                self._bridge.receive_text(text)
            elif data is not None:
                self._receive_binary(data)
            await asyncio.sleep(0)  # a flood of messages must not starve the other sessions

    def _receive_binary(self, data: bytes) -> None:
        if self._bridge.extended is None or not self._bridge.extended.binary_audio:
            self._bridge.send(
                se.error(
                    "binary messages need the binary_audio extension (connect with ?parley=1)", code="invalid_message"
                )
            )
            return
        self._bridge.receive_audio(data)

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

    def _tell(self, happening: hp.Happening) -> None:
        self._bridge.teller.tell(happening)

    async def _close(self, code: int, reason: str) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(_CLOSE_S):
                    if reason in _CODES:
                        told = se.error(reason, kind="server_error", code=_CODES[reason])
                        await self._socket.send_text(
                            msgspec.json.encode({"event_id": new_id("event"), **told}).decode()
                        )
                    await self._socket.close(code, reason)
            except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
                log.debug("close was not answered", session=self._session.id)


async def refuse(socket: WebSocket, event: dict[str, Any]) -> None:
    """Accept, say why not in an ``error`` event, close: browsers show nothing of a refused handshake."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await accept(socket)
            await socket.send_text(msgspec.json.encode({"event_id": new_id("event"), **event}).decode())
            busy = event["error"]["code"] == "server_full"
            await socket.close(_TRY_AGAIN if busy else _POLICY_VIOLATION, event["error"]["message"][:_LONGEST_REASON])
    except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
        log.debug("a refusal was not read")


async def accept(socket: WebSocket) -> None:
    """Accept, with the subprotocol that browsers insist on when they named one."""
    await socket.accept("realtime" if "realtime" in socket.scope.get("subprotocols", ()) else None)
