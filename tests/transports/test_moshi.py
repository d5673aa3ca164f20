"""Clients of Moshi's web protocol, without a network: the route with fake models, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Self
from urllib.parse import urlencode

import numpy as np
import pytest
from starlette.websockets import WebSocket

from parley.audio.ogg_opus import OpusStreamReader, OpusStreamWriter, PacketEncoder
from parley.audio.pcm import Int16, rms_dbfs
from parley.conversation.engines.duplex import Duplex
from parley.errors import Overloaded
from parley.models.fakes import FakeChat, FakeDuplexModel, tone
from parley.models.interfaces import UNTOLD, DuplexOpening, DuplexSlot
from parley.server.moshi_routes import chat
from parley.server.security import Gate
from parley.server.state import ServerState
from parley.transports.moshi import ERROR, HANDSHAKE, PING, SOUND, TEXT
from tests.server.fake_server import state_with
from tests.server.sockets import Socket
from tests.virtual_time import run_virtual

RATE_HZ = 24000
FRAME = 1920


class MoshiClient:
    """Use as ``async with``: it sends and takes what ``python -m moshi.client`` does."""

    def __init__(self, state: ServerState, *, key: str | None = None, **query: str) -> None:
        self.messages: list[bytes] = []
        self.arrived: list[float] = []
        """When, by the loop's clock, of each."""
        self.closed: tuple[int, str] | None = None
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._in.put_nowait({"type": "websocket.connect"})
        self._writer, self._encoder = OpusStreamWriter(), PacketEncoder(RATE_HZ)
        self._begun = False
        headers = [(b"host", b"localhost")] + ([(b"authorization", f"Bearer {key}".encode())] if key else [])
        self._scope: dict[str, Any] = {
            "type": "websocket", "query_string": urlencode(query).encode(), "headers": headers,
            "client": ("127.0.0.1", 1), "subprotocols": [], "path": "/api/chat",
            "app": SimpleNamespace(state=SimpleNamespace(parley=state)),
        }  # fmt: skip

    async def __aenter__(self) -> Self:
        self.serving = asyncio.create_task(chat(WebSocket(self._scope, self._in.get, self._take)))
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *fault: Any) -> None:
        await self.leave()

    async def leave(self, code: int = 1000) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": code})
        await asyncio.wait_for(self.serving, 10)

    async def _take(self, message: Any) -> None:
        await asyncio.sleep(0)
        if message["type"] == "websocket.send":
            self.messages.append(message["bytes"])
            self.arrived.append(asyncio.get_running_loop().time())
        elif message["type"] == "websocket.close":
            self.closed = message["code"], message["reason"]

    async def send(self, data: bytes) -> None:
        self._in.put_nowait({"type": "websocket.receive", "bytes": data})
        await asyncio.sleep(0.01)

    async def send_text(self, text: str) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": text})
        await asyncio.sleep(0.01)

    async def stream(self, samples: Int16) -> None:
        """Sound of a microphone, 80 ms a message."""
        for start in range(0, len(samples), FRAME):
            block = np.pad(samples[start : start + FRAME], (0, max(0, start + FRAME - len(samples))))
            pages = b"" if self._begun else self._writer.begin()
            self._begun = True
            for at in range(0, FRAME, 480):
                pages += self._writer.write(self._encoder.encode(block[at : at + 480]))
            self._in.put_nowait({"type": "websocket.receive", "bytes": SOUND + pages})
            await asyncio.sleep(0.08)

    async def speak(self, seconds: float) -> None:
        await self.stream(tone(seconds, RATE_HZ))

    async def silence(self, seconds: float) -> None:
        await self.stream(np.zeros(round(seconds * RATE_HZ), np.int16))

    def of(self, kind: bytes) -> list[bytes]:
        return [message[1:] for message in self.messages if message[:1] == kind]

    @property
    def text(self) -> str:
        return b"".join(self.of(TEXT)).decode()

    @property
    def errors(self) -> list[str]:
        return [message.decode() for message in self.of(ERROR)]

    @property
    def sound(self) -> Int16:
        """At 48 kHz."""
        reader = OpusStreamReader()
        return np.concatenate([part for pages in self.of(SOUND) for part in reader.push(pages)])


