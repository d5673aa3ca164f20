"""A conversation over WebRTC (aiortc): sound on media tracks, events on the data channel ``oai-events``.

The track's clock pulls the playout, 20 ms at a time; nothing is sent ahead, so that an interruption needs no word to
the client: the next frame is silence.
"""

from __future__ import annotations

import asyncio
import fractions
import ipaddress
import re
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import av
import msgspec
import numpy as np
import structlog
from aiortc import MediaStreamTrack, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from aiortc.stats import RTCInboundRtpStreamStats, RTCRemoteInboundRtpStreamStats

from parley.audio.pcm import Int16
from parley.audio.resample import AdaptingResampler
from parley.conversation import happenings as hp
from parley.conversation.items import new_id
from parley.conversation.playout import PlayoutFrame
from parley.conversation.session import Session
from parley.conversation.settings import Cast, SessionSettings
from parley.errors import Overloaded, ProtocolError
from parley.realtime import server_events as se
from parley.realtime.fitting import fitting
from parley.realtime.session_object import RealtimeSession
from parley.transports import opus
from parley.transports.bridge import Bridge, Resume
from parley.transports.mapping import Choices, settings_of
from parley.transports.offers import UNREADABLE, check_offer, unusable
from parley.transports.telling import AudioTarget

log = structlog.get_logger("webrtc")

RATE_HZ = 48000
_FRAME = RATE_HZ // 50
_FRAME_S = 0.02
_TIME_BASE = fractions.Fraction(1, RATE_HZ)
_FADE_FRAMES = (
    10  # of silence that are encoded; then the codec has come to rest, and one packet is sent again and again
)
_LEAD_S = 0.02
_JITTER_BUFFER_S = 0.04  # usual in browsers
_LATENCY_S = 0.06  # network and the client's jitter buffer, until RTCP tells the way there and back
_STATISTICS_EVERY_S = 5.0
CONNECT_S = 20.0
"""After which a call that did not connect is given up."""
_VANISHED_S = 12.0
_MOST_UNSENT_EVENTS = 2000
_HOST_CANDIDATE = re.compile(r"a=candidate:(\S+) (\d+) udp (\d+) (\S+) (\d+) typ host.*\r\n")
_CAME_BACK = "the client came back by another connection"
_VANISHED = "the peer vanished"
_FAILED = "connection lost"
_TIME_OVER, _BROKE, _NOT_READING = "session time is over", "internal error", "client does not read"
_STOPS = "the server stops"
_CODES = {
    _STOPS: "server_stopping",
    _TIME_OVER: "session_expired",
    _BROKE: "internal_error",
    _NOT_READING: "slow_client",
}
"""Reasons for which the server ends a call; the client is told by an ``error`` event, as of any other fault."""
_SILENT_REASONS = frozenset({"client left", "no connection came about"})
_TELL_S = 1.0
_MESSAGE_BYTES = 64 * 1024  # where the offer says nothing (RFC 8841, 6.1)
_MAX_MESSAGE_SIZE = re.compile(r"^a=max-message-size:(\d{1,12})\s*$", re.MULTILINE)
_LOST = (_CAME_BACK, _VANISHED, _FAILED)
_MOST_UNSENT_BYTES = 4 * 1024 * 1024


class TrackSound:
    """The answers' sound as the track pulls it; see `Sound`."""

    reports = False

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._waiting: Int16 = np.empty(0, np.int16)
        self._resampler = AdaptingResampler(RATE_HZ)
        self._key: str | None = None
        self._response: str | None = None

    def format_changed(self) -> None:
        """See `Sound.format_changed`: a track has one format."""

    def deliver(self, frame: PlayoutFrame, target: AudioTarget) -> None:
        """See `Sound.deliver`."""
        if self._key != frame.response:
            self._key, self._response = frame.response, target.response
            self._resampler = AdaptingResampler(RATE_HZ)
            self._bridge.send({"type": "output_audio_buffer.started", "response_id": target.response})
        samples = self._resampler.push(frame.frame.samples, frame.frame.rate_hz)
        self._waiting = np.concatenate([self._waiting, samples])

    def all_sent(self, target: AudioTarget) -> None:
        """See `Sound.all_sent`: the end is told when it was played."""

    def flushed(self) -> None:
        """See `Sound.flushed`."""
        self._waiting = np.empty(0, np.int16)
        self._over("cleared")

    def finished(self) -> None:
        """The running response was played to its end."""
        self._over("stopped")

    def _over(self, how: str) -> None:
        if self._response is not None:
            self._bridge.send({"type": f"output_audio_buffer.{how}", "response_id": self._response})
        self._response = None

    def take(self) -> Int16:
        """The next 20 ms; silence where there is nothing."""
        samples, self._waiting = self._waiting[:_FRAME], self._waiting[_FRAME:]
        return samples if len(samples) == _FRAME else np.pad(samples, (0, _FRAME - len(samples)))


