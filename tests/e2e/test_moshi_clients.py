"""A client of Moshi's web protocol and a real server, whose model takes turns itself and is an exact fake.

The client's bytes are those that `python -m moshi.client` writes (with `sphn`, whose framing is written down here:
packets of 40 ms, a page each, two in a message); FFmpeg reads what comes back. The program itself talks in
tests/families/moshi.
"""

from __future__ import annotations

import asyncio
import io
import json
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from fractions import Fraction
from typing import Any

import av
import httpx
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from parley.audio.pcm import Int16, rms_dbfs
from tests.conftest import Clip, RunningServer, silence, start_server, stop_server
from tests.e2e.test_engines import plug_in
from tests.looking import unexpected

KEY = "sesame"
RATE = 24000
MESSAGE = 1920
PACKET = 960
HANDSHAKE, SOUND, TEXT, ERROR = b"\x00", b"\x01", b"\x02", b"\x05"
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Writer:
    """What `sphn.OpusStreamWriter(24000)` writes."""

    def __init__(self) -> None:
        self._encoder: Any = av.CodecContext.create("libopus", "w")
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = RATE, "mono", "s16"
        self._encoder.options = {"frame_duration": "40", "application": "voip"}
        self._pages = self._samples = 0

    def append(self, samples: Int16) -> bytes:
        """The pages of 80 ms; the first time with the two of the beginning before them."""
        pages = b""
        if not self._pages:
            pages += self._page(struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, 3840, 48000, 0, 0), flags=2)
            pages += self._page(b"OpusTags" + struct.pack("<I11sI", 11, b"KyutaiMoshi", 0))
        for start in range(0, len(samples), PACKET):
            frame = av.AudioFrame.from_ndarray(
                samples[start : start + PACKET].reshape(1, -1), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = RATE, self._samples, Fraction(1, RATE)
            self._samples += PACKET
            for packet in self._encoder.encode(frame):
                pages += self._page(bytes(packet))
        return pages

    def _page(self, packet: bytes, flags: int = 0) -> bytes:
        sizes = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
        page = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, 2 * self._samples, 42, self._pages, 0, len(sizes))
        page += sizes + packet
        self._pages += 1
        mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
        return page[:22] + int(f"{mirrored:032b}"[::-1], 2).to_bytes(4, "little") + page[26:]


class Client:
    """Listens from the moment that it is connected."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[bytes] = []
        self._news = asyncio.Event()
        self._writer = Writer()
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self.socket:
                assert isinstance(message, bytes), "Moshi's page fails at a text message"
                self.messages.append(message)
                self._news.set()
        self._news.set()

    async def speak(self, samples: Int16) -> None:
        """In real time, 80 ms a message."""
        for start in range(0, len(samples) - MESSAGE + 1, MESSAGE):
            await self.socket.send(SOUND + self._writer.append(samples[start : start + MESSAGE]))
            await asyncio.sleep(MESSAGE / RATE)

    async def until(self, seen: Callable[[Client], bool]) -> None:
        async with asyncio.timeout(30):
            while not seen(self):
                assert not self.listening.done(), (self.closed, self.text)
                self._news.clear()
                await self._news.wait()

    async def ended(self) -> tuple[int | None, str | None]:
        """How the server closed."""
        await asyncio.wait_for(self.listening, 30)
        return self.closed

    @property
    def closed(self) -> tuple[int | None, str | None]:
        return self.socket.close_code, self.socket.close_reason

    def of(self, kind: bytes) -> list[bytes]:
        return [message[1:] for message in self.messages if message[:1] == kind]

    @property
    def text(self) -> str:
        return b"".join(self.of(TEXT)).decode()

    @property
    def sound(self) -> Int16:
        """As FFmpeg reads it, at 48 kHz."""
        with av.open(io.BytesIO(b"".join(self.of(SOUND))), "r", format="ogg") as container:
            decoded = [frame.to_ndarray() for frame in container.decode(audio=0)]
        whole = np.concatenate([part.reshape(-1) for part in decoded])
        return (whole * 32767).astype(np.int16) if whole.dtype == np.float32 else whole.astype(np.int16)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose model takes turns itself; it wants a key."""
    folder = tmp_path_factory.mktemp("moshi")
    models = {"PARLEY_LLM": "native", "PARLEY_LLMS": json.dumps(["listener"])}
    process, running = start_server(folder / "serve.log", **{**plug_in(folder), **models, "PARLEY_API_KEY": KEY})
    yield running
    stop_server(process, running)
    assert not unexpected(running.log.read_text(errors="replace"))


