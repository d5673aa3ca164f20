"""A WebSocket beside a WebRTC call: the same events both ways, for a server that watches and steers the call."""

from __future__ import annotations

import asyncio

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from parley.conversation.items import new_id
from parley.errors import ProtocolError
from parley.realtime import server_events as se
from parley.transports.conversation_socket import Outbox, SocketLimits
from parley.transports.webrtc import RtcCall

log = structlog.get_logger("websocket")

MOST_BESIDE_A_CALL = 4
_REST_S = 1.0
_NORMAL, _POLICY_VIOLATION = 1000, 1008


class Sideband:
    """Gets every event of the call and sends it client events; errors about those are its own.

    The call goes on without it, and takes it along when it ends.
    """

    def __init__(self, socket: WebSocket, call: RtcCall, *, extended: bool) -> None:
        """Raises `ProtocolError` when too many are there already; `extended`: it knows parley's own events."""
        if len(call.listeners) >= MOST_BESIDE_A_CALL:
            raise ProtocolError(
                f"{MOST_BESIDE_A_CALL} sockets are beside this call already", field="call_id", code="too_many_sockets"
            )
        self._socket = socket
        self._call = call
        self._extended = extended
        self._outbox = Outbox()
        self._errors_left = SocketLimits().max_errors
        self._ended = asyncio.Event()

    async def serve(self) -> None:
        """Until either side closes, or the call ends."""
        self._call.listeners.add(self._hear)
        self._hear({"event_id": new_id("event"), "type": "session.created", "session": self._call.shown.to_json()})
        tasks = {
            asyncio.create_task(self._read(), name="sideband-read"): (_NORMAL, "client left"),
            asyncio.create_task(self._write(), name="sideband-write"): (_NORMAL, "client left"),
            asyncio.create_task(self._call.closed.wait()): (_NORMAL, "the call is over"),
            asyncio.create_task(self._outbox.overflowed.wait()): (_POLICY_VIOLATION, "client does not read"),
            asyncio.create_task(self._ended.wait()): (_POLICY_VIOLATION, "too many faulty messages"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._call.listeners.discard(self._hear)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        first = next(iter(done))
        if (fault := first.exception()) is not None and not isinstance(fault, WebSocketDisconnect | OSError):
            log.error("sideband broke", session=self._call.conversation.id, exc_info=fault)
        code, reason = tasks[first]
        try:
            async with asyncio.timeout(_REST_S):
                if reason == "the call is over":
                    while self._outbox.waits:  # what was said last
                        await self._socket.send_text(str(await self._outbox.get()))
                await self._socket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
            log.debug("close was not answered", session=self._call.conversation.id)

    def _hear(self, event: se.Event) -> None:
        if self._extended or not event["type"].startswith("parley."):
            self._outbox.put(msgspec.json.encode(event).decode())

    def _reply(self, event: se.Event) -> None:
        """An error about what this socket sent."""
        self._errors_left -= 1
        if self._errors_left < 0:
            self._ended.set()
        self._hear({"event_id": new_id("event"), **event})

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (text := message.get("text")) is not None:
                self._call.receive_text(text, self._reply)
            else:
                self._reply(se.error("binary messages are not taken beside a call", code="invalid_message"))
            await asyncio.sleep(0)  # a flood of messages must not starve the other sessions

    async def _write(self) -> None:
        while True:
            await self._socket.send_text(str(await self._outbox.get()))
