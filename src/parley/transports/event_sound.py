"""An answer's sound as events or binary messages of the connection that carries everything else."""

from __future__ import annotations

import base64
from collections.abc import Callable

from parley.audio.formats import AudioFormat
from parley.audio.resample import AdaptingResampler
from parley.conversation.output.playout import PlayoutFrame
from parley.realtime import server_events as se
from parley.realtime.session_object import Extensions, WireFormat
from parley.transports.audio_sink import AudioTarget


class EventSound:
    """Encodes frames as the session's output format says; see `AudioSink`."""

    reports = True

    def __init__(
        self,
        send: Callable[[se.Event], None],
        send_binary: Callable[[bytes], None],
        extended: Callable[[], Extensions | None],
    ) -> None:
        """`extended`: what the client opted in to, as it stands."""
        self._send = send
        self._send_binary = send_binary
        self._extended = extended
        self._stream = 0
        self._key: str | None = None
        self._resampler = AdaptingResampler(WireFormat().rate)

    def deliver(self, frame: PlayoutFrame, target: AudioTarget) -> None:
        """See `AudioSink.deliver`."""
        wire, extended = target.wire, self._extended()
        if self._key != frame.response:
            self._begin(frame.response, target)
        data = AudioFormat(wire.type, wire.rate).encode(self._resampler.push(frame.frame.samples, frame.frame.rate_hz))
        if extended is not None and extended.binary_audio:
            self._send_binary(self._stream.to_bytes(4, "little") + data)
        else:
            delta = base64.b64encode(data).decode()
            at = (target.response, target.item, target.index)
            self._send(se.part_event("response.output_audio.delta", *at, delta=delta))

    def _begin(self, key: str, target: AudioTarget) -> None:
        self._key = key
        self._stream += 1
        self._resampler = AdaptingResampler(target.wire.rate)
        if self._extended() is not None:
            self._send({
                "type": "parley.playout.begin", "stream": self._stream, "response_id": target.response,
                "item_id": target.item, "rate": target.wire.rate,
            })  # fmt: skip

    def all_sent(self, target: AudioTarget) -> None:
        """See `AudioSink.all_sent`."""
        if self._extended() is not None:
            self._send({"type": "parley.playout.end", "response_id": target.response, "item_id": target.item})

    def flushed(self) -> None:
        """See `AudioSink.flushed`: the client throws away what it holds, as its events tell it."""

    def finished(self) -> None:
        """See `AudioSink.finished`: nobody is told, a client knows itself what it has played."""