def with_duplex(model: FakeDuplexModel | None = None, **made_of: Any) -> ServerState:
    state = state_with(**made_of)
    models: Any = state.loaded_models
    models.for_sessions = replace(models.for_sessions, engine=Duplex(model or FakeDuplexModel()))
    return state


def talk(script: Callable[[MoshiClient], Awaitable[None]], state: ServerState | None = None, **query: str) -> None:
    """Run a script with one client; nothing is left of it."""

    async def run() -> None:
        served = state or with_duplex()
        async with MoshiClient(served, **query) as client:
            await script(client)
        assert not served.sessions
        assert not served.ticker._members

    run_virtual(run())


def audible_s(sound: Int16, rate_hz: int = 48000) -> float:
    """Seconds of 20 ms blocks that are to be heard."""
    size = rate_hz // 50
    return 0.02 * sum(rms_dbfs(sound[at : at + size]) > -40 for at in range(0, len(sound), size))


def test_a_handshake_comes_first_then_silence_without_a_pause() -> None:
    async def script(client: MoshiClient) -> None:
        await asyncio.sleep(2.0)
        assert client.messages[0] == HANDSHAKE
        assert [m[:1] for m in client.messages[1:]] == [SOUND] * (len(client.messages) - 1)
        assert len(client.sound) / 48000 == pytest.approx(2.1, abs=0.05)
        assert audible_s(client.sound) == 0
        gaps = np.diff(client.arrived[2:])
        assert gaps.max() <= 0.021

    talk(script)


def test_a_model_that_takes_turns_itself_is_heard_and_read() -> None:
    model = FakeDuplexModel()

    async def script(client: MoshiClient) -> None:
        await client.silence(0.5)
        await client.speak(1.0)
        await client.silence(3.0)
        assert client.text == "right so yes"
        assert audible_s(client.sound) == pytest.approx(0.96, abs=0.06), "three words of 0.32 s"
        assert model.open_slots == 1

    talk(script, with_duplex(model))
    assert not model.open_slots


def test_words_come_when_they_are_begun_to_be_said() -> None:
    async def script(client: MoshiClient) -> None:
        await client.speak(1.0)
        await client.silence(3.0)
        at = [client.arrived[n] for n, m in enumerate(client.messages) if m[:1] == TEXT]
        assert np.diff(at) == pytest.approx([0.32, 0.32], abs=0.041)

    talk(script)


def test_a_second_answer_stands_apart() -> None:
    async def script(client: MoshiClient) -> None:
        for _ in range(2):
            await client.speak(1.0)
            await client.silence(3.0)
        assert client.text == "right so yes right so yes"

    talk(script)


def test_a_model_that_is_asked_for_answers_works_too() -> None:
    async def script(client: MoshiClient) -> None:
        await client.silence(0.3)
        await client.speak(1.0)
        await client.silence(4.0)
        assert client.text == "It is noon, my dear friend."
        at = [client.arrived[n] for n, m in enumerate(client.messages) if m[:1] == TEXT]
        assert len(at) == 6
        assert np.diff(at) == pytest.approx([0.3] * 5, abs=0.05), "with each word's sound, 0.3 s"
        assert audible_s(client.sound) == pytest.approx(1.8, abs=0.1)

    talk(script, state_with(chat=FakeChat(["It is noon, my dear friend."])))


def test_who_is_interrupted_has_said_no_more() -> None:
    async def script(client: MoshiClient) -> None:
        await client.speak(1.0)
        await client.silence(1.6)
        assert client.text.startswith("one two")
        await client.speak(1.5)
        said = client.text
        await client.silence(0.6)
        assert client.text == said
        assert len(said.split()) < 10

    talk(script, state_with(chat=FakeChat(["one two three four five six seven eight nine ten eleven twelve."])))