class PlayoutTrack(MediaStreamTrack):
    """The outgoing track; its clock is absolute, so that it does not drift."""

    kind = "audio"

    def __init__(self, tick: Callable[[float], None], sound: TrackSound, broken: Callable[[Exception], None]) -> None:
        """`broken` is told what `tick` raised: the track ends then."""
        super().__init__()
        self._tick = tick
        self._broken = broken
        self._sound = sound
        self._began: float | None = None
        self._frames = 0
        self._encoder = opus.ResilientEncoder() if opus.can_encode else None
        self._silent_frames = 0
        self._silence = b""

    async def recv(self) -> Any:
        """The next frame, when its time has come: as a packet where we encode ourselves."""
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        due = self._began + self._frames * _FRAME_S
        await asyncio.sleep(max(0.0, due - loop.time()))
        if self.readyState != "live":
            raise MediaStreamError
        try:
            self._tick(loop.time())
        except Exception as fault:
            self._broken(fault)
            raise MediaStreamError from fault
        samples = self._sound.take()
        made = self._packet(samples) if self._encoder else self._frame(samples)
        made.pts = self._frames * _FRAME
        made.time_base = _TIME_BASE
        self._frames += 1
        return made

    def _packet(self, samples: Int16) -> Any:
        assert self._encoder is not None
        self._silent_frames = 0 if samples.any() else self._silent_frames + 1
        if self._silent_frames <= _FADE_FRAMES or not self._silence:
            self._silence = self._encoder.encode(samples)  # the last one before it is kept serves on
        return av.Packet(self._silence)

    @staticmethod
    def _frame(samples: Int16) -> av.AudioFrame:
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        return frame


@dataclass(slots=True)
class Quality:
    """What the network did to a call so far."""

    packets_received: int = 0
    packets_lost: int = 0
    packets_late: int = 0
    round_trip_s: float | None = None
    """The last that RTCP told."""
    lost_there: int = 0
    """Of our packets, as the client reports."""


def announcing(sdp: str, address: str) -> str:
    """`sdp` with each of this machine's own candidates once more, as they are seen behind NAT that keeps ports."""
    version = ipaddress.ip_address(address).version

    def seen(host: re.Match[str]) -> str:
        foundation, component, priority, own, port = host.groups()
        if ipaddress.ip_address(own).version != version or own == address:
            return host.group()
        less = int(priority) - (26 << 24)  # RFC 8445, 5.1.2: server-reflexive 100, host 126
        return (
            f"{host.group()}a=candidate:{foundation}p {component} udp {less} {address} {port} typ srflx "
            f"raddr {own} rport {port}\r\n"
        )

    return _HOST_CANDIDATE.sub(seen, sdp)


