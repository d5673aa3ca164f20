"""A conversation over WebRTC (aiortc): sound on media tracks, events on the data channel ``oai-events``.

The track's clock pulls the playout, 20 ms at a time; nothing is sent ahead, so that an interruption needs no word to
the client: the next frame is silence.
"""

# Above 300 lines: one call from its offer to its end; the track, the channel and the codec are beside it.
from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import structlog
from aiortc import MediaStreamTrack, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError, OperationError
from aiortc.sdp import candidate_from_sdp

from parley.audio.pcm import Int16
from parley.conversation import notifications as nt
from parley.conversation.circle import Place
from parley.conversation.connection import Connection
from parley.conversation.conversation import Conversation
from parley.errors import Overloaded, ParleyError, ProtocolError
from parley.realtime import server_events as se
from parley.realtime.session_object import RealtimeSession
from parley.transports import opus
from parley.transports.endings import (
    BROKE,
    CAME_BACK,
    CLIENT_LEFT,
    CODES,
    NOT_READING,
    SENT_AWAY,
    SERVER_STOPS,
    TIME_OVER,
)
from parley.transports.mapping import AvailableModels, settings_of
from parley.transports.offers import UNREADABLE, announcing, check_offer, longest_message, unusable
from parley.transports.realtime_adapter import RealtimeAdapter
from parley.transports.returning import Resume
from parley.transports.room_desk import RoomServices
from parley.transports.rtc_channel import MOST_UNSENT_BYTES, EventChannel
from parley.transports.rtc_quality import Quality
from parley.transports.rtc_track import PlayoutTrack, TrackSound, sound_of

log = structlog.get_logger("webrtc")

_LEAD_S = 0.02
_JITTER_BUFFER_S = 0.04  # usual in browsers
_LATENCY_S = 0.06  # network and the client's jitter buffer, until RTCP tells the way there and back
_STATISTICS_EVERY_S = 5.0
CONNECT_S = 20.0
"""After which a call that did not connect is given up."""
_VANISHED_S = 12.0
_VANISHED, _FAILED, _NEVER_CAME = "the peer vanished", "connection lost", "no connection came about"
_SILENT_REASONS = frozenset({CLIENT_LEFT, _NEVER_CAME})
_LOST = (CAME_BACK, _VANISHED, _FAILED)


