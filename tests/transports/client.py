"""A client of the protocol without any network: an adapter with fake models on a virtual clock."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from parley.audio.pcm import Int16, to_bytes
from parley.conversation.circle import Place
from parley.conversation.connection import Connection
from parley.conversation.conversation import Conversation
from parley.conversation.engines.cascade import Cascade
from parley.conversation.settings import SessionModels, SessionSettings
from parley.models.fakes import FakeChat, FakeEndOfTurn, FakeRecognizer, FakeSynthesizer, FakeVad, tone
from parley.realtime.session_object import RealtimeSession
from parley.transports.event_sound import EventSound
from parley.transports.mapping import AvailableModels, Hearing, Voices, settings_of
from parley.transports.pacing import Ticker
from parley.transports.realtime_adapter import RealtimeAdapter
from parley.transports.room_desk import RoomServices
from tests.virtual_time import run_virtual

RATE_HZ = 24000
Event = dict[str, Any]
AVAILABLE = AvailableModels(
    Voices("fake-voice", frozenset({"fake-voice"}), {"alloy": "fake-voice", "sage": "fake-voice"}),
    frozenset({"fake-chat"}),
    {"fake-ears": Hearing(("en", "te"), ("prompt", "languages"))},
)


STOCK = RealtimeSession("sess_1", "fake-chat", "alloy", "Be kind.")


@dataclass
class Client:
    """Use as ``async with``; events are sent as JSON values, `events` has all that came back."""

    chat: FakeChat = field(default_factory=FakeChat)
    recognizer: FakeRecognizer = field(default_factory=FakeRecognizer)
    voice: FakeSynthesizer = field(default_factory=FakeSynthesizer)
    shown: RealtimeSession = STOCK
    available: AvailableModels = AVAILABLE
    settings: SessionSettings = field(default_factory=SessionSettings)
    events: list[Event] = field(default_factory=list)
    place: Place = field(default_factory=Place)
    services: RoomServices | None = None
    ticker: Ticker = field(default_factory=Ticker)
    host: Client | None = None
    """Whose conversation it joins; None: one of its own."""

    async def __aenter__(self) -> Self:
        models = SessionModels(
            vad=FakeVad(), recognizer=self.recognizer, engine=Cascade(self.chat), end_of_turn=FakeEndOfTurn(),
            voices={"fake-voice": self.voice},
        )  # fmt: skip
        settings = settings_of(self.shown, self.settings, self.available)
        self.session: Conversation = Conversation(models, settings) if self.host is None else self.host.session
        self.connection = Connection(
            self.session, settings, lambda notification: self.adapter.tell(notification), self.place
        )
        self.adapter: RealtimeAdapter = RealtimeAdapter(
            self.connection, self.shown, self.available, self.events.append,
            lambda adapter: EventSound(
                adapter.send, lambda _: None, lambda: adapter.extended, lambda: adapter.shown.output_format, self.ticker
            ),
            services=self.services,
        )  # fmt: skip
        self.adapter.start()
        await self.connection.__aenter__()
        self._clock = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *fault: Any) -> None:
        self._clock.cancel()
        await self.connection.__aexit__(*fault)
        if self.host is None:
            await self.session.aclose()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            self.adapter.pacer.tick(asyncio.get_running_loop().time())

    def send(self, kind: str, **fields: Any) -> None:
        """One client event."""
        self.adapter.receive({"type": kind, **fields})

    def say(self, text: str, **fields: Any) -> None:
        """Type a message."""
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content, **fields})

    async def speak(self, seconds: float) -> None:
        """A voice, in real time."""
        await self.stream(tone(seconds, RATE_HZ))

    async def silence(self, seconds: float) -> None:
        """None."""
        await self.stream(np.zeros(round(seconds * RATE_HZ), np.int16))

    async def stream(self, samples: Int16) -> None:
        """Sound of the microphone, 20 ms a message."""
        for start in range(0, len(samples), RATE_HZ // 50):
            data = to_bytes(samples[start : start + RATE_HZ // 50])
            self.send("input_audio_buffer.append", audio=base64.b64encode(data).decode())
            await asyncio.sleep(0.02)

    def of(self, kind: str) -> list[Event]:
        """The events of a type."""
        return [event for event in self.events if event["type"] == kind]

    async def until(self, kind: str, count: int = 1, within_s: float = 30.0) -> Event:
        """The `count`-th event of a type; time passes meanwhile."""
        async with asyncio.timeout(within_s):
            while len(self.of(kind)) < count:  # noqa: ASYNC110 - the clock is virtual
                await asyncio.sleep(0.01)
        return self.of(kind)[count - 1]

    @property
    def error(self) -> Event:
        """The last error."""
        found: Event = self.of("error")[-1]["error"]
        return found


def talk(script: Callable[[Client], Awaitable[None]], **made_of: Any) -> None:
    """Run a script with a client of its own."""

    async def run() -> None:
        async with Client(**made_of) as client:
            await script(client)

    run_virtual(run())


def transcribing() -> RealtimeSession:
    """A session object that only transcribes."""
    return replace(STOCK, kind="transcription")
