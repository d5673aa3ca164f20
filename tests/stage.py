"""A conversation as a script: a user with a voice, fake models, a listener that plays what is sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

import numpy as np

from parley.audio.pcm import Int16
from parley.conversation import notifications as nt
from parley.conversation.connection import Connection
from parley.conversation.conversation import Conversation
from parley.conversation.engines.base import Engine
from parley.conversation.engines.cascade import Cascade
from parley.conversation.output.playout import PlayoutFrame
from parley.conversation.settings import SessionModels, SessionSettings
from parley.models.fakes import FakeChat, FakeEndOfTurn, FakeRecognizer, FakeSynthesizer, FakeVad, tone
from parley.models.interfaces import EndOfSentence, Recognizer, Synthesizer
from parley.transports.pacing import Pacer
from parley.turns.actions import Ending
from parley.turns.settings import TurnSettings

RATE = 24000
H = TypeVar("H")


@dataclass
class Stage:
    """Use as ``async with``; `say` and `silence` stream a microphone in real (virtual) time."""

    recognizer: FakeRecognizer = field(default_factory=FakeRecognizer)
    chat: FakeChat = field(default_factory=FakeChat)
    voice: FakeSynthesizer = field(default_factory=FakeSynthesizer)
    end_of_turn: Any = field(default_factory=FakeEndOfTurn)
    end_of_sentence: EndOfSentence | None = None
    engine: Engine | None = None
    engines: dict[str, Engine] = field(default_factory=dict)
    recognizers: dict[str, Recognizer] = field(default_factory=dict)
    voices: dict[str, Synthesizer] = field(default_factory=dict)
    settings: SessionSettings = field(default_factory=SessionSettings)
    hooks: dict[str, Any] = field(default_factory=dict)
    """Further fields of `SessionModels`."""

    def __post_init__(self) -> None:
        self.notifications: list[nt.Notification] = []
        self.frames: list[tuple[float, PlayoutFrame]] = []
        self.user_speaks: list[tuple[float, float]] = []
        self.held: list[bool] = []
        """What models elsewhere were told: an answer is paused, or goes on."""
        self.changed = asyncio.Event()

    @classmethod
    def with_turns(cls, turns: TurnSettings | None = None, **more: Any) -> Stage:
        return cls(settings=SessionSettings(turns=turns or TurnSettings()), **more)

    async def __aenter__(self) -> Self:
        models = SessionModels(
            vad=FakeVad(),
            recognizer=self.recognizer,
            engine=self.engine or Cascade(self.chat),
            end_of_turn=self.end_of_turn,
            end_of_sentence=self.end_of_sentence,
            voices={"fake-voice": self.voice, **self.voices},
            engines=self.engines,
            recognizers=self.recognizers,
            hold=lambda _, paused: self.held.append(paused),
            **self.hooks,
        )
        self.session = Conversation(models, self.settings)
        self.connection = Connection(self.session, self.settings, self._tell)
        self.pacer = self.connection.listen(lambda outlet: Pacer(outlet, self))
        await self.connection.__aenter__()
        self._clock = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *fault: Any) -> None:
        self._clock.cancel()
        await self.connection.__aexit__(*fault)
        await self.session.aclose()

    def _tell(self, notification: nt.Notification) -> None:
        self.notifications.append(notification)
        self.changed.set()

    def deliver(self, frame: PlayoutFrame) -> None:
        """As a `Carrier`, which the next three belong to."""
        self.frames.append((self.now, frame))

    def all_sent(self, response: str) -> None:
        """Nobody is told."""

    def finished(self, response: str) -> None:
        """Nobody is told."""

    def flushed(self, response: str) -> None:
        """Nobody is told."""

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            self.pacer.tick(self.now)

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def say(self, seconds: float, *, quieter_db: float = 0.0) -> None:
        """The user's voice, or one that is further away."""
        begins = self.now
        await self._stream(tone(seconds, RATE, level=0.3 * 10 ** (-quieter_db / 20)))
        self.user_speaks.append((begins, self.now))

    async def silence(self, seconds: float) -> None:
        await self._stream(np.zeros(round(seconds * RATE), np.int16))

    async def _stream(self, samples: Int16) -> None:
        size = RATE // 50
        for start in range(0, len(samples), size):
            self.connection.append_audio(samples[start : start + size], RATE)
            await asyncio.sleep(0.02)

    async def silence_until(self, kind: type[H], count: int = 1, limit_s: float = 60.0) -> H:
        """Keep the microphone open (silent) until the `count`-th notification of a kind."""
        end = self.now + limit_s
        while len(self.of(kind)) < count:
            assert self.now < end, f"no {kind.__name__}: {[type(h).__name__ for h in self.notifications]}"
            await self.silence(0.02)
        return self.of(kind)[count - 1]

    def of(self, kind: type[H]) -> list[H]:
        return [h for h in self.notifications if isinstance(h, kind)]

    @property
    def endings(self) -> list[Ending]:
        return [h.ending for h in self.of(nt.ResponseEnded)]

    def set(self, **changes: Any) -> None:
        self.session.update(replace(self.session.settings, **changes))
