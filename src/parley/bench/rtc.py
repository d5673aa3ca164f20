"""A caller's connection over WebRTC: sound on tracks, events on the data channel ``oai-events``."""

from __future__ import annotations

import asyncio
import fractions
from types import TracebackType
from typing import Any, Self

import av
import httpx
import msgspec
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from parley.audio.pcm import Int16
from parley.audio.resample import AdaptingResampler
from parley.client.connection import RATE_HZ, Connection
from parley.errors import Overloaded, UnavailableError
from parley.transports import opus

_OPEN_S = 15.0
_FRAME = opus.RATE_HZ // 50
_FRAMES_AHEAD = 50
_SILENT = 8  # of 32768: what a codec makes of nothing


class Microphone(MediaStreamTrack):
    """Passes on what it is given, with redundancy as browsers send it; whoever gives it keeps the time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[bytes] = asyncio.Queue(_FRAMES_AHEAD)
        self._encoder = opus.ResilientEncoder()
        self._resampler = AdaptingResampler(opus.RATE_HZ)
        self._rest: Int16 = np.empty(0, np.int16)
        self._sent = 0

    def say(self, samples: Int16) -> None:
        """Sound at 24 kHz, as it is recorded."""
        data = np.concatenate([self._rest, self._resampler.push(samples, RATE_HZ)])
        full = len(data) // _FRAME * _FRAME
        self._rest = data[full:]
        for frame in data[:full].reshape(-1, _FRAME):
            if not self._packets.full():  # before anybody listens
                self._packets.put_nowait(self._encoder.encode(frame))

    async def recv(self) -> Any:
        """The next packet, once it was said."""
        packet = av.Packet(await self._packets.get())
        packet.pts, packet.time_base = self._sent * _FRAME, fractions.Fraction(1, opus.RATE_HZ)
        self._sent += 1
        return packet


class RtcConnection(Connection):
    """As `Connection`, by ``POST /v1/realtime/calls``.

    The server's clock plays; this side only takes what arrives, so nothing is acknowledged and no gap inside an answer
    can be told from a pause of its speaker. `player` gets what is louder than a codec's silence.
    """

    def __init__(
        self, url: str, *, api_key: str | None = None, extended: bool = True, start_buffer_s: float = 0.0
    ) -> None:
        """`extended`: ask for ``parley.*`` events."""
        super().__init__(url, api_key=api_key, exact=False, start_buffer_s=start_buffer_s)
        self.url = _calls_url(self.url) + ("?parley=1" if extended else "")
        self._peer = RTCPeerConnection()
        self._microphone = Microphone()
        self.flushes_itself = False
        self._messages: asyncio.Queue[str] = asyncio.Queue()
        self._peer.addTrack(self._microphone)
        self._channel = self._peer.createDataChannel("oai-events")
        self._channel.on("message", self._messages.put_nowait)
        self._peer.on("track", self._on_track)
        self._peer.on("connectionstatechange", self._on_state)
        self._working: list[asyncio.Task[None]] = []
        self._playing = ""

    async def __aenter__(self) -> Self:
        """Call; raises `UnavailableError` that says what to do, `Overloaded` that says when to come back."""
        try:
            await self._peer.setLocalDescription(await self._peer.createOffer())
            answer = await self._post(self._peer.localDescription.sdp)
            await self._peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            opus.receive_with_least_delay(self._peer, self._take_track, RATE_HZ)
            first = msgspec.json.decode(await asyncio.wait_for(self._messages.get(), _OPEN_S))
        except BaseException as fault:
            await self._close()
            if isinstance(fault, OSError | httpx.HTTPError | TimeoutError):
                raise UnavailableError(f"{self.url}: no call came about ({fault or type(fault).__name__})") from fault
            raise
        self.session: dict[str, Any] = first.get("session", {})
        self._working.append(asyncio.create_task(self._read_messages(), name="rtc-events"))
        return self

    async def _post(self, offer: str) -> str:
        async with httpx.AsyncClient(timeout=_OPEN_S, trust_env=False) as client:
            headers = {"Content-Type": "application/sdp", **self._headers}
            answer = await client.post(self.url, content=offer, headers=headers)
            if "Retry-After" in answer.headers:
                raise Overloaded(f"{self.url}: {answer.text[:200]}", retry_after_s=float(answer.headers["Retry-After"]))
            if answer.is_error:
                raise UnavailableError(f"{self.url} answered {answer.status_code}: {answer.text[:200]}")
            return answer.text

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        await self._close()

    async def _close(self) -> None:
        await self._peer.close()
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def _read_messages(self) -> None:
        while True:
            event = msgspec.json.decode(await self._messages.get())
            if event["type"] == "output_audio_buffer.started":
                self._playing = event["response_id"]
            await self._take(event)
            self.changed.set()

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._working.append(asyncio.create_task(_drain(track), name="rtc-track"))

    async def _on_state(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._lost(f"connection {self._peer.connectionState}")

    def _take_track(self, samples: Int16) -> None:
        if int(np.abs(samples).max(initial=0)) > _SILENT:
            self._take_sound(self._playing, samples)

    async def send(self, event: dict[str, Any]) -> None:
        """Send an event."""
        if self._channel.readyState == "open":
            self._channel.send(msgspec.json.encode(event).decode())
        else:
            self._lost("connection closed")

    async def send_audio(self, samples: Int16) -> None:
        """Send sound, 24 kHz."""
        self._microphone.say(samples)


async def _drain(track: MediaStreamTrack) -> None:
    """Its frames come by the receiver's buffer; the track itself is only kept from filling."""
    try:
        while True:
            await track.recv()
    except MediaStreamError:
        pass


def _calls_url(socket_url: str) -> str:
    address = socket_url.partition("?")[0].replace("ws", "http", 1)
    return f"{address}/calls"
