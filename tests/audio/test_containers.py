"""Which recordings are read: those on the list, by their first bytes, and nothing that they refer to."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from parley.audio import files
from parley.audio.containers import container_of
from parley.audio.decoding import converted
from parley.errors import AudioError

SOUND = (np.sin(np.arange(16000) * 0.1) * 8000).astype(np.int16)


def recording(container: str, codec: str, rate_hz: int = 16000, layout: str = "mono") -> bytes:
    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(stream, AudioStream)
        samples = np.tile(SOUND, stream.layout.nb_channels).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(
            format=stream.format.name, layout=layout, rate=rate_hz, frame_size=stream.frame_size
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "rate_hz"),
    [
        ("wav", "pcm_s16le", 16000),
        ("wav", "adpcm_ima_wav", 16000),
        ("w64", "pcm_s16le", 16000),
        ("flac", "flac", 16000),
        ("mp3", "libmp3lame", 16000),
        ("ogg", "libopus", 48000),
        ("ipod", "aac", 16000),
        ("mov", "alac", 16000),
        ("webm", "libopus", 48000),
        ("matroska", "pcm_s16le", 16000),
        ("adts", "aac", 16000),
        ("aiff", "pcm_s16be", 16000),
        ("caf", "pcm_s16le", 16000),
        ("au", "pcm_mulaw", 8000),
    ],
)
def test_containers_of_the_list_are_read(container: str, codec: str, rate_hz: int) -> None:
    samples = np.concatenate(list(converted(io.BytesIO(recording(container, codec, rate_hz)), "it", 16000)))
    assert len(samples) == pytest.approx(16000 * 16000 / rate_hz, rel=0.2)
    assert np.abs(samples).max() > 0.1


@pytest.mark.parametrize("before", [b"fLaC", b"\xff\xfb", b"\xff\xf1"])
def test_a_tag_in_front_of_a_recording_is_skipped(before: bytes) -> None:
    tag = b"ID3\x04\x00\x00\x00\x00\x02\x01" + bytes(257)
    expected = {b"fLaC": "flac", b"\xff\xfb": "mp3", b"\xff\xf1": "aac"}[before]
    assert container_of(io.BytesIO(tag + before + bytes(100)), "it") == expected


LISTS = {
    "ffconcat": "ffconcat version 1.0\nfile {path}\n",
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{path}\n#EXT-X-ENDLIST\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 16384 RTP/AVP 0\n",
    "DASH": '<?xml version="1.0"?><MPD><Period><AdaptationSet><BaseURL>{path}</BaseURL></AdaptationSet></Period></MPD>',
    "IMF": '<?xml version="1.0"?><CompositionPlaylist>{path}</CompositionPlaylist>',
    "FFmetadata": ";FFMETADATA1\ntitle={path}\n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_lists_of_other_files_are_not_read(kind: str, tmp_path: Path) -> None:
    other = tmp_path / "secret.wav"
    files.write(other, SOUND, 16000)
    with pytest.raises(AudioError, match="it: not readable as audio: it does not begin as"):
        files.read(LISTS[kind].format(path=other).encode(), "it")


def test_unlikely_rates_and_channels_are_named() -> None:
    crafted = files.wav_header(1000, 1) + bytes(2000)
    with pytest.raises(AudioError, match="rate of 1 Hz is not between 4000 and 192000 Hz"):
        files.read(crafted, "it")
    many = bytearray(files.wav_header(1000, 16000) + bytes(2000))
    many[22:24] = (60).to_bytes(2, "little")
    many[32:34] = (120).to_bytes(2, "little")
    with pytest.raises(AudioError, match="60 channels are more than the 8 that are read"):
        files.read(bytes(many), "it")


def test_codecs_that_are_not_on_the_list_are_named() -> None:
    with pytest.raises(AudioError, match=r"coded as \w+, which is not read"):
        files.read(recording("matroska", "wavpack"), "it")


def test_a_recording_is_decoded_block_by_block() -> None:
    """So that memory does not follow what a small file unpacks to."""
    blocks = [len(block) for block in converted(io.BytesIO(recording("flac", "flac")), "it", 16000)]
    assert max(blocks) < 5000


def test_more_samples_than_are_read_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_SAMPLES", 10_000)
    with pytest.raises(AudioError, match="million samples"):
        files.read(recording("flac", "flac"), "it")
