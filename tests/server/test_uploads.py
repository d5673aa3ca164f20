"""Uploads are decoded in a process of their own, which ends however its reader ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import numpy as np
import psutil
import pytest

from parley.audio import files
from parley.errors import AudioError
from parley.server import uploads
from parley.server.uploads import Uploads

Uploaded = Callable[[bytes], BinaryIO]


@pytest.fixture
def uploaded() -> Iterator[Uploaded]:
    """Makes files as Starlette hands them over."""
    with ExitStack() as kept:

        def upload(content: bytes) -> BinaryIO:
            sink = kept.enter_context(SpooledTemporaryFile(max_size=1024 * 1024))
            sink.write(content)
            return cast(BinaryIO, sink)

        yield upload


def wav(seconds: float, rate_hz: int = 16000) -> bytes:
    samples = (np.sin(np.arange(round(seconds * rate_hz)) * 0.1) * 8000).astype(np.int16)
    return b"".join(files.encode([samples], rate_hz, "wav"))


def children() -> list[psutil.Process]:
    return psutil.Process().children()


async def test_samples_come_at_the_models_rate(uploaded: Uploaded) -> None:
    async with aclosing(Uploads().samples(uploaded(wav(2.5, 48000)), "it.wav")) as blocks:
        sound = np.concatenate([block async for block in blocks])
    assert len(sound) == pytest.approx(2.5 * 16000, abs=10)
    assert np.abs(sound).max() > 0.1


async def test_a_broken_recording_is_named(uploaded: Uploaded) -> None:
    with pytest.raises(AudioError, match=r"it\.wav: not readable as audio"):
        await anext(Uploads().samples(uploaded(b"\0" * 1000), "it.wav"))


async def test_an_empty_one_is_named(uploaded: Uploaded) -> None:
    with pytest.raises(AudioError, match=r"it\.wav: .*not readable"):
        await anext(Uploads().samples(uploaded(b""), "it.wav"))


async def test_the_process_ends_when_its_reader_stops_early(uploaded: Uploaded) -> None:
    before = len(children())
    async with aclosing(Uploads().samples(uploaded(wav(60)), "it.wav")) as blocks:
        await anext(blocks)
        assert len(children()) == before + 1
    assert len(children()) == before


async def test_a_decoder_that_hangs_is_ended(uploaded: Uploaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_BLOCK_WITHIN_S", 0.0)
    with pytest.raises(AudioError, match="could be decoded for 0 s"):
        await anext(Uploads().samples(uploaded(wav(60)), "it.wav"))


@pytest.mark.parametrize(("code", "words"), [(-24, "more than 300 s"), (-11, "512 MB of memory"), (1, "is broken")])
def test_how_a_decoder_ended_is_said(code: int, words: str) -> None:
    with pytest.raises(AudioError, match=words):
        uploads._judge(code, "", "it.wav")


async def test_no_more_than_the_room_are_decoded_at_once(uploaded: Uploaded) -> None:
    room = Uploads(1)
    first, second = room.samples(uploaded(wav(60)), "one.wav"), room.samples(uploaded(wav(1)), "two.wav")
    async with aclosing(second):
        async with aclosing(first):
            await anext(first)
            waiting = asyncio.ensure_future(anext(second))
            await asyncio.sleep(0)
            assert not waiting.done()
        assert len(await waiting) == 16000