class RtcCall:
    """One peer, from its offer to its end."""

    def __init__(
        self,
        cast: Cast,
        settings: SessionSettings,
        shown: RealtimeSession,
        choices: Choices,
        *,
        ice_servers: list[RTCIceServer],
        public_address: str | None = None,
        observe: Callable[[str, hp.Happening], None] = lambda *_: None,
    ) -> None:
        self._public_address = public_address
        self.session = Session(cast, settings_of(shown, settings, choices), self._tell, observe)
        self._bridge = Bridge(self.session, shown, choices, self._send, TrackSound)
        sound = self._bridge.sound
        assert isinstance(sound, TrackSound)
        self._sound = sound
        pacer = self._bridge.pacer
        pacer.lead_s, pacer.latency_s = _LEAD_S, _LATENCY_S
        pacer.on_finished = lambda _: sound.finished()
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=ice_servers))
        self._channel: Any = None
        self._unsent: deque[str] = deque(maxlen=_MOST_UNSENT_EVENTS)
        self._most_bytes = _MESSAGE_BYTES
        self._over = asyncio.Event()
        self._connected = asyncio.Event()
        self._reason = "client left"
        self._listening: asyncio.Task[None] | None = None
        self._heard_at = 0.0
        self._buffers: list[opus.ReorderBuffer] = []
        self.quality = Quality()
        self._peer.on("track", self._on_track)
        self._peer.on("datachannel", self._on_channel)
        self._peer.on("connectionstatechange", self._on_state)

    async def answer(self, offer: str) -> str:
        """The SDP answer with all candidates; raises `ProtocolError` for an offer that is none."""
        if (found := _MAX_MESSAGE_SIZE.search(offer)) is not None:
            self._most_bytes = int(found.group(1)) or _MOST_UNSENT_BYTES  # 0: any size
        check_offer(offer)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            if not any(t.kind == "audio" for t in self._peer.getTransceivers()):
                raise ProtocolError("the offer has no audio", field="sdp", code="invalid_sdp")
            self._buffers = opus.receive_with_least_delay(self._peer, self._hear)
            self._peer.addTrack(PlayoutTrack(self._bridge.pacer.tick, self._sound, self._sound_broke))
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except (*UNREADABLE, OperationError) as fault:
            raise unusable(fault) from fault
        sdp = opus.asking_for_redundancy(self._peer.localDescription.sdp)
        return announcing(sdp, self._public_address) if self._public_address else sdp

    def _sound_broke(self, fault: Exception) -> None:
        self.session.break_down("its sound cannot be delivered", fault)

    async def add_candidate(self, candidate: str, mid: str | None, line: int | None) -> None:
        """One more way to the client, as browsers write it; empty: there are no more. Raises `ProtocolError`."""
        try:
            if candidate:
                found = candidate_from_sdp(candidate.removeprefix("candidate:"))
                found.sdpMid, found.sdpMLineIndex = mid, line
                await self._peer.addIceCandidate(found)
            else:
                await self._peer.addIceCandidate(None)
        except (*UNREADABLE, InvalidStateError) as fault:
            raise ProtocolError(
                f"the candidate cannot be used: {fault}", field="candidate", code="invalid_candidate"
            ) from fault

    @property
    def connected(self) -> bool:
        """Whether media ever flowed."""
        return self._connected.is_set()

    def abandon(self) -> None:
        """The client gave up before the call connected."""
        self._end("client left")

    @property
    def lost(self) -> bool:
        """Whether the connection ended without the client's word, or never came about."""
        return self._reason in _LOST or not self.connected

    @property
    def shown(self) -> RealtimeSession:
        """The session object as it stands."""
        return self._bridge.shown

    def supersede(self) -> None:
        """The client has come back by another connection."""
        self._end(_CAME_BACK)

    def server_stops(self) -> None:
        """End the call, and tell the client why."""
        self._end(_STOPS)

    async def serve(self, longest_s: float, resume: Resume | None = None) -> None:
        """Talk until either side closes, then release everything."""
        bound = log.bind(session=self.session.id)
        try:
            async with self.session:
                self._bridge.start(resume)
                watching = asyncio.create_task(self._watch(longest_s), name="webrtc-watch")
                try:
                    await self._over.wait()
                    await self._look_at_quality()
                    if self.lost:  # what left since its last word was not heard
                        self._bridge.pacer.latency_s += asyncio.get_running_loop().time() - self._heard_at
                    self.session.cancel_response()
                    await self._say_why()
                finally:
                    watching.cancel()
                    await asyncio.wait([watching])
        finally:
            await self.aclose()
        bound.info("closed", reason=self._reason, **asdict(self.quality))

    async def _say_why(self) -> None:
        """The client learns why the server ends the call, if there is still a way to tell it."""
        if self._reason in _SILENT_REASONS or self._reason in _LOST or self._channel is None:
            return
        code = _CODES.get(self._reason, "session_ended")
        self._bridge.send(se.error(self._reason, kind="server_error", code=code))
        try:
            async with asyncio.timeout(_TELL_S):
                while self._channel.readyState == "open" and self._channel.bufferedAmount:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(_FRAME_S)
        except TimeoutError:
            log.debug("the end was not told in time", session=self.session.id)

    async def aclose(self) -> None:
        """End the connection."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self._peer.close()

    async def _watch(self, longest_s: float) -> None:
        """End a call that never connects, whose peer vanished, whose session broke or whose time is over."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + longest_s
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connected.wait()
        except TimeoutError:
            self._end("no connection came about")
            return
        self._heard_at = looked = loop.time()
        while not self._over.is_set():
            now = loop.time()
            if now > looked + _STATISTICS_EVERY_S:
                looked = now
                await self._look_at_quality()
            if now > ends:
                self._end(_TIME_OVER)
            elif now > self._heard_at + _VANISHED_S:
                self._end(_VANISHED)
            elif self.session.broken.is_set():
                self._end(_BROKE)
            await asyncio.sleep(0.5)

    async def _look_at_quality(self) -> None:
        """How far behind the client is, and what got lost."""
        for report in (await self._peer.getStats()).values():
            if isinstance(report, RTCRemoteInboundRtpStreamStats) and report.kind == "audio":
                self.quality.lost_there = report.packetsLost
                if report.roundTripTime:
                    self.quality.round_trip_s = report.roundTripTime
                    self._bridge.pacer.latency_s = _JITTER_BUFFER_S + report.roundTripTime / 2
                    self._bridge.pacer.network_s = _JITTER_BUFFER_S + report.roundTripTime
            elif isinstance(report, RTCInboundRtpStreamStats) and report.kind == "audio":
                self.quality.packets_received = report.packetsReceived
        self.quality.packets_lost = sum(b.lost for b in self._buffers)
        self.quality.packets_late = sum(b.late for b in self._buffers)

    def _end(self, reason: str) -> None:
        if not self._over.is_set():
            self._reason = reason
            self._over.set()

    # -- the peer's side ------------------------------------------------------------------------------

    async def _on_state(self) -> None:
        state = self._peer.connectionState
        log.debug("state", session=self.session.id, state=state)
        if state == "connected":
            self._connected.set()
        elif state in ("failed", "closed"):
            self._end(_FAILED if state == "failed" else "client left")

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._listening is None:
            self._listening = asyncio.create_task(self._listen(track), name="webrtc-listen")

    def _hear(self, samples: Int16) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        try:
            self.session.append_audio(samples, opus.HEARD_HZ)
        except Overloaded as fault:
            self._end(str(fault))
        except Exception as fault:  # noqa: BLE001 - logged by `break_down`
            self.session.break_down("sound cannot be taken", fault)

    async def _listen(self, track: MediaStreamTrack) -> None:
        """Until the track ends; the sound comes this way only where there is no libopus."""
        resampler = av.AudioResampler(format="s16", layout="mono", rate=opus.HEARD_HZ)
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                for mono in resampler.resample(frame):
                    self._hear(mono.to_ndarray().reshape(-1).astype(np.int16, copy=False))
        except MediaStreamError:
            self._end("client left")

    def _on_channel(self, channel: Any) -> None:
        if self._channel is not None:
            return
        self._channel = channel
        channel.on("message", self._receive)
        channel.on("close", lambda: self._end("client left"))
        while self._unsent:
            self._hand_over(self._unsent.popleft())

    def _receive(self, message: str | bytes) -> None:
        """A fault must not reach aiortc: it would end the transport of everything."""
        self._heard_at = asyncio.get_running_loop().time()
        try:
            self._bridge.receive_text(message)
        except Exception as fault:  # noqa: BLE001 - logged by `break_down`
            self.session.break_down("a message cannot be taken", fault)

    # -- our side -------------------------------------------------------------------------------------

    def _send(self, event: se.Event) -> None:
        for part in fitting(event, self._most_bytes):
            self._send_text(msgspec.json.encode({"event_id": new_id("event"), **part}).decode())

    def _hand_over(self, text: str) -> None:
        try:
            self._channel.send(text)
        except (InvalidStateError, ValueError, ConnectionError) as fault:
            log.warning("an event could not be sent", session=self.session.id, bytes=len(text), error=str(fault))

    def _send_text(self, text: str) -> None:
        channel = self._channel
        if channel is None or channel.readyState != "open":
            self._unsent.append(text)
        elif self._peer.sctp is None or self._peer.sctp.transport.state != "connected":
            self._end("client left")  # the channel does not know yet
        elif channel.bufferedAmount > _MOST_UNSENT_BYTES:
            self._end(_NOT_READING)
        else:
            self._hand_over(text)

    def _tell(self, happening: hp.Happening) -> None:
        self._bridge.teller.tell(happening)
