"""Opus over lossy networks: packets in order with the least delay, losses concealed, forward error correction.

aiortc's own buffer holds four packets back (80 ms), stalls for sixteen when one is missing, and its decoder leaves a
loss out, so that speech is cut. Here a packet goes on at once while the order is right; a gap is waited for as long as
packets of this call were late before, then libopus fills it, from the next packet's redundancy (RFC 6716, 2.1.7) or by
extrapolation. The parts of aiortc that are replaced for it are named at `install`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import fractions
import re
from pathlib import Path
from typing import Any

import aiortc.rtcrtpreceiver
import aiortc.rtcrtpsender
import av
import numpy as np
import structlog
from aiortc import RTCPeerConnection
from aiortc.codecs.base import Decoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

from parley.audio.pcm import Int16

log = structlog.get_logger("webrtc")

RATE_HZ = 48000
_SEQUENCE = 1 << 16
_FEWEST, _MOST = 1, 6  # packets that may overtake a missing one before it is given up
_CALM = 500  # packets without a late one after which less is waited
_CONCEALED = 5  # packets (100 ms) at most: beyond, extrapolated speech is noise
_LONGEST = 5760  # samples of an Opus packet


class Batch(JitterFrame):
    """Packets that may be decoded now, each with how many were lost before it."""

    def __init__(self, parts: list[tuple[int, bytes]], timestamp: int) -> None:
        super().__init__(parts[-1][1], timestamp)
        self.parts = parts


class ReorderBuffer:
    """Puts packets into order; takes the place of aiortc's `JitterBuffer`."""

    def __init__(self) -> None:
        self._expected: int | None = None
        self._waiting: dict[int, RtpPacket] = {}
        self._calm = 0
        self.depth = _FEWEST
        self.lost = 0
        self.late = 0

    def add(self, packet: RtpPacket) -> tuple[bool, Batch | None]:
        """Take a packet; gives what can be decoded now."""
        number = packet.sequence_number
        if self._expected is None:
            self._expected = number
        ahead = (number - self._expected) % _SEQUENCE
        if ahead >= _SEQUENCE // 2:
            self._came_late(_SEQUENCE - ahead)
            return False, None
        self._waiting[number] = packet
        self._calm += 1
        if self._calm > _CALM:
            self._calm, self.depth = 0, max(_FEWEST, self.depth - 1)
        parts: list[tuple[int, bytes]] = []
        timestamp = packet.timestamp
        while (missing := self._missing()) is not None:
            self.lost += missing
            self._expected = (self._expected + missing) % _SEQUENCE
            found = self._waiting.pop(self._expected)
            parts.append((missing, bytes(getattr(found, "_data", b""))))
            timestamp = found.timestamp
            self._expected = (self._expected + 1) % _SEQUENCE
        return False, Batch(parts, timestamp) if parts else None

    def _missing(self) -> int | None:
        """How many packets before the next one are given up; None: wait."""
        assert self._expected is not None
        if not self._waiting:
            return None
        gaps = [(number - self._expected) % _SEQUENCE for number in self._waiting]
        return min(gaps) if min(gaps) == 0 or max(gaps) >= self.depth else None

    def _came_late(self, by: int) -> None:
        """It was given up already: the next time more is waited."""
        self.late += 1
        self._calm = 0
        self.depth = min(_MOST, max(self.depth, by + 1))


def _library() -> Any:
    """libopus, as it comes with PyAV's wheel, or the system's; None where there is none."""
    package = Path(av.__file__).parent
    bundled = [*package.parent.glob("av.libs/libopus*"), *package.glob(".dylibs/libopus*")]
    name = str(bundled[0]) if bundled else ctypes.util.find_library("opus")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    library.opus_decoder_create.restype = ctypes.c_void_p
    library.opus_decoder_create.argtypes = [ctypes.c_int32, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
    library.opus_decode.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int, ctypes.c_int,
    ]  # fmt: skip
    library.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
    library.opus_decoder_destroy.restype = None
    return library


_opus = _library()


