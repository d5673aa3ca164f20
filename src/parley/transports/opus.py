"""Opus over lossy networks: packets in order with the least delay, losses concealed, forward error correction.

aiortc's own buffer holds four packets back (80 ms), stalls for sixteen when one is missing, and its decoder leaves a
loss out, so that speech is cut; decoder and encoder work in threads of their own, whose hand-overs cost more than the
work. Here a packet goes on at once while the order is right; a gap is waited for as long as packets of this call were
late before, then libopus fills it, from the next packet's redundancy (RFC 6716, 2.1.7) or by extrapolation. All of it
happens where the packet arrives.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import structlog
from aiortc import RTCPeerConnection
from aiortc.rtp import RtpPacket

from parley.audio.pcm import Int16
from parley.errors import ModelError

log = structlog.get_logger("webrtc")

RATE_HZ = 48000
_BUFFER = "_RTCRtpReceiver__jitter_buffer"
HEARD_HZ = 16000
"""What arrives is decoded at the rate of the models: nothing is to be converted after that."""
_FRAME = RATE_HZ // 50
_SEQUENCE = 1 << 16
_FEWEST, _MOST = 1, 6  # packets that may overtake a missing one before it is given up
_CALM = 500  # packets without a late one after which less is waited
_CONCEALED = 5  # packets (100 ms) at most: beyond, extrapolated speech is noise
_LONGEST = 5760  # samples of an Opus packet
_LARGEST = 1276  # bytes of one
_VOIP, _BITRATE, _COMPLEXITY, _FEC, _EXPECTED_LOSS, _CHANNELS = 2048, 4002, 4010, 4012, 4014, 4022  # of opus_defines.h


class ReorderBuffer:
    """Puts packets into order; takes the place of aiortc's `JitterBuffer`, and keeps what it would pass on."""

    def __init__(self, deliver: Callable[[int, bytes], None]) -> None:
        self._deliver = deliver
        self._expected: int | None = None
        self._waiting: dict[int, RtpPacket] = {}
        self._calm = 0
        self.depth = _FEWEST
        self.lost = 0
        self.late = 0

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        """Take a packet; deliver what can be decoded now, each with the number of packets lost before it."""
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
        while (missing := self._missing()) is not None:
            self.lost += missing
            self._expected = (self._expected + missing) % _SEQUENCE
            found = self._waiting.pop(self._expected)
            self._expected = (self._expected + 1) % _SEQUENCE
            self._deliver(missing, bytes(getattr(found, "_data", b"")))
        return False, None

    def _missing(self) -> int | None:
        """How many packets before the next one are given up; None: wait."""
        assert self._expected is not None
        if self._expected in self._waiting:
            return 0
        if not self._waiting:
            return None
        gaps = [(number - self._expected) % _SEQUENCE for number in self._waiting]
        return min(gaps) if max(gaps) >= self.depth else None

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
    library.opus_encoder_create.restype = ctypes.c_void_p
    library.opus_encoder_create.argtypes = [ctypes.c_int32, ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
    library.opus_encode.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int32,
    ]  # fmt: skip
    library.opus_encoder_destroy.argtypes = [ctypes.c_void_p]
    library.opus_encoder_destroy.restype = None
    return library


_opus = _library()


is_here = _opus is not None
"""Whether there is a libopus to use; else aiortc's own parts do it, with their delay."""

# ctypes cannot call functions with a variable number of arguments there, and the encoder is set by one.
can_encode = is_here and not (platform.system() == "Darwin" and platform.machine() == "arm64")