def test_several_frames_at_once_make_up_for_a_loop_that_stood_still() -> None:
    async def script(client: MoshiClient) -> None:
        loop: Any = asyncio.get_running_loop()
        await asyncio.sleep(1.0)
        before = len(client.of(SOUND))
        loop._virtual_s += 0.3
        await asyncio.sleep(0.1)
        assert len(client.of(SOUND)) - before == pytest.approx(20, abs=1)
        loop._virtual_s += 30.0
        await asyncio.sleep(0.1)
        assert len(client.of(SOUND)) - before < 30, "what is long past is left out"

    talk(script)


def test_the_role_is_told_to_a_model_that_is_asked_for_answers() -> None:
    chat_model = FakeChat(["Aye."])

    async def script(client: MoshiClient) -> None:
        await client.speak(1.0)
        await client.silence(2.0)
        assert client.text == "Aye."
        assert not client.errors
        assert "You are a pirate." in str(chat_model.prompts[-1])

    talk(script, state_with(chat=chat_model), text_prompt="You are a pirate.")


def test_a_client_is_told_of_which_of_its_wishes_nothing_comes() -> None:
    async def script(client: MoshiClient) -> None:
        assert client.messages[0] == HANDSHAKE
        nothing = "nothing comes of voice_prompt, text_temperature: the server's configuration says that"
        assert client.errors == [nothing]
        await client.speak(1.0)
        await client.silence(3.0)
        assert client.text == "right so yes"

    talk(script, text_prompt="You are a pirate.", voice_prompt="nat.pt", text_temperature="0.7", audio_topk="")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x02hello", "a message of kind 02 came; only sound is taken, its kind is 01"),
        (b"\x03\x01", "a message of kind 03 came"),
        (b"", "a message of kind nothing came"),
    ],
)
def test_what_is_no_sound_is_refused_and_the_conversation_goes_on(data: bytes, why: str) -> None:
    async def script(client: MoshiClient) -> None:
        await client.send(data)
        await client.send(HANDSHAKE)
        await client.send(PING)
        await client.send_text("{}")
        assert [error.startswith(why) for error in client.errors] == [True, False]
        assert client.errors[1].startswith("a text message came; messages are binary here")
        await client.speak(1.0)
        await client.silence(3.0)
        assert client.text == "right so yes"

    talk(script)


def test_faulty_messages_without_end_end_the_connection() -> None:
    async def script(client: MoshiClient) -> None:
        for _ in range(201):
            await client.send(b"\x02")
        assert client.closed == (1008, "too many faulty messages")
        assert client.text == " [too many faulty messages]"

    talk(script)


@pytest.mark.parametrize(
    ("data", "code", "why"),
    [
        (b"not Opus at all", 1007, "not a stream of Ogg pages: one was to begin where b'not '"),
        (bytes(65537), 1008, "a message has more than 64 kB of sound"),
    ],
)
def test_sound_that_cannot_be_read_ends_the_connection(data: bytes, code: int, why: str) -> None:
    async def script(client: MoshiClient) -> None:
        await client.send(SOUND + data)
        await asyncio.wait_for(client.serving, 1.0)
        assert client.closed is not None
        assert client.closed[0] == code
        assert client.closed[1].startswith(why)
        assert client.errors[0].startswith(why)
        assert client.text == f" [{client.errors[0]}]"

    talk(script)


def test_sound_that_comes_much_faster_than_it_is_spoken_ends_the_connection() -> None:
    async def script(client: MoshiClient) -> None:
        writer, encoder = OpusStreamWriter(), PacketEncoder(RATE_HZ)
        quiet = encoder.encode(np.zeros(480, np.int16))
        await client.send(SOUND + writer.begin())
        for _ in range(5):
            await client.send(SOUND + b"".join(writer.write(quiet) for _ in range(500)))
        await asyncio.wait_for(client.serving, 1.0)
        assert client.closed is not None
        assert client.closed[0] == 1013

    talk(script, with_duplex(Slow()))


class Slow(FakeDuplexModel):
    """Never done with a frame."""

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        slot = await super().open_slot(opening)

        class Stuck:
            async def step(self, samples: Any) -> Any:
                await asyncio.Event().wait()

            async def whisper(self, text: str) -> None:
                await slot.whisper(text)

            async def aclose(self) -> None:
                await slot.aclose()

        return Stuck()


