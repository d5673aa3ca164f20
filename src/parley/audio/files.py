"""Whole recordings: reading those of `containers`, writing WAV, FLAC, MP3, Opus and raw PCM."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, Literal, TypeVar

import av
import numpy as np
from av.audio.frame import AudioFrame as AvFrame
from av.audio.stream import AudioStream

from parley.audio.decoding import converted, decoding
from parley.audio.pcm import Float32, Int16, check_rate, to_bytes
from parley.errors import AudioError

Container = Literal["wav", "flac", "mp3", "opus", "pcm", "aac"]
Samples = TypeVar("Samples", Int16, Float32)
MAX_BYTES = 100 * 1024 * 1024
MAX_SAMPLES = 4 * 3600 * 16_000
"""Samples that a whole recording may unpack to in memory: four hours for a recogniser, 80 minutes at 48 kHz."""

SUFFIXES = frozenset(
    ".wav .flac .mp3 .ogg .opus .m4a .mp4 .mov .3gp .webm .mka .aac .amr .aiff .aif .caf .au .w64".split()
)
"""What names of files with sound end in."""

MEDIA_TYPES: dict[str, str] = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "pcm": "audio/pcm",
}
_CODECS = {
    "wav": ("wav", "pcm_s16le"),
    "flac": ("flac", "flac"),
    "mp3": ("mp3", "libmp3lame"),
    "opus": ("ogg", "libopus"),
    "aac": ("adts", "aac"),
}


def read(source: Path | bytes, name: str | None = None) -> tuple[Int16, int]:
    """Read a whole recording as mono; returns (samples, rate in Hz).

    Raises `AudioError` that names the file and the fault: missing, empty, too large, not audio.
    """
    label = name or (str(source) if isinstance(source, Path) else "audio")
    with opened(source, label) as stream, decoding(stream, label) as recording:
        return _joined(recording.blocks(), label), recording.rate_hz


def read_float(source: Path | bytes, rate_hz: int, name: str | None = None, *, channel: int | None = None) -> Float32:
    """Read a whole recording as mono float32 at `rate_hz`, mixed or of one channel; raises as `read` does."""
    label = name or (str(source) if isinstance(source, Path) else "audio")
    with opened(source, label) as stream:
        return _joined(converted(stream, label, rate_hz, channel), label)


@contextmanager
def opened(source: Path | bytes, label: str) -> Iterator[BinaryIO]:
    """A recording to be decoded, as a context; raises `AudioError` if it is missing, empty or too large."""
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size == 0:
            raise AudioError(f"{label}: the file is empty")
        if size > MAX_BYTES:
            raise AudioError(f"{label}: {size >> 20} MB is more than the {MAX_BYTES >> 20} MB that are read at once")
        with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as stream:
            yield stream
    except OSError as fault:
        raise AudioError(f"{label}: {fault.strerror or fault}") from fault


def _joined(blocks: Iterator[Samples], label: str) -> Samples:
    parts: list[Samples] = []
    total = 0
    for block in blocks:
        parts.append(block)
        total += len(block)
        if total > MAX_SAMPLES:
            raise AudioError(f"{label}: more than the {MAX_SAMPLES // 10**6} million samples that are read at once")
    return np.concatenate(parts)


def kind_of(target: Path) -> str:
    """The container that a file's extension asks for; raises `AudioError` for one that cannot be written."""
    kind = target.suffix.lower().lstrip(".") or "wav"
    kind = "opus" if kind == "ogg" else kind
    if kind not in MEDIA_TYPES:
        raise AudioError(f"{target}: cannot write '.{kind}'; use one of {', '.join(MEDIA_TYPES)}")
    return kind


def write(target: Path, samples: Int16, rate_hz: int) -> None:
    """Write a recording; the container follows the file's extension (wav, flac, mp3, opus, pcm)."""
    kind = kind_of(target)
    if kind == "wav":  # its length is known, so its header can say it
        data = wav_header(len(samples), check_rate(rate_hz)) + to_bytes(samples)
    else:
        data = b"".join(encode([samples], rate_hz, kind))
    target.write_bytes(data)


def write_stereo(target: Path, samples: np.ndarray[Any, np.dtype[np.int16]], rate_hz: int) -> None:
    """Write samples of shape (frames, 2), left and right, as a 16-bit WAV."""
    data = np.ascontiguousarray(samples, dtype="<i2").tobytes()
    target.write_bytes(wav_header(len(samples), check_rate(rate_hz), channels=2) + data)


def wav_header(samples: int | None, rate_hz: int, *, channels: int = 1) -> bytes:
    """Header of a 16-bit WAV; `samples` (of each channel) None when the length is not known yet (a stream)."""
    frame = 2 * channels
    data_bytes = 0xFFFFFFFF - 36 if samples is None else samples * frame
    parts = [b"RIFF", (data_bytes + 36).to_bytes(4, "little"), b"WAVEfmt ", (16).to_bytes(4, "little")]
    parts += [(1).to_bytes(2, "little"), channels.to_bytes(2, "little"), rate_hz.to_bytes(4, "little")]
    parts += [(rate_hz * frame).to_bytes(4, "little"), frame.to_bytes(2, "little"), (16).to_bytes(2, "little")]
    return b"".join([*parts, b"data", data_bytes.to_bytes(4, "little")])


def encode(chunks: Iterable[Int16], rate_hz: int, kind: str) -> Iterator[bytes]:
    """Encode a stream of chunks; yields container bytes as they come (pcm and wav at once)."""
    encoder = StreamEncoder(rate_hz, kind)
    for chunk in chunks:
        yield encoder.push(chunk)
    yield encoder.finish()


class StreamEncoder:
    """Incremental encoder: `push` chunks, then `finish` once; each returns the bytes that are ready."""

    def __init__(self, rate_hz: int, kind: str) -> None:
        if kind not in MEDIA_TYPES:
            raise AudioError(f"format '{kind}' is not supported; use one of {', '.join(MEDIA_TYPES)}")
        self._kind = kind
        self._rate_hz = check_rate(rate_hz)
        self._sink = io.BytesIO()
        self._position = 0
        self._header_sent = False
        self._container: av.container.OutputContainer | None = None
        if kind not in ("pcm", "wav"):
            self._open(kind)

    def _open(self, kind: str) -> None:
        container_format, codec = _CODECS[kind]
        self._container = av.open(_Unseekable(self._sink), "w", format=container_format)
        rate = 48000 if kind == "opus" else self._rate_hz
        stream = self._container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        self._stream = stream
        self._resampler = av.AudioResampler(
            format=stream.codec_context.format.name,
            layout="mono",
            rate=rate,
            frame_size=stream.codec_context.frame_size or 0,
        )

    def push(self, samples: Int16) -> bytes:
        """Add samples."""
        if self._container is None:
            head = b"" if self._header_sent or self._kind == "pcm" else wav_header(None, self._rate_hz)
            self._header_sent = True
            return head + to_bytes(samples)
        if len(samples):
            frame = AvFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = self._rate_hz
            frame.pts = self._position
            self._position += len(samples)
            self._mux(self._resampler.resample(frame))
        return self._drain()

    def finish(self) -> bytes:
        """Flush the codec and close the container."""
        if self._container is None:
            return b""
        self._mux(self._resampler.resample(None))
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()
        return self._drain()

    def _mux(self, frames: list[AvFrame]) -> None:
        assert self._container is not None
        for frame in frames:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)

    def _drain(self) -> bytes:
        data = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return data


class _Unseekable:
    """A sink that FFmpeg must write front to back, so that bytes can leave at once."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        return self._sink.write(data)