@asynccontextmanager
async def talking(server: RunningServer, query: str = "", key: str = KEY) -> AsyncIterator[Client]:
    """As with ``--url``: the key is the password in the address."""
    address = server.websocket.replace("//", f"//anybody:{key}@" if key else "//", 1)
    async with connect(f"{address}/api/chat{query}", compression=None) as socket:
        client = Client(socket)
        yield client
        await socket.close()
        await client.listening


async def conversations(server: RunningServer, count: int) -> None:
    """Wait until so many go on."""
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as http, asyncio.timeout(20):
        wanted = f"\nparley_active_sessions {count}.0\n"
        while wanted not in (await http.get(f"{server.url}/metrics")).text:  # noqa: ASYNC110 - another process tells
            await asyncio.sleep(0.05)


async def ask(client: Client, question: Clip) -> None:
    """Say the question with an open microphone until it is answered."""
    microphone = asyncio.create_task(client.speak(np.concatenate([question.samples(RATE), silence(30, RATE)])))
    try:
        await client.until(lambda c: "yes" in c.text)
        heard = len(client.of(SOUND))
        await client.until(lambda c: len(c.of(SOUND)) > heard + 50)  # a second: the last word sounds
    finally:
        microphone.cancel()
        await asyncio.wait([microphone])


def audible_s(sound: Int16) -> float:
    return 0.02 * sum(rms_dbfs(sound[at : at + 960]) > -30 for at in range(0, len(sound), 960))


async def test_sound_goes_in_and_sound_and_words_come_out(native: RunningServer, question: Clip) -> None:
    async with talking(native) as client:
        await client.until(lambda c: bool(c.messages))
        assert client.messages[0] == HANDSHAKE
        await ask(client, question)
        assert client.text.startswith("right so yes")
        assert audible_s(client.sound) >= 0.8, "three words of 0.32 s"
        assert not client.of(ERROR)
    assert client.closed[0] == 1000
    await conversations(native, 0)


async def test_two_talk_at_once(native: RunningServer, question: Clip) -> None:
    async with talking(native) as one, talking(native) as other:
        await conversations(native, 2)
        await asyncio.gather(ask(one, question), ask(other, question))
        assert one.text.startswith("right so yes")
        assert other.text.startswith("right so yes")
    await conversations(native, 0)


async def test_a_model_that_is_asked_for_answers_speaks_to_such_a_client(native: RunningServer, question: Clip) -> None:
    async with talking(native, "?model=listener&text_prompt=Be+kind.") as client:
        microphone = asyncio.create_task(client.speak(np.concatenate([question.samples(RATE), silence(30, RATE)])))
        await client.until(lambda c: "words." in c.text)
        microphone.cancel()
        assert client.text == "I heard the sound of your words."
        assert audible_s(client.sound) > 0.8


async def test_garbage_ends_the_connection_and_is_named(native: RunningServer) -> None:
    async with talking(native) as client:
        await client.socket.send(SOUND + b"this is no page of Ogg")
        code, reason = await client.ended()
        assert code == 1007
        assert reason is not None
        assert reason.startswith("not a stream of Ogg pages")
        assert client.text == f" [{client.of(ERROR)[-1].decode()}]"
    await conversations(native, 0)


async def test_a_client_that_vanishes_in_mid_answer_leaves_nothing(native: RunningServer, question: Clip) -> None:
    async with talking(native) as client:
        microphone = asyncio.create_task(client.speak(np.concatenate([question.samples(RATE), silence(30, RATE)])))
        await client.until(lambda c: "right" in c.text)
        microphone.cancel()
        client.socket.transport.abort()
    await conversations(native, 0)
    async with talking(native) as client:
        await ask(client, question)


@pytest.mark.parametrize(
    ("query", "key", "why"),
    [
        ("", "", "an API key is needed"),
        ("", "wrong", "an API key is needed"),
        ("?model=moshiko", KEY, "no model is called 'moshiko' here; there are "),
    ],
)
async def test_who_is_not_let_in_reads_why(native: RunningServer, query: str, key: str, why: str) -> None:
    async with talking(native, query, key) as client:
        code, reason = await client.ended()
        assert code == 1008
        assert (reason or "").startswith(why)
        assert client.text.startswith(f" [{why}")
        assert HANDSHAKE not in client.messages