class Full(FakeDuplexModel):
    """Has no slot."""

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        raise Overloaded("all 2 conversations that it can carry are going on")


@pytest.mark.parametrize(
    ("model", "query", "code", "why"),
    [
        (Full, {}, 1013, "all 2 conversations that it can carry are going on"),
        (FakeDuplexModel, {"model": "moshiko"}, 1008, "no model is called 'moshiko' here; there are fake-chat"),
        (FakeDuplexModel, {"room": "rt_nothing"}, 1008, "the invitation is not good"),
    ],
)
def test_who_cannot_be_let_in_is_told_why(
    model: type[FakeDuplexModel], query: dict[str, str], code: int, why: str
) -> None:
    async def script() -> None:
        state = with_duplex(model())
        async with MoshiClient(state, **query) as client:
            await was_turned_away(client, code, why)
        assert not state.sessions

    run_virtual(script())


def test_where_all_places_are_taken_one_more_is_told_when_to_come_back() -> None:
    async def script() -> None:
        state = with_duplex(max_sessions=1)
        async with MoshiClient(state), MoshiClient(state) as client:
            await was_turned_away(client, 1013, "all 1 places of your address are taken; try again in 60 s")

    run_virtual(script())


async def was_turned_away(client: MoshiClient, code: int, why: str) -> None:
    await asyncio.wait_for(client.serving, 1.0)
    assert client.closed is not None
    assert client.closed[0] == code
    assert client.closed[1].startswith(why)
    assert HANDSHAKE not in client.messages
    assert client.errors[0].startswith(why)
    assert client.text == f" [{client.errors[0]}]"


@pytest.mark.parametrize("code", [1000, 1006])
def test_a_client_that_goes_or_vanishes_leaves_nothing_behind(code: int) -> None:
    model = FakeDuplexModel()

    async def script() -> None:
        state = with_duplex(model)
        client = await MoshiClient(state).__aenter__()
        await client.speak(1.0)
        await client.silence(0.6)
        await client.leave(code)
        assert not state.sessions
        assert not model.open_slots
        assert not state.ticker._members
        assert not state.conversations.answering

    run_virtual(script())


def test_two_talk_at_once_and_do_not_hear_each_other() -> None:
    model = FakeDuplexModel()

    async def script() -> None:
        state = with_duplex(model)
        async with MoshiClient(state) as one, MoshiClient(state) as other:
            await asyncio.gather(one.speak(1.0), other.silence(1.0))
            await asyncio.gather(one.silence(2.0), other.silence(2.0))
            assert model.open_slots == 2
            assert one.text == "right so yes"
            assert not other.text
            assert audible_s(other.sound) == 0
        assert not model.open_slots

    run_virtual(script())


def test_a_guest_hears_what_others_say_and_one_who_listens_is_told_so_once() -> None:
    async def script() -> None:
        state = state_with(chat=FakeChat(["Well."]))
        async with Socket(state, parley="1") as host:
            token = await host.invite("listener")
            async with MoshiClient(state, room=token) as guest, MoshiClient(state, room=await host.invite()) as other:
                await guest.speak(0.3)
                assert guest.errors == ["this connection only listens: its sound is not taken"]
                await other.speak(1.0)
                assert audible_s(guest.sound) == pytest.approx(1.0, abs=0.1)

    run_virtual(script())


def test_a_server_that_stops_says_so() -> None:
    async def script(client: MoshiClient) -> None:
        state: ServerState = client._scope["app"].state.parley
        await state.wind_up(1.0)
        assert client.closed == (1001, "the server stops")
        assert client.text == " [the server stops]"

    talk(script)


def test_who_begins_the_conversation_may_have_a_client_secret() -> None:
    async def script() -> None:
        state = state_with(gate=Gate("sesame", []), chat=FakeChat(["Aye."]))
        secret, _ = state.gate.new_secret(60)
        async with MoshiClient(state, key=secret) as client:
            await client.speak(1.0)
            await client.silence(2.0)
            assert client.text == "Aye."

    run_virtual(script())
