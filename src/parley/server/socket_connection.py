"""WebSocket connections with bounds: small frames that complete no message have a budget, messages wait their turn.

A message that is complete waits until the conversation takes it, and reading stops meanwhile. Pings, pongs and
fragments complete nothing; millions of them would hold the loop, as would a packet full of tiny messages. So what
came is read slice by slice, and a client whose fragments are tiny or whose pings never end is closed (1008).
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

SLICE_BYTES = 4096
SMALL_BYTES = 1024
"""Frames from here on are paid for by their length: the network bounds them."""
BURST_FRAMES = 1000
FRAMES_PER_S = 100.0
DEAF_S = 1.0
"""Time to read why it was closed, for a client that goes on sending."""
_POLICY_VIOLATION = 1008


class BoundedSocket(WebSocketsSansIOProtocol):
    """Uvicorn's protocol with those bounds."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._unread = bytearray()
        """Bytes behind the last complete message; not more than one packet and a slice, since reading stops then."""
        self._deaf = False
        """Whether what comes is thrown away unread: we have closed, and the client goes on all the same."""
        self._budget = float(BURST_FRAMES)
        self._counted_at = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if not self._deaf:
            self._unread += data
            self._read()

    async def receive(self) -> Any:
        """The next message for the application; with the last one taken, reading goes on."""
        message = await super().receive()
        self._read()
        return message

    def _read(self) -> None:
        while self._unread and not self.read_paused and not self.transport.is_closing():
            part = bytes(self._unread[:SLICE_BYTES])
            del self._unread[:SLICE_BYTES]
            super().data_received(part)

    def handle_cont(self, event: Frame) -> None:
        """A further fragment."""
        if self._pays(event, completes=event.fin):
            super().handle_cont(event)

    def handle_text(self, event: Frame) -> None:
        """A text message, or its first fragment."""
        if self._pays(event, completes=event.fin):
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """A binary message, or its first fragment."""
        if self._pays(event, completes=event.fin):
            super().handle_bytes(event)

    def handle_ping(self) -> None:
        """A ping, which is answered."""
        if self._spend():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """A pong, asked for or not."""
        if self._spend():
            super().handle_pong(event)

    def _pays(self, frame: Frame, *, completes: bool) -> bool:
        """Whether a data frame is within the budget; what completes a message waits its turn instead of paying.

        After we have closed nothing waits any more, so everything pays.
        """
        free = (completes and not self.close_sent) or len(frame.data) >= SMALL_BYTES
        return free or self._spend()

    def _spend(self) -> bool:
        now = self.loop.time()
        self._budget = min(BURST_FRAMES, self._budget + (now - self._counted_at) * FRAMES_PER_S) - 1
        self._counted_at = now
        if self._budget >= 0:
            return True
        if not self.transport.is_closing():
            self._close()
        return False

    def _close(self) -> None:
        if not self.handshake_complete:
            self.transport.abort()
        elif self.close_sent:  # not aborted: the client could then not read why it was closed
            self._deaf = True
            self._unread.clear()
            self.loop.call_later(DEAF_S, self.transport.close)
        else:
            self.conn.fail(_POLICY_VIOLATION, "too many small frames")
            self.handle_parser_exception()