class RtcCall:
    """One peer, from its offer to its end."""

    def __init__(
        self,
        conversation: Conversation,
        place: Place,
        shown: RealtimeSession,
        available: AvailableModels,
        *,
        ice_servers: list[RTCIceServer],
        public_address: str | None = None,
        services: RoomServices | None = None,
    ) -> None:
        """Joins the conversation at once, see `Connection`; raises `ProtocolError`."""
        self._public_address = public_address
        self.conversation = conversation
        settings = settings_of(shown, conversation.settings, available)
        self._connection = Connection(conversation, settings, self._tell, place)
        self._adapter = RealtimeAdapter(
            self._connection, shown, available, self._send, self._make_sound, lead_s=_LEAD_S, latency_s=_LATENCY_S,
            services=services,
        )  # fmt: skip
        self._adapter.pacer.there = False
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=ice_servers))
        self._channel = EventChannel(
            self.conversation.id, self._peer, left=lambda: self._end(CLIENT_LEFT),
            not_reading=lambda: self._end(NOT_READING),
        )  # fmt: skip
        self.listeners: set[Callable[[se.Event], None]] = set()
        """Get every event that the client gets."""
        self.closed = asyncio.Event()
        """Set once everything is released."""
        self._over = asyncio.Event()
        self._connected = asyncio.Event()
        self._reason = CLIENT_LEFT
        self._listening: asyncio.Task[None] | None = None
        self._heard_at = 0.0
        self._buffers: list[opus.ReorderBuffer] = []
        self.quality = Quality()
        self._peer.on("track", self._on_track)
        self._peer.on("datachannel", self._on_channel)
        self._peer.on("connectionstatechange", self._on_state)

    async def answer(self, offer: str) -> str:
        """The SDP answer with all candidates; raises `ProtocolError` for an offer that is none."""
        if (most_bytes := longest_message(offer)) is not None:
            self._channel.most_bytes = most_bytes or MOST_UNSENT_BYTES  # 0: any size
        check_offer(offer)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            if not any(t.kind == "audio" for t in self._peer.getTransceivers()):
                raise ProtocolError("the offer has no audio", field="sdp", code="invalid_sdp")
            self._sound.stereo = opus.wants_stereo(offer)
            self._buffers = opus.receive_with_least_delay(self._peer, self._hear)
            self._peer.addTrack(PlayoutTrack(self._adapter.pacer.tick, self._sound, self._sound_broke))
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except (*UNREADABLE, OperationError) as fault:
            raise unusable(fault) from fault
        sdp = opus.asking_for_redundancy(self._peer.localDescription.sdp)
        return announcing(sdp, self._public_address) if self._public_address else sdp

    def _make_sound(self, adapter: RealtimeAdapter) -> TrackSound:
        self._sound = TrackSound(adapter.send)
        return self._sound

    def _sound_broke(self, fault: Exception) -> None:
        self._connection.break_down("its sound cannot be delivered", fault)

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
        self._end(CLIENT_LEFT)

    @property
    def lost(self) -> bool:
        """Whether the connection ended without the client's word, or never came about."""
        return self._reason in _LOST or not self.connected or (self._reason == CLIENT_LEFT and self._adapter.away)

    @property
    def place(self) -> Place:
        """What it is in the conversation."""
        return self._connection.place

    async def leave(self) -> None:
        """Nobody speaks or listens by it any more."""
        await self._connection.aclose()

    @property
    def shown(self) -> RealtimeSession:
        """The session object as it stands."""
        return self._adapter.shown

    def supersede(self) -> None:
        """The client has come back by another connection."""
        self._end(CAME_BACK)

    def server_stops(self) -> None:
        """End the call, and tell the client why."""
        self._end(SERVER_STOPS)

    async def serve(self, longest_s: float, resume: Resume | None = None) -> None:
        """Talk until either side closes, then release everything."""
        bound = log.bind(session=self.conversation.id)
        self._adapter.start(resume)
        entered = False
        try:
            async with self._connection:
                entered = True
                watching = asyncio.create_task(self._watch(longest_s), name="webrtc-watch")
                try:
                    await self._over.wait()
                    await self._look_at_quality()
                    if self.lost:  # what left since its last word was not heard
                        self._adapter.pacer.latency_s += asyncio.get_running_loop().time() - self._heard_at
                    await self._say_why()
                finally:
                    watching.cancel()
                    await asyncio.wait([watching])
        except ParleyError as fault:
            if entered:
                raise
            bound.warning("cannot enter", error=str(fault))
            await self._tell_refusal(fault)
        finally:
            await self.aclose()
        bound.info("closed", reason=self._reason, **asdict(self.quality))

    async def _tell_refusal(self, fault: ParleyError) -> None:
        """A client that cannot enter the conversation learns why, as soon as there is a way to tell it."""
        code = fault.code if isinstance(fault, ProtocolError) else "model_unavailable"
        self._adapter.send(se.error(str(fault), code=code))
        waiting = [asyncio.create_task(self._channel.opened.wait()), asyncio.create_task(self._over.wait())]
        await asyncio.wait(waiting, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if self._channel.there:
            await self._channel.drain()

    async def _say_why(self) -> None:
        """The client learns why the server ends the call, if there is still a way to tell it."""
        if self._reason in _SILENT_REASONS or self._reason in _LOST or not self._channel.there:
            return
        code = CODES.get(self._reason, "session_ended")
        self._adapter.send(se.error(self._reason, kind="server_error", code=code))
        await self._channel.drain()

    async def aclose(self) -> None:
        """End the connection."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self._connection.aclose()
        await self._peer.close()
        self.closed.set()

    def receive_text(self, text: str, reply: Callable[[se.Event], None]) -> None:
        """A client event that did not come by the call itself; `reply` gets what is wrong with it."""
        self._adapter.receive_text(text, reply)

    async def _watch(self, longest_s: float) -> None:
        """End a call that never connects, whose peer vanished, whose session broke or whose time is over."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + longest_s
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connected.wait()
        except TimeoutError:
            self._end(_NEVER_CAME)
            return
        self._heard_at = looked = loop.time()
        while not self._over.is_set():
            now = loop.time()
            if now > looked + _STATISTICS_EVERY_S:
                looked = now
                await self._look_at_quality()
            if now > ends:
                self._end(TIME_OVER)
            elif now > self._heard_at + _VANISHED_S:
                self._end(_VANISHED)
            elif self._connection.sent_away.is_set():
                self._end(SENT_AWAY)
            elif self._connection.broken.is_set() or self.conversation.broken.is_set():
                self._end(BROKE)
            await asyncio.sleep(0.5)

    async def _look_at_quality(self) -> None:
        """How far behind the client is, and what got lost."""
        await self.quality.look(self._peer, self._buffers)
        if (round_trip_s := self.quality.round_trip_s) is not None:
            self._adapter.pacer.latency_s = _JITTER_BUFFER_S + round_trip_s / 2
            self._adapter.pacer.delay_s = _JITTER_BUFFER_S + round_trip_s

    def _end(self, reason: str) -> None:
        if not self._over.is_set():
            self._reason = reason
            self._over.set()

    # -- the peer's side ------------------------------------------------------------------------------

    async def _on_state(self) -> None:
        state = self._peer.connectionState
        log.debug("state", session=self.conversation.id, state=state)
        if state == "connected":
            self._connected.set()
            self._adapter.pacer.there = True
        elif state in ("failed", "closed"):
            self._end(_FAILED if state == "failed" else CLIENT_LEFT)

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._listening is None:
            self._listening = asyncio.create_task(self._listen(track), name="webrtc-listen")

    def _hear(self, samples: Int16) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        try:
            self._connection.append_audio(samples, opus.HEARD_HZ)
        except Overloaded as fault:
            self._end(str(fault))
        except Exception as fault:  # noqa: BLE001 - logged by `break_down`
            self._connection.break_down("sound cannot be taken", fault)

    async def _listen(self, track: MediaStreamTrack) -> None:
        """Until the track ends; the sound comes this way only where there is no libopus."""
        async for samples in sound_of(track, opus.HEARD_HZ):
            self._hear(samples)
        self._end(CLIENT_LEFT)

    def _on_channel(self, channel: Any) -> None:
        if self._channel.there:
            return
        channel.on("message", self._receive)
        channel.on("close", lambda: self._end(CLIENT_LEFT))
        self._channel.open(channel)

    def _receive(self, message: str | bytes) -> None:
        """A fault must not reach aiortc: it would end the transport of everything."""
        self._heard_at = asyncio.get_running_loop().time()
        try:
            self._adapter.receive_text(message)
        except Exception as fault:  # noqa: BLE001 - logged by `break_down`
            self._connection.break_down("a message cannot be taken", fault)

    def _send(self, event: se.Event) -> None:
        for listener in list(self.listeners):
            listener(event)
        self._channel.send(event)

    def _tell(self, notification: nt.Notification) -> None:
        self._adapter.tell(notification)
