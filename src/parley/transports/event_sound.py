"""An answer's sound as events or binary messages of the connection that carries everything else."""

from __future__ import annotations

import base64
from collections.abc import Callable

import structlog

from parley.audio.formats import AudioFormat
from parley.audio.pcm import Int16
from parley.audio.resample import AdaptingResampler
from parley.conversation.output.playout import PlayoutFrame
from parley.realtime import server_events as se
from parley.realtime.session_object import Extensions, WireFormat
from parley.transports.audio_sink import AudioTarget
from parley.transports.pacing import Ticker
from parley.transports.voices import Neighbours, is_quiet

log = structlog.get_logger("conversation")

RATE_HZ = 24000
_REST_FRAMES = 25


class EventSound:
    """Encodes frames as the session's output format says; see `AudioSink`."""

    reports = True

    def __init__(
        self,
        send: Callable[[se.Event], None],
        send_binary: Callable[[bytes], None],
        extended: Callable[[], Extensions | None],
        wire: Callable[[], WireFormat],
        ticker: Ticker | None = None,
    ) -> None:
        """`extended`: what the client opted in to, `wire`: its output format, as they stand.

        Without a `ticker` other people are not heard.
        """
        self._wire = wire
        self._ticker = ticker
        self._neighbours = Neighbours(RATE_HZ)
        self._voices_resampler = AdaptingResampler(RATE_HZ)
        self._still = 0
        self._send = send
        self._send_binary = send_binary
        self._extended = extended
        self._ticks = False
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

    def overhear(self, name: str, samples: Int16, rate_hz: int) -> None:
        """See `AudioSink.overhear`: what others say goes to clients that opted in, as stream 0."""
        if self._ticker is None or self._extended() is None:
            return
        if not self._ticks and is_quiet(samples):
            return
        self._neighbours.hear(name, samples, rate_hz)
        if not self._ticks:
            self._ticks, self._still = True, 0
            self._ticker.add(self._tick, self._broke)

    def _tick(self, now: float) -> None:
        mixed = self._neighbours.pull()
        self._still = 0 if mixed is not None else self._still + 1
        if mixed is not None:
            self._pass_on(mixed)
        elif self._still > _REST_FRAMES:
            self.rest()

    def rest(self) -> None:
        """Nothing is passed on until somebody says something."""
        if self._ticks and self._ticker is not None:
            self._ticks = False
            self._ticker.remove(self._tick)

    def _pass_on(self, samples: Int16) -> None:
        wire, extended = self._wire(), self._extended()
        if self._voices_resampler.to_hz != wire.rate:
            self._voices_resampler = AdaptingResampler(wire.rate)
        data = AudioFormat(wire.type, wire.rate).encode(self._voices_resampler.push(samples, RATE_HZ))
        if extended is not None and extended.binary_audio:
            self._send_binary(se.VOICES.to_bytes(4, "little") + data)
        else:
            self._send({"type": "parley.voices.delta", "delta": base64.b64encode(data).decode()})

    def _broke(self, fault: Exception) -> None:
        self._ticks = False
        log.error("voices are not passed on", exc_info=fault)

    def all_sent(self, target: AudioTarget) -> None:
        """See `AudioSink.all_sent`."""
        if self._extended() is not None:
            self._send({"type": "parley.playout.end", "response_id": target.response, "item_id": target.item})

    def flushed(self) -> None:
        """See `AudioSink.flushed`: the client throws away what it holds, as its events tell it."""

    def finished(self) -> None:
        """See `AudioSink.finished`: nobody is told, a client knows itself what it has played."""
