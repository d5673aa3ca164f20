"""Sound: conversions are exact, chunk borders inaudible, malformed input named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.audio import files, g711, loudness, pcm
from parley.audio.formats import AudioFormat
from parley.audio.resample import LiveResampler, resample
from parley.errors import AudioError
from parley.models.fakes import tone

RATES = (8000, 16000, 22050, 24000, 44100, 48000)


@pytest.mark.parametrize("from_hz", RATES)
@pytest.mark.parametrize("to_hz", RATES)
def test_live_resampling_in_odd_chunks_equals_one_shot(from_hz: int, to_hz: int) -> None:
    samples = tone(0.5, from_hz, 440)
    whole, pieces = LiveResampler(from_hz, to_hz), LiveResampler(from_hz, to_hz)
    expected = np.concatenate([whole.push(samples), whole.flush()])
    parts = [pieces.push(samples[i : i + 331]) for i in range(0, len(samples), 331)]
    found = np.concatenate([*parts, pieces.flush()])
    assert np.array_equal(found, expected)
    assert abs(len(found) - len(samples) * to_hz / from_hz) <= 2


def test_live_resampling_matches_the_file_resampler() -> None:
    samples = tone(0.5, 22050, 440)
    live = LiveResampler(22050, 24000)
    found = pcm.to_float(np.concatenate([live.push(samples), live.flush()]))
    reference = resample(pcm.to_float(samples), 22050, 24000)
    middle = slice(1000, 10000)
    assert np.abs(found[middle] - reference[middle]).max() < 0.01


def test_the_live_delay_is_about_a_millisecond() -> None:
    live = LiveResampler(24000, 16000)
    assert 320 - len(live.push(tone(0.02, 24000))) <= 17


def test_streams_that_are_converted_live_have_no_threads_of_their_own() -> None:
    before = psutil.Process().num_threads()
    live = [LiveResampler(24000, 16000) for _ in range(20)]
    for resampler in live:
        resampler.push(np.zeros(480, np.int16))
    assert psutil.Process().num_threads() == before


@given(st.lists(st.integers(0, 3000), max_size=20))
@settings(max_examples=50)
def test_frames_are_exactly_20_ms_and_lose_nothing(lengths: list[int]) -> None:
    framer = pcm.Framer(22050)
    source = np.arange(sum(lengths), dtype=np.int64).astype(np.int16)
    frames, at = [], 0
    for length in lengths:
        frames += list(framer.push(source[at : at + length]))
        at += length
    assert all(len(f.samples) == 441 for f in frames)
    tail = framer.flush()
    joined = np.concatenate([f.samples for f in [*frames, *([tail] if tail else [])]] or [source[:0]])
    assert np.array_equal(joined[: len(source)], source)


@pytest.mark.parametrize(
    ("encode", "decode"), [(g711.mulaw_encode, g711.mulaw_decode), (g711.alaw_encode, g711.alaw_decode)]
)
def test_g711_keeps_speech_within_its_quantisation(encode: object, decode: object) -> None:
    samples = np.arange(-32768, 32768, 7, dtype=np.int32).astype(np.int16)
    back = decode(encode(samples))  # type: ignore[operator]
    error = np.abs(back.astype(int) - samples)
    assert (error <= np.maximum(np.abs(samples.astype(int)) / 16, 40)).all()
    again = encode(back)  # type: ignore[operator]
    assert np.array_equal(decode(again), back)  # type: ignore[operator]


def test_g711_reference_values() -> None:
    assert g711.mulaw_encode(np.array([0, 32767, -32768], np.int16)) == bytes([0xFF, 0x80, 0x00])
    assert g711.alaw_encode(np.array([0, 32767, -32768], np.int16)) == bytes([0xD5, 0xAA, 0x2A])


def test_a_voice_is_brought_to_minus_16_lufs_without_clipping() -> None:
    rng = np.random.default_rng(0)
    quiet = (rng.standard_normal(48000 * 2) * 0.02).astype(np.float32)
    gain = loudness.gain_towards(quiet, 48000)
    louder = loudness.limit(quiet, gain)
    assert loudness.integrated_lufs(louder, 48000) == pytest.approx(-16, abs=0.5)
    assert np.abs(loudness.limit(quiet, 1000.0)).max() <= 0.95
    assert loudness.gain_towards(np.zeros(48000, np.float32), 48000) == 1.0


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "opus", "aac"])
def test_files_come_back_as_they_were_written(tmp_path: Path, kind: str) -> None:
    samples = tone(1.0, 48000)
    files.write(tmp_path / f"sound.{kind}", samples, 48000)
    back, rate_hz = files.read(tmp_path / f"sound.{kind}")
    assert rate_hz == 48000
    assert abs(len(back) - len(samples)) < 4000
    assert pcm.rms_dbfs(back) == pytest.approx(pcm.rms_dbfs(samples), abs=1.0)
    if kind in ("wav", "flac"):
        assert np.array_equal(back, samples)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"\0" * 5000, "not readable"), (b"RIFF" + b"\0" * 8, "not readable")]
)
def test_broken_files_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"broken\.wav.*{words}"):
        files.read(path)


def test_missing_and_huge_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"nowhere\.wav"):
        files.read(tmp_path / "nowhere.wav")
    huge = tmp_path / "huge.wav"
    with huge.open("wb") as sink:
        sink.truncate(101 * 1024 * 1024)
    with pytest.raises(AudioError, match=r"huge\.wav.*MB"):
        files.read(huge)
    with pytest.raises(AudioError, match="cannot write"):
        files.write(tmp_path / "x.doc", tone(0.1, 8000), 8000)


def test_malformed_samples_are_named() -> None:
    with pytest.raises(AudioError, match="even number of bytes, got 3"):
        AudioFormat().decode(b"\0\0\0")
    with pytest.raises(AudioError, match="12345"):
        pcm.check_rate(12345)
    with pytest.raises(AudioError, match="NaN"):
        pcm.to_int16(np.array([np.nan], np.float32))
    assert len(AudioFormat().decode(b"")) == 0
