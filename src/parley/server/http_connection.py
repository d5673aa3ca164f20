"""HTTP connections with bounds: how long a head may be, how soon it must be there, how slow a body may come.

Uvicorn reads heads of any length and waits for them for ever. Here a head that is too long gets its 431 before the
rest of it is read, and a client that sends nothing, or next to nothing, loses its connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 32 * 1024
MOST_HEADERS = 100
MOST_PIPELINED = 16
HEAD_WITHIN_S = 15.0
LOOK_EVERY_S = 5.0
SLOWEST_BODY = 2_500
"""Bytes of a body that should come between two looks."""
SLOW_LOOKS = 2
"""Looks in a row at which they had not, after which the connection is closed."""
STUCK_LOOKS = 12
"""Looks at an answer of which not a byte is taken, after which the connection is closed."""
_HEAD_END = b"\n\r\n"
_TOO_LARGE = b"the head of the request is too large: %d bytes and %d headers are read" % (LONGEST_HEAD, MOST_HEADERS)


class BoundedHttp(HttpToolsProtocol):
    """Uvicorn's protocol with those bounds. One timer for each connection looks at it every few seconds."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._head_tail = b""
        self._await_head()
        self._came = 0
        self._slow = 0
        self._stuck = 0
        self._unsent = 0
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        self._look = self.loop.call_later(LOOK_EVERY_S, self._looks)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._stop_looking()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """The connection is a WebSocket's from now on."""
        self._stop_looking()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Bytes came. Those of a head are counted before they are read."""
        self._came += len(data)
        if self._in_head and not self._head_fits(data):
            self.send_400_response("")
            return
        super().data_received(data)

    def _head_fits(self, data: bytes) -> bool:
        """Whether the head is not too long yet, or ends in time in what came."""
        room = LONGEST_HEAD - self._head_bytes
        self._head_bytes += len(data)
        joint, self._head_tail = self._head_tail + data[: max(room, 0)], data[-len(_HEAD_END) :]
        return len(data) <= room or _HEAD_END in joint

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if len(self.pipeline) >= MOST_PIPELINED:
            raise ValueError("too many requests at once")
        self._in_head = True
        self._head_is_late_at = self.loop.time() + HEAD_WITHIN_S

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            self._head_bytes = LONGEST_HEAD + 1
            raise ValueError("too many headers")

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._in_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there; another may follow."""
        super().on_message_complete()
        self._await_head()

    def on_response_complete(self) -> None:
        """It has been answered."""
        super().on_response_complete()
        self._head_is_late_at = self.loop.time() + HEAD_WITHIN_S

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, by 431 if it is too large, and close."""
        if self._head_bytes <= LONGEST_HEAD:
            super().send_400_response(msg)
            return
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(_TOO_LARGE), _TOO_LARGE)
        )
        self.transport.close()

    def _await_head(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self._head_is_late_at = self.loop.time() + HEAD_WITHIN_S

    def _looks(self) -> None:
        self._look = self.loop.call_later(LOOK_EVERY_S, self._looks)
        came, self._came = self._came, 0
        unsent = self.transport.get_write_buffer_size()
        self._stuck = self._stuck + 1 if unsent and unsent >= self._unsent else 0
        self._unsent = unsent
        answering = self.cycle is not None and not self.cycle.response_complete
        wants_body = answering and self.cycle.more_body and not self.flow.read_paused
        self._slow = self._slow + 1 if wants_body and came < SLOWEST_BODY else 0
        head_is_late = not answering and self._in_head and self.loop.time() > self._head_is_late_at
        if head_is_late or self._slow >= SLOW_LOOKS or self._stuck >= STUCK_LOOKS:
            self.transport.abort()

    def _stop_looking(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
