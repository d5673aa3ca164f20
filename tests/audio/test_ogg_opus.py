"""Opus in Ogg, written and read as it is spoken; FFmpeg's own reader and writer are the judges."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.audio import ogg_opus
from parley.audio.ogg_opus import OpusStreamReader, OpusStreamWriter, PacketEncoder
from parley.audio.pcm import Float32, Int16, rms_dbfs
from parley.errors import AudioError
from parley.models.fakes import tone

RATE_HZ = 24000
FRAME = RATE_HZ // 50


def frames(samples: Int16) -> list[Int16]:
    return [samples[at : at + FRAME] for at in range(0, len(samples) - FRAME + 1, FRAME)]


def stream(samples: Int16) -> bytes:
    """All pages of a sound."""
    writer, encoder = OpusStreamWriter(), PacketEncoder(RATE_HZ)
    return writer.begin() + b"".join(writer.write(encoder.encode(frame)) for frame in frames(samples))


def read(parts: Sequence[bytes]) -> Int16:
    reader = OpusStreamReader()
    return np.concatenate([np.empty(0, np.int16), *(sound for part in parts for sound in reader.push(part))])


def by_ffmpeg(samples: Int16, rate_hz: int = 48000, layout: str = "mono", **options: str) -> bytes:
    """A file of it as FFmpeg writes it: many packets on a page, which may go on on the next."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        out = container.add_stream("libopus", rate=rate_hz, layout=layout)
        out.codec_context.options = options
        channels = 1 if layout == "mono" else 2
        frame = av.AudioFrame.from_ndarray(np.repeat(samples, channels).reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = rate_hz
        container.mux([*out.encode(frame), *out.encode(None)])
    return file.getvalue()


def page(
    body: bytes, *, flags: int = 0, serial: int = 7, version: int = 0, sizes: Sequence[int] | None = None
) -> bytes:
    """One page that holds a packet, or segments of those sizes."""
    sizes = bytes([255] * (len(body) // 255) + [len(body) % 255] if sizes is None else sizes)
    blank = struct.pack("<4sBBqIIIB", b"OggS", version, flags, 0, serial, 0, 0, len(sizes)) + sizes + body
    return blank[:22] + ogg_opus.checksum(blank).to_bytes(4, "little") + blank[26:]


def head(channels: int = 1, mapping: int = 0, version: int = 1) -> bytes:
    return struct.pack("<8sBBHIhB", b"OpusHead", version, channels, 0, 48000, 0, mapping)


def loud_hz(sound: Int16 | Float32, rate_hz: int) -> float:
    """The strongest tone of the second half."""
    half = sound[len(sound) // 2 :].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(half * np.hanning(len(half))))
    return float(np.argmax(spectrum) * rate_hz / len(half))


def test_ffmpeg_reads_what_is_written_and_knows_its_length() -> None:
    written = stream(tone(1.0, RATE_HZ, 440))
    with av.open(io.BytesIO(written), "r", format="ogg") as container:
        assert container.streams.audio[0].codec_context.name in ("opus", "libopus")
        decoded = [frame.to_ndarray().reshape(-1).astype(np.float32) for frame in container.decode(audio=0)]
        assert container.duration == 1_000_000
    assert loud_hz(np.concatenate(decoded), 48000) == pytest.approx(440, abs=3)


def test_each_frame_is_a_page_of_its_own_at_once() -> None:
    writer, encoder = OpusStreamWriter(), PacketEncoder(RATE_HZ)
    for frame in frames(tone(0.2, RATE_HZ)):
        made = writer.write(encoder.encode(frame))
        assert made.startswith(b"OggS")
        assert made.count(b"OggS") == 1


def test_a_packet_that_is_sent_again_is_as_long_as_the_first() -> None:
    packet = PacketEncoder(RATE_HZ).encode(np.zeros(FRAME, np.int16))
    often = [OpusStreamWriter() for _ in range(2)]
    once, whole = (read([w.begin(), *(w.write(packet) for _ in range(n))]) for w, n in zip(often, (1, 10), strict=True))
    assert len(whole) == len(once) + 9 * 960
    assert rms_dbfs(whole) < -80


@pytest.mark.parametrize("frame_duration", ["20", "40", "60"])
def test_what_ffmpeg_writes_is_read(frame_duration: str) -> None:
    sound = read([by_ffmpeg(tone(1.0, 48000, 330), frame_duration=frame_duration)])
    assert len(sound) == pytest.approx(48000, abs=3000)
    assert loud_hz(sound, 48000) == pytest.approx(330, abs=3)


def test_two_channels_become_one() -> None:
    sound = read([by_ffmpeg(tone(0.5, 48000, 330), layout="stereo")])
    assert loud_hz(sound, 48000) == pytest.approx(330, abs=4)
    assert len(sound) == pytest.approx(24000, abs=1500)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_it_does_not_matter_where_the_bytes_are_cut(sizes: list[int]) -> None:
    parts, at = [], 0
    for size in sizes:
        parts.append(WHOLE[at : at + size])
        at += size
    assert np.array_equal(read([*parts, WHOLE[at:]]), AT_ONCE)


WHOLE = by_ffmpeg(tone(0.4, 48000, 330))
AT_ONCE = read([WHOLE])


def test_a_packet_goes_on_on_the_next_page() -> None:
    writer, encoder = OpusStreamWriter(), PacketEncoder(RATE_HZ)
    begun, sound = writer.begin(), writer.write(encoder.encode(tone(0.02, RATE_HZ)))
    head_page = begun[: begun.index(b"OggS", 4)]
    serial = struct.unpack_from("<I", begun, 14)[0]
    tags = page(b"OpusTags".ljust(255, b"."), sizes=[255], serial=serial), page(b"....", flags=1, serial=serial)
    assert np.array_equal(read([head_page, *tags, sound]), read([begun, sound]))


def test_a_stream_that_begins_anew_is_read_on() -> None:
    reader = OpusStreamReader()
    one = [sound for _ in range(2) for sound in reader.push(stream(tone(0.2, RATE_HZ)))]
    assert len(np.concatenate(one)) == pytest.approx(2 * 0.2 * 48000, abs=1400)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"garbage" * 10, "not a stream of Ogg pages"),
        (b"Og!", "not a stream of Ogg pages"),
        (page(b"OpusTags"), "does not begin with a first page"),
        (page(b"\x01vorbis" + bytes(23), flags=2), "not Opus"),
        (page(b"OpusHead", flags=2), "not Opus"),
        (page(head(6, 1), flags=2), "6 channel"),
        (page(head(3), flags=2), "3 channel"),
        (page(head(version=16), flags=2), "version 16"),
        (page(head(), flags=2, version=1), "version 1 of Ogg"),
        (page(head(), flags=2) + page(b"sound"), "OpusTags"),
        (page(head(), flags=2) + page(b"OpusTags") + page(b"\xff" * 7), "a packet of the stream is not Opus"),
        (page(head(), flags=2) + page(b"OpusTags", serial=8), "another one is mixed into it"),
        (page(head(), flags=2)[:-1] + b"\x01", "damaged"),
    ],
)
def test_what_is_no_such_stream_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(AudioError, match=why):
        read([data])


def test_a_packet_without_end_is_refused() -> None:
    endless = page(bytes(255 * 255), flags=1, sizes=[255] * 255)
    with pytest.raises(AudioError, match="longer than 128 kB"):
        read([page(head(), flags=2), *[endless] * 4])


def test_an_empty_packet_is_silence_that_ends_nothing() -> None:
    writer, encoder = OpusStreamWriter(), PacketEncoder(RATE_HZ)
    begun, packets = writer.begin(), [encoder.encode(frame) for frame in frames(tone(0.1, RATE_HZ))]
    sound = read([begun, *(writer.write(packet) for packet in (packets[0], b"", *packets[1:]))])
    assert np.array_equal(sound, read([begun, *(writer.write(packet) for packet in packets)]))
