"""Which recordings are opened at all: containers by their first bytes, codecs by name, no other file or address.

FFmpeg knows hundreds of formats. Some are lists of other files (`ffconcat`), some make it listen on the network (SDP),
most are decoders that nobody has looked at for years. So the format is told by us and never guessed by FFmpeg, each
codec must be on a list, and a container that asks for a second file gets none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, NoReturn

import av
from av.audio.stream import AudioStream

from parley.errors import AudioError

CONTAINERS = "WAV, FLAC, MP3, Ogg, MP4/M4A/MOV, WebM/Matroska, AAC, AMR, AIFF, CAF or AU"
LOWEST_HZ, HIGHEST_HZ = 4_000, 192_000
_MOST_CHANNELS = 8
_HEAD_BYTES = 4096
_TAG_HEAD_BYTES = 10

_STARTS: tuple[tuple[int, bytes, str], ...] = (
    (8, b"WAVE", "wav"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"#!AMR", "amr"),
    (8, b"AIF", "aiff"),
    (0, b"caff", "caf"),
    (0, b".snd", "au"),
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (4, b"free", "mov"),
)
"""Where a container's mark stands, the mark, FFmpeg's name of the container."""

_FORMATS = "wav,w64,flac,ogg,matroska,webm,amr,aiff,caf,au,mov,mp4,m4a,3gp,3g2,mj2,mp3,aac"
_CODECS = frozenset(
    "flac alac mp2 mp2float mp3 mp3float aac aac_fixed aac_latm opus libopus vorbis libvorbis speex libspeex ac3 "
    "ac3_fixed eac3 amrnb amrwb libopencore_amrnb libopencore_amrwb adpcm_ms adpcm_ima_wav adpcm_ima_qt gsm gsm_ms "
    "pcm_u8 pcm_s8 pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_f64le "
    "pcm_f64be pcm_alaw pcm_mulaw".split()
)


def container_of(source: BinaryIO, label: str) -> str:
    """FFmpeg's name for what `source` (seekable) is, by its first bytes; raises `AudioError` for what is not read."""
    head = _after_tags(source)
    for offset, mark, name in _STARTS:
        if head[offset : offset + len(mark)] == mark:
            return name
    sync = head.lstrip(b"\0")[:2]
    if len(sync) == 2 and sync[0] == 0xFF and sync[1] & 0xE0 == 0xE0:
        return "aac" if sync[1] & 0x06 == 0 else "mp3"
    raise AudioError(f"{label}: not readable as audio: it does not begin as {CONTAINERS} does")


def _after_tags(source: BinaryIO) -> bytes:
    """The first bytes behind an ID3 tag, which MP3, AAC and FLAC may begin with; leaves `source` at its start."""
    source.seek(0)
    head = source.read(_HEAD_BYTES)
    if head[:3] == b"ID3" and len(head) >= _TAG_HEAD_BYTES:
        size = 0
        for seven_bits in head[6:_TAG_HEAD_BYTES]:
            size = size << 7 | seven_bits & 0x7F
        source.seek(_TAG_HEAD_BYTES + size)
        head = source.read(_HEAD_BYTES)
    source.seek(0)
    return head


def opened(source: BinaryIO, label: str) -> tuple[av.container.InputContainer, AudioStream]:
    """The container and its first sound, checked before a sample is decoded. Close the container afterwards.

    Raises `AudioError` for what is not read, and FFmpeg's own errors for what is broken.
    """
    options = {"format_whitelist": _FORMATS, "codec_whitelist": ",".join(sorted(_CODECS)), "protocol_whitelist": ""}
    container = av.open(
        source, "r", format=container_of(source, label), container_options=options, io_open=_no_other(label)
    )
    try:
        return container, _checked(container, label)
    except BaseException:
        container.close()
        raise


def _no_other(label: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> NoReturn:
        raise AudioError(f"{label}: refers to another file, which is not read")

    return refuse


def _checked(container: av.container.InputContainer, label: str) -> AudioStream:
    if not container.streams.audio:
        raise AudioError(f"{label}: has no audio stream")
    stream = container.streams.audio[0]
    context = stream.codec_context
    codec = context.codec.name if context is not None else "an unknown codec"
    if codec not in _CODECS:
        raise AudioError(f"{label}: its sound is coded as {codec}, which is not read")
    if not LOWEST_HZ <= context.sample_rate <= HIGHEST_HZ:
        raise AudioError(
            f"{label}: its rate of {context.sample_rate} Hz is not between {LOWEST_HZ} and {HIGHEST_HZ} Hz"
        )
    if not 1 <= context.layout.nb_channels <= _MOST_CHANNELS:
        raise AudioError(
            f"{label}: {context.layout.nb_channels} channels are more than the {_MOST_CHANNELS} that are read"
        )
    return stream
