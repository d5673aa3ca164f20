"""The Realtime protocol over a WebSocket."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from parley.conversation import notifications as nt
from parley.conversation.circle import Place
from parley.conversation.conversation import Conversation
from parley.conversation.items import new_id
from parley.errors import ParleyError, ProtocolError
from parley.realtime import server_events as se
from parley.realtime.session_object import RealtimeSession
from parley.transports.conversation_socket import (
    CLOSE_S,
    POLICY_VIOLATION,
    TRY_AGAIN,
    ConversationSocket,
    SocketLimits,
    closing_reason,
)
from parley.transports.endings import CODES
from parley.transports.event_sound import EventSound
from parley.transports.mapping import AvailableModels, settings_of
from parley.transports.pacing import Ticker
from parley.transports.realtime_adapter import RealtimeAdapter
from parley.transports.returning import Resume
from parley.transports.room_desk import RoomServices

log = structlog.get_logger("websocket")

PROTOCOL_KEY = "openai-insecure-api-key."
"""What the subprotocol begins with in which browsers show their key."""


class RealtimeSocket(ConversationSocket):
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
        super().__init__(socket, conversation, place, settings_of(shown, conversation.settings, available), limits)
        self._ticker = ticker
        self._adapter = RealtimeAdapter(
            self._connection, shown, available, self._send, self._sound, ticker, services=services
        )

    @property
    def shown(self) -> RealtimeSession:
        """The session object as it stands."""
        return self._adapter.shown

    @property
    def _is_away(self) -> bool:
        return self._adapter.away

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

    async def _take(self, text: str | None, data: bytes | None) -> None:
        if text is not None:
            self._adapter.receive_text(text)
        elif data is not None:
            self._receive_binary(data)

    def _receive_binary(self, data: bytes) -> None:
        if self._adapter.extended is None or not self._adapter.extended.binary_audio:
            self._adapter.send(
                se.error(
                    "binary messages need the binary_audio extension (connect with ?parley=1)", code="invalid_message"
                )
            )
            return
        self._adapter.receive_audio(data)

    def _send(self, event: se.Event) -> None:
        if event["type"] == "error":
            self._count_error()
        self._outbox.put(msgspec.json.encode(event).decode())

    def _tell(self, notification: nt.Notification) -> None:
        self._adapter.tell(notification)

    async def _say_why(self, reason: str) -> None:
        if reason in CODES:
            told = se.error(reason, kind="server_error", code=CODES[reason])
            await self._socket.send_text(msgspec.json.encode({"event_id": new_id("event"), **told}).decode())


async def refuse(socket: WebSocket, event: dict[str, Any]) -> None:
    """Accept, say why not in an ``error`` event, close: browsers show nothing of a refused handshake."""
    try:
        async with asyncio.timeout(CLOSE_S):
            if socket.application_state is WebSocketState.CONNECTING:
                await accept(socket)
            await socket.send_text(msgspec.json.encode({"event_id": new_id("event"), **event}).decode())
            busy = event["error"]["code"] == "server_full"
            await socket.close(TRY_AGAIN if busy else POLICY_VIOLATION, closing_reason(event["error"]["message"]))
    except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
        log.debug("a refusal was not read")


async def accept(socket: WebSocket) -> None:
    """Accept, with a subprotocol of those that were offered: browsers insist on one. Never with one that is a key."""
    names = ",".join(socket.scope.get("subprotocols", ())).split(",")  # some versions of uvicorn leave them joined
    offered = [name for name in map(str.strip, names) if name and not name.startswith(PROTOCOL_KEY)]
    await socket.accept("realtime" if "realtime" in offered else next(iter(offered), None))
