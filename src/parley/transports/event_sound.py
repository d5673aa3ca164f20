"""An answer's sound as events or binary messages of the connection that carries everything else."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

from parley.audio.formats import AudioFormat
from parley.audio.resample import AdaptingResampler
from parley.conversation.playout import PlayoutFrame
from parley.realtime import server_events as se
from parley.transports.telling import AudioTarget

if TYPE_CHECKING:
    from parley.transports.bridge import Bridge


class EventSound:
    """Encodes frames as the session's output format says; see `Sound`."""

    reports = True

    def __init__(self, bridge: Bridge, send_binary: Callable[[bytes], None]) -> None:
        self._bridge = bridge
        self._send_binary = send_binary
        self._stream = 0
        self._key: str | None = None
        self.format_changed()

    def format_changed(self) -> None:
        """See `Sound.format_changed`."""
        self._resampler = AdaptingResampler(self._bridge.shown.output_format.rate)

    def deliver(self, frame: PlayoutFrame, target: AudioTarget) -> None:
        """See `Sound.deliver`."""
        bridge, wire = self._bridge, self._bridge.shown.output_format
        if self._key != frame.response:
            self._begin(frame.response, target)
        data = AudioFormat(wire.type, wire.rate).encode(self._resampler.push(frame.frame.samples, frame.frame.rate_hz))
        if bridge.extended is not None and bridge.extended.binary_audio:
            self._send_binary(self._stream.to_bytes(4, "little") + data)
        else:
            delta = base64.b64encode(data).decode()
            at = (target.response, target.item, target.index)
            bridge.send(se.part_event("response.output_audio.delta", *at, delta=delta))

    def _begin(self, key: str, target: AudioTarget) -> None:
        self._key = key
        self._stream += 1
        self.format_changed()
        if self._bridge.extended is not None:
            self._bridge.send({
                "type": "parley.playout.begin", "stream": self._stream, "response_id": target.response,
                "item_id": target.item, "rate": self._bridge.shown.output_format.rate,
            })  # fmt: skip

    def all_sent(self, target: AudioTarget) -> None:
        """See `Sound.all_sent`."""
        if self._bridge.extended is not None:
            self._bridge.send({"type": "parley.playout.end", "response_id": target.response, "item_id": target.item})

    def flushed(self) -> None:
        """See `Sound.flushed`: the client throws away what it holds, as its events tell it."""
