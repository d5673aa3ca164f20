"""Server events on a data channel: whole, bounded, in order; held back until the channel is open."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from aiortc import RTCPeerConnection
from aiortc.exceptions import InvalidStateError

from parley.conversation.items import new_id
from parley.realtime import server_events as se
from parley.realtime.fitting import fitting
from parley.transports.rtc_track import FRAME_S

log = structlog.get_logger("webrtc")

MESSAGE_BYTES = 64 * 1024
"""What a message may have where the offer says nothing (RFC 8841, 6.1)."""
MOST_UNSENT_BYTES = 4 * 1024 * 1024
_MOST_UNSENT_EVENTS = 2000
_TELL_S = 1.0


class EventChannel:
    """The way of events to one peer."""

    def __init__(
        self, session: str, peer: RTCPeerConnection, *, left: Callable[[], None], not_reading: Callable[[], None]
    ) -> None:
        """`left`: the peer is gone; `not_reading`: it takes nothing any more."""
        self.most_bytes = MESSAGE_BYTES
        """Of one message, as the peer's offer says."""
        self._session = session
        self._peer = peer
        self._left = left
        self._not_reading = not_reading
        self._channel: Any = None
        self.opened = asyncio.Event()
        """Set when the peer has opened it."""
        self._unsent: deque[str] = deque(maxlen=_MOST_UNSENT_EVENTS)

    @property
    def there(self) -> bool:
        """Whether the peer has opened it."""
        return self._channel is not None

    def open(self, channel: Any) -> None:
        """The peer's channel is there: what waited for it leaves."""
        self._channel = channel
        while self._unsent:
            self._hand_over(self._unsent.popleft())
        self.opened.set()

    def send(self, event: se.Event) -> None:
        """Send an event; one that is too long for the peer in parts or shortened."""
        for part in fitting(event, self.most_bytes):
            self._send_text(msgspec.json.encode({"event_id": new_id("event"), **part}).decode())

    def _send_text(self, text: str) -> None:
        channel = self._channel
        if channel is None or channel.readyState != "open":
            self._unsent.append(text)
        elif self._peer.sctp is None or self._peer.sctp.transport.state != "connected":
            self._left()  # the channel does not know yet
        elif channel.bufferedAmount > MOST_UNSENT_BYTES:
            self._not_reading()
        else:
            self._hand_over(text)

    def _hand_over(self, text: str) -> None:
        try:
            self._channel.send(text)
        except (InvalidStateError, ValueError, ConnectionError) as fault:
            log.warning("an event could not be sent", session=self._session, bytes=len(text), error=str(fault))

    async def drain(self) -> None:
        """Wait, a little, until everything has left."""
        try:
            async with asyncio.timeout(_TELL_S):
                while self._channel.readyState == "open" and self._channel.bufferedAmount:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(FRAME_S)
        except TimeoutError:
            log.debug("the end was not told in time", session=self._session)