class ConcealingDecoder:
    """Opus to mono at a rate that Opus knows, with something in the place of every packet that was lost."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        fault = ctypes.c_int()
        self._state = _opus.opus_decoder_create(rate_hz, 1, ctypes.byref(fault))
        if fault.value:
            raise ModelError(f"libopus gives no decoder (error {fault.value})")
        self._samples = rate_hz // 50
        self._out = np.empty(_LONGEST, np.int16)

    def __del__(self) -> None:
        """Free it."""
        if getattr(self, "_state", None):
            _opus.opus_decoder_destroy(self._state)

    def decode(self, lost: int, data: bytes) -> Int16:
        """The sound of a packet, behind what stands for the `lost` ones before it."""
        parts = self._conceal(min(lost, _CONCEALED), data) if lost else []
        got = self._run(data, _LONGEST, fec=False)
        if len(got):
            self._samples = len(got)
        return np.concatenate([*parts, got]) if parts else got

    def _conceal(self, lost: int, following: bytes) -> list[Int16]:
        filled = [self._run(None, self._samples, fec=False) for _ in range(lost - 1)]
        filled.append(self._run(following, self._samples, fec=True))  # the packet behind it may carry a copy
        return filled

    def _run(self, data: bytes | None, room: int, *, fec: bool) -> Int16:
        size = len(data) if data else 0
        count = _opus.opus_decode(self._state, data, size, self._out.ctypes.data, room, int(fec))
        return self._out[: max(0, count)].copy()  # what cannot be decoded is nothing: the next packet will do


class ResilientEncoder:
    """48 kHz to Opus with redundancy for lost packets, which every browser decodes."""

    def __init__(self, *, stereo: bool = False) -> None:
        """`stereo`: it takes frames of two channels too; mono ones cost a fifth more then."""
        fault = ctypes.c_int()
        self._state = _opus.opus_encoder_create(RATE_HZ, 1 + stereo, _VOIP, ctypes.byref(fault))
        if fault.value:
            raise ModelError(f"libopus gives no encoder (error {fault.value})")
        for setting, value in ((_BITRATE, 40_000), (_COMPLEXITY, 5), (_FEC, 1), (_EXPECTED_LOSS, 10)):
            self._set(setting, value)
        self._stereo, self._channels = stereo, 0
        self._out = ctypes.create_string_buffer(_LARGEST)

    def _set(self, setting: int, value: int) -> None:
        _opus.opus_encoder_ctl(ctypes.c_void_p(self._state), ctypes.c_int(setting), ctypes.c_int32(value))

    def __del__(self) -> None:
        """Free it."""
        if getattr(self, "_state", None):
            _opus.opus_encoder_destroy(self._state)

    def encode(self, samples: Int16) -> bytes:
        """One packet of 20 ms, shape (960,), or (960, 2) where it is stereo; they may follow each other."""
        if self._stereo and samples.ndim != self._channels:
            self._channels = samples.ndim
            self._set(_CHANNELS, self._channels)
        sound = np.ascontiguousarray(np.repeat(samples, 2) if self._stereo and samples.ndim == 1 else samples)
        count = _opus.opus_encode(self._state, sound.ctypes.data, _FRAME, self._out, _LARGEST)
        return self._out.raw[: max(0, count)]


def wants_stereo(offer: str) -> bool:
    """Whether who makes this offer plays Opus in stereo (RFC 7587, 6.1)."""
    return re.search(r"^a=fmtp:\d+ (?:[^\r\n]*;)? *stereo=1\b", offer, re.MULTILINE) is not None


def asking_for_redundancy(sdp: str) -> str:
    """Our answer with ``useinbandfec``: browsers send redundant Opus only to those who ask (RFC 7587, 6.1)."""
    return re.sub(r"(a=rtpmap:(\d+) opus/48000/2\r\n)(?!a=fmtp)", r"\1a=fmtp:\2 minptime=10;useinbandfec=1\r\n", sdp)


def receive_with_least_delay(
    peer: RTCPeerConnection, hear: Callable[[Int16], None], rate_hz: int = HEARD_HZ
) -> list[ReorderBuffer]:
    """Let a peer's audio arrive at `hear` (mono at a rate that Opus knows) as soon as it can be decoded.

    To be called once the remote description is set. Returns the buffers for statistics; none where there is no libopus,
    or an aiortc that keeps its buffer elsewhere (it is a private field of its receiver): the sound comes by the track
    then, later.
    """
    if not is_here:
        log.warning("no libopus found: losses on WebRTC are not concealed")
        return []
    receivers: list[Any] = [t.receiver for t in peer.getTransceivers() if t.kind == "audio"]
    if not all(hasattr(receiver, _BUFFER) for receiver in receivers):
        log.warning("another aiortc than this was written for: sound on WebRTC comes later, losses are not concealed")
        return []
    buffers = []
    for receiver in receivers:
        buffers.append(ReorderBuffer(_hearing(ConcealingDecoder(rate_hz), hear)))
        setattr(receiver, _BUFFER, buffers[-1])
    return buffers


def _hearing(decoder: ConcealingDecoder, hear: Callable[[Int16], None]) -> Callable[[int, bytes], None]:
    def deliver(lost: int, data: bytes) -> None:
        sound = decoder.decode(lost, data)
        if len(sound):
            hear(sound)

    return deliver