class ConcealingDecoder(Decoder):
    """Opus to 48 kHz mono, with something in the place of every packet that was lost."""

    def __init__(self) -> None:
        fault = ctypes.c_int()
        self._state = _opus.opus_decoder_create(RATE_HZ, 1, ctypes.byref(fault))
        if fault.value:
            raise RuntimeError(f"libopus gives no decoder (error {fault.value})")
        self._samples = 960
        self._out = np.empty(_LONGEST, np.int16)

    def __del__(self) -> None:
        """Free it."""
        if getattr(self, "_state", None):
            _opus.opus_decoder_destroy(self._state)

    def decode(self, encoded_frame: JitterFrame) -> list[Any]:
        """Frames of a batch (of a single packet, when aiortc's own buffer gave it)."""
        parts = getattr(encoded_frame, "parts", [(0, encoded_frame.data)])
        sound: list[Int16] = []
        for lost, data in parts:
            sound += self._conceal(min(lost, _CONCEALED), data)
            got = self._run(data, _LONGEST, fec=False)
            if len(got):
                self._samples = len(got)
                sound.append(got)
        if not sound:
            return []
        joined = np.concatenate(sound)
        frame = av.AudioFrame.from_ndarray(joined.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = encoded_frame.timestamp
        frame.time_base = fractions.Fraction(1, RATE_HZ)
        return [frame]

    def _conceal(self, lost: int, following: bytes) -> list[Int16]:
        filled = [self._run(None, self._samples, fec=False) for _ in range(lost - 1)]
        if lost:  # of the last one the packet behind it may carry a copy
            filled.append(self._run(following, self._samples, fec=True))
        return filled

    def _run(self, data: bytes | None, room: int, *, fec: bool) -> Int16:
        count = _opus.opus_decode(self._state, data, len(data) if data else 0, self._out.ctypes.data, room, int(fec))
        return self._out[: max(0, count)].copy()  # what cannot be decoded is nothing: the next packet will do


class ResilientEncoder(OpusEncoder):
    """aiortc's encoder with redundancy for lost packets, which every browser decodes."""

    def __init__(self) -> None:
        super().__init__()
        self.codec.bit_rate = 48_000
        self.codec.options = {"application": "voip", "fec": "1", "packet_loss": "10"}


def install() -> None:
    """Let aiortc use these: `get_decoder` and `get_encoder` as its receiver and sender look them up."""
    receiver: Any = aiortc.rtcrtpreceiver
    sender: Any = aiortc.rtcrtpsender
    get_decoder, get_encoder = receiver.get_decoder, sender.get_encoder

    def decoder(codec: Any) -> Any:
        concealing = codec.mimeType.lower() == "audio/opus" and _opus is not None
        return ConcealingDecoder() if concealing else get_decoder(codec)

    def encoder(codec: Any) -> Any:
        return ResilientEncoder() if codec.mimeType.lower() == "audio/opus" else get_encoder(codec)

    receiver.get_decoder = decoder
    sender.get_encoder = encoder
    if _opus is None:
        log.warning("no libopus found: losses on WebRTC are not concealed")


def asking_for_redundancy(sdp: str) -> str:
    """Our answer with ``useinbandfec``: browsers send redundant Opus only to those who ask (RFC 7587, 6.1)."""
    return re.sub(r"(a=rtpmap:(\d+) opus/48000/2\r\n)(?!a=fmtp)", r"\1a=fmtp:\2 minptime=10;useinbandfec=1\r\n", sdp)


def receive_with_least_delay(peer: RTCPeerConnection) -> list[ReorderBuffer]:
    """Give a peer's audio receivers our buffer, once the remote description is set; returns them for statistics."""
    if _opus is None:
        return []
    buffers = []
    for transceiver in peer.getTransceivers():
        if transceiver.kind == "audio":
            buffers.append(ReorderBuffer())
            receiver: Any = transceiver.receiver
            receiver._RTCRtpReceiver__jitter_buffer = buffers[-1]
    return buffers
