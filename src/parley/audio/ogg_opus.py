"""Opus in Ogg as a live stream: each page as soon as it is there, nothing before it has to be kept (RFC 3533, 7845).

FFmpeg reads and writes whole files; it looks ahead in what it reads, and would wait for what is not spoken yet. So the
pages are ours, and FFmpeg has the packets alone, one by one. The first page carries ``OpusHead``, the second
``OpusTags``, all others sound.
"""

from __future__ import annotations

import secrets
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from av.error import FFmpegError

from parley.audio.pcm import FRAME_MS, Int16, frame_samples
from parley.errors import AudioError

RATE_HZ: Final = 48000
"""Of what a reader gives; Opus knows all its rates as shares of this one."""
_MARK = b"OggS"
_HEADER = struct.Struct("<4sBBqIIIB")
"""Mark, version, flags, position in samples of 48 kHz, number of the stream, of the page, checksum, segments."""
_CHECKSUM = slice(22, 26)
_CONTINUED, _FIRST = 1, 2  # flags
_SEGMENT = 255  # bytes; a shorter one ends a packet
_LONGEST_PACKET = 128 * 1024
_HEAD = struct.Struct("<8sBBHIhB")
_MOST_CHANNELS = 2  # of the mapping family 0, which is what a voice needs
_BIT_RATE = 32_000
_EFFORT = "5"  # of 10: more costs more than it is worth for a voice
_VENDOR = b"parley"
_LOOK_AHEAD = 312  # samples at 48 kHz by which libopus is late, and which a reader leaves out


def _bits_reversed(number: int, width: int) -> int:
    return int(f"{number:0{width}b}"[::-1], 2)


_BITS_REVERSED = bytes(_bits_reversed(byte, 8) for byte in range(256))


def checksum(page: bytes) -> int:
    """Ogg's CRC of a page whose own field is zero: zlib's polynomial from the other end, without its complements."""
    mirrored = zlib.crc32(page.translate(_BITS_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return _bits_reversed(mirrored, 32)


class PacketEncoder:
    """Mono samples at one rate that Opus knows (24000 Hz is one) to packets of 20 ms, by PyAV.

    PyAV keeps as many idle threads for each as there are processors; where there is another encoder, take that.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = 0
        self._encoder: Any = av.CodecContext.create("libopus", "w")
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = rate_hz, "mono", "s16"
        self._encoder.bit_rate = _BIT_RATE
        self._encoder.options = {
            "application": "voip", "frame_duration": str(FRAME_MS), "compression_level": _EFFORT,
        }  # fmt: skip

    def encode(self, samples: Int16) -> bytes:
        """The packet of the next 20 ms."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate_hz, self._samples, Fraction(1, self._rate_hz)
        self._samples += len(samples)
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))


