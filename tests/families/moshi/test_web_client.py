"""The package's own client, unchanged, talks to a server: `moshi.client` with a microphone that is a recording."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Callable
from io import StringIO
from types import SimpleNamespace
from typing import Any, Self

import aiohttp
import numpy as np
import pytest
import sphn
from moshi.client_utils import RawPrinter

from parley.audio.ogg_opus import OpusStreamReader, OpusStreamWriter, PacketEncoder
from parley.audio.pcm import Float32, rms_dbfs, to_float
from parley.models.fakes import tone
from tests.conftest import Clip, RunningServer

RATE = 24000


class Device:
    """A microphone or a loudspeaker of `sounddevice`, by a thread's clock; machines of tests have neither."""

    def __init__(self, *, blocksize: int, callback: Callable[..., None], **_: Any) -> None:
        self._size = blocksize
        self._callback = callback
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.wait(self._size / RATE):
            self._block()

    def _block(self) -> None:
        raise NotImplementedError


class Microphone(Device):
    """Says the question again and again."""

    question: Float32
    at = 0

    def _block(self) -> None:
        block = np.take(self.question, range(self.at, self.at + self._size), mode="wrap")
        self.at += self._size
        self._callback(block.reshape(-1, 1), self._size, None, None)


class Loudspeaker(Device):
    """Keeps what is played."""

    played: list[Float32]

    def _block(self) -> None:
        block = np.zeros((self._size, 1), np.float32)
        self._callback(block, self._size, None, None)
        self.played.append(block[:, 0].copy())


@pytest.mark.timeout(300)
async def test_the_client_of_the_package_speaks_hears_and_reads(
    served: RunningServer, question: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    Microphone.question, Loudspeaker.played = to_float(question.samples(RATE)), []
    devices = SimpleNamespace(InputStream=Microphone, OutputStream=Loudspeaker)
    monkeypatch.setitem(sys.modules, "sounddevice", devices)  # the real one does not load without PortAudio
    from moshi.client import Connection

    words, complaints = StringIO(), StringIO()
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{served.websocket}/api/chat") as socket:
        connection = Connection(RawPrinter(words, complaints), socket, asyncio.get_running_loop())
        running = asyncio.create_task(connection.run())
        async with asyncio.timeout(200):
            while not (heard_frames() >= 5 and words.getvalue().strip()):  # noqa: ASYNC110 - threads work on it
                await asyncio.sleep(0.1)
        running.cancel()
        await asyncio.wait([running])
    assert "error" not in complaints.getvalue().lower()
    unknown = re.findall(r"unknown message kind (\d+)", complaints.getvalue())
    assert unknown == ["0"], "it warns of its own server's handshake, too"


def heard_frames() -> int:
    return sum(rms_dbfs(block) > -50 for block in Loudspeaker.played)


def test_its_codec_reads_what_we_write_and_we_read_what_it_writes() -> None:
    sound = tone(1.0, RATE, hz=330)
    writer, encoder, reader = OpusStreamWriter(), PacketEncoder(RATE), sphn.OpusStreamReader(RATE)
    parts = [reader.append_bytes(writer.begin())]
    parts += [reader.append_bytes(writer.write(encoder.encode(part))) for part in sound.reshape(-1, 480)]
    heard = np.concatenate(parts)
    assert len(heard) == len(sound)
    assert strongest_hz(heard, RATE) == pytest.approx(330, abs=3)

    theirs, ours = sphn.OpusStreamWriter(RATE), OpusStreamReader()
    blocks = [
        block for part in to_float(sound)[:23040].reshape(-1, 1920) for block in ours.push(theirs.append_pcm(part))
    ]
    heard = np.concatenate(blocks)
    assert len(heard) == 2 * 23040 - 3840, "without what its header says is to be skipped"
    assert strongest_hz(to_float(heard), 48000) == pytest.approx(330, abs=3)


def strongest_hz(sound: Float32, rate_hz: int) -> float:
    half = sound[len(sound) // 2 :]
    return float(np.argmax(np.abs(np.fft.rfft(half * np.hanning(len(half))))) * rate_hz / len(half))