class OpusStreamWriter:
    """Packets of 20 ms of one voice to pages, one for each."""

    def __init__(self) -> None:
        self._serial = secrets.randbits(32)
        self._pages = 0
        self._position = 0

    def begin(self) -> bytes:
        """The two pages that come before all sound."""
        head = _HEAD.pack(b"OpusHead", 1, 1, _LOOK_AHEAD, RATE_HZ, 0, 0)
        vendor = struct.pack("<I", len(_VENDOR)) + _VENDOR + struct.pack("<I", 0)
        return self._page(head, _FIRST) + self._page(b"OpusTags" + vendor)

    def write(self, packet: bytes) -> bytes:
        """The page of one packet of 20 ms. A packet may be written again: silence need not be encoded anew."""
        self._position += frame_samples(RATE_HZ)
        return self._page(packet)

    def _page(self, packet: bytes, flags: int = 0) -> bytes:
        sizes = bytes([_SEGMENT] * (len(packet) // _SEGMENT) + [len(packet) % _SEGMENT])
        header = _HEADER.pack(_MARK, 0, flags, self._position, self._serial, self._pages, 0, len(sizes))
        page = bytearray(header + sizes + packet)
        page[_CHECKSUM] = checksum(bytes(page)).to_bytes(4, "little")
        self._pages += 1
        return bytes(page)


class OpusStreamReader:
    """Bytes of a stream as they come, cut anywhere, to mono samples at 48 kHz."""

    def __init__(self) -> None:
        self._unread = bytearray()  # its front is deleted without moving the rest
        self._packet = b""
        self._serial: int | None = None
        self._decoder: Any = None
        self._packets = 0

    def push(self, data: bytes) -> Iterator[Int16]:
        """The sound of each packet that is complete now, decoded as it is asked for.

        Raises `AudioError` for what is no such stream; there is no going on after that.
        """
        self._unread += data
        while (page := self._page()) is not None:
            for packet in self._packets_of(page):
                sound = self._sound_of(packet)
                if len(sound):
                    yield sound

    def _page(self) -> bytes | None:
        """The next whole page."""
        if not self._unread.startswith(_MARK[: len(self._unread)]):
            raise AudioError(f"not a stream of Ogg pages: one was to begin where {bytes(self._unread[:4])!r} is")
        if len(self._unread) < _HEADER.size:
            return None
        sizes_end = _HEADER.size + self._unread[_HEADER.size - 1]
        end = sizes_end + sum(self._unread[_HEADER.size : sizes_end])
        if len(self._unread) < max(sizes_end, end):
            return None
        page = bytes(self._unread[:end])
        del self._unread[:end]
        blank = page[: _CHECKSUM.start] + bytes(4) + page[_CHECKSUM.stop :]
        if page[_CHECKSUM] != checksum(blank).to_bytes(4, "little"):
            raise AudioError("a page of the Ogg stream is damaged: its checksum is another one")
        return page

    def _packets_of(self, page: bytes) -> Iterator[bytes]:
        """The packets that end on a page; what is left begins one that goes on."""
        _, version, flags, _, serial, _, _, count = _HEADER.unpack_from(page)
        if version:
            raise AudioError(f"version {version} of Ogg is not known")
        if flags & _FIRST:
            self._serial, self._packets, self._packet = serial, 0, b""
        if serial != self._serial:
            raise AudioError("the Ogg stream does not begin with a first page, or another one is mixed into it")
        if not flags & _CONTINUED:
            self._packet = b""
        at = _HEADER.size + count
        for size in page[_HEADER.size : at]:
            self._packet += page[at : at + size]
            at += size
            if len(self._packet) > _LONGEST_PACKET:
                raise AudioError(f"a packet of the Ogg stream is longer than {_LONGEST_PACKET // 1024} kB")
            if size < _SEGMENT:
                packet, self._packet = self._packet, b""
                yield packet

    def _sound_of(self, packet: bytes) -> Int16:
        self._packets += 1
        if self._packets == 1:
            self._decoder = _decoder_of(packet)
        elif self._packets == 2:
            if not packet.startswith(b"OpusTags"):
                raise AudioError("the second packet of an Opus stream is 'OpusTags', and there is another one")
        elif packet:  # an empty one stands for silence, and would tell FFmpeg that the stream is over
            return _decoded(self._decoder, packet)
        return np.empty(0, np.int16)


def _decoder_of(head: bytes) -> Any:
    """A decoder for the stream that begins with a packet; raises `AudioError` where that is not Opus of one voice."""
    if len(head) < _HEAD.size or not head.startswith(b"OpusHead"):
        raise AudioError("the Ogg stream is not Opus: it does not begin with 'OpusHead'")
    _, version, channels, *_, mapping = _HEAD.unpack_from(head)
    if version > 15 or mapping or not 1 <= channels <= _MOST_CHANNELS:
        raise AudioError(
            f"Opus of version {version} with {channels} channel(s), mapping {mapping}, is not read; send mono"
        )
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = RATE_HZ, "mono" if channels == 1 else "stereo"
    decoder.extradata = head
    decoder.thread_count = 1
    return decoder


def _decoded(decoder: Any, packet: bytes) -> Int16:
    try:
        frames = decoder.decode(av.Packet(packet))
    except FFmpegError as fault:
        raise AudioError(f"a packet of the stream is not Opus ({fault.strerror})") from fault
    parts = [_mono(frame) for frame in frames]
    return np.concatenate(parts) if parts else np.empty(0, np.int16)


def _mono(frame: av.AudioFrame) -> Int16:
    packed = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
    return packed.mean(axis=1).astype(np.int16) if packed.shape[1] > 1 else packed[:, 0].astype(np.int16)
