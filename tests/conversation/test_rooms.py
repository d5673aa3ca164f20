"""Several people, agents and listeners in one conversation: who hears what, whose words are whose."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Self, TypeVar

import numpy as np
import pytest

from parley.audio.pcm import Int16
from parley.conversation import notifications as nt
from parley.conversation.agent import Persona
from parley.conversation.circle import Place
from parley.conversation.connection import Connection
from parley.conversation.conversation import Conversation
from parley.conversation.engines.cascade import Cascade
from parley.conversation.engines.duplex import Duplex
from parley.conversation.output.playout import PlayoutFrame
from parley.conversation.responses.response import ResponseOptions
from parley.conversation.settings import SessionModels, SessionSettings
from parley.errors import ProtocolError
from parley.models.fakes import (
    FakeChat,
    FakeDuplexModel,
    FakeEndOfTurn,
    FakeRecognizer,
    FakeSynthesizer,
    FakeVad,
    tone,
)
from parley.transports.pacing import Pacer
from parley.turns.actions import Ending
from tests.virtual_time import run_virtual

RATE = 24000
LONG = "One two three four five six seven eight nine ten."
H = TypeVar("H")


class Client:
    """Somebody's connection; as a `Carrier` it plays what it is sent."""

    def __init__(self, room: Room, name: str, **place: Any) -> None:
        self.room = room
        self.told: list[nt.Notification] = []
        self.frames: list[PlayoutFrame] = []
        self.fails = False
        """Whether telling it of anything breaks."""
        settings = room.conversation.settings
        self.connection = Connection(room.conversation, settings, self._tell, Place(name, **place))
        self.pacer = self.connection.listen(lambda outlet: Pacer(outlet, self))

    def _tell(self, notification: nt.Notification) -> None:
        if self.fails:
            raise RuntimeError("made to")
        self.told.append(notification)

    def deliver(self, frame: PlayoutFrame) -> None:
        self.frames.append(frame)

    def all_sent(self, response: str) -> None:
        """Nobody is told."""

    def finished(self, response: str) -> None:
        """Nobody is told."""

    def flushed(self, response: str) -> None:
        """Nobody is told."""

    def of(self, kind: type[H]) -> list[H]:
        return [h for h in self.told if isinstance(h, kind)]

    async def __aenter__(self) -> Self:
        await self.connection.__aenter__()
        self.room.clients.append(self)
        return self

    async def __aexit__(self, *fault: Any) -> None:
        self.room.clients.remove(self)
        await self.connection.__aexit__(*fault)

    async def say(self, seconds: float) -> None:
        """While all other microphones are open and silent."""
        await self.room.microphones(self, tone(seconds, RATE))


class Room:
    """A conversation with fake models; all microphones and loudspeakers keep the same time."""

    def __init__(self, *texts: str, answers: tuple[str, ...] = ("It is noon.",), **models: Any) -> None:
        self.chats = {name: FakeChat(answers) for name in ("mind", "other mind")}
        self.voices = {"deep": FakeSynthesizer(), "bright": FakeSynthesizer()}
        self.recognizer = FakeRecognizer(texts or ("What time is it?",))
        engines = {name: Cascade(chat) for name, chat in self.chats.items()}
        self.vad = FakeVad()
        self.models = SessionModels(
            vad=self.vad, recognizer=self.recognizer, engine=engines["mind"], end_of_turn=FakeEndOfTurn(),
            voices=self.voices, engines={**engines, **models},
        )  # fmt: skip
        self.conversation = Conversation(self.models, SessionSettings())
        self.clients: list[Client] = []

    async def __aenter__(self) -> Self:
        self._clock = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *fault: Any) -> None:
        self._clock.cancel()
        await self.conversation.aclose()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            for client in self.clients:
                client.pacer.tick(asyncio.get_running_loop().time())

    def agents(self, *names: str, floor: Any = "addressed") -> None:
        own = [("mind", "deep"), ("other mind", "bright")]
        made = [Persona(n, f"I am {n}.", engine, voice) for n, (engine, voice) in zip(names, own, strict=False)]
        self.conversation.set_agents(made, floor)

    async def microphones(self, speaker: Client | None, samples: Int16) -> None:
        size = RATE // 50
        for start in range(0, len(samples), size):
            for client in self.clients:
                if client.connection.place.speaks:
                    piece = samples[start : start + size]
                    client.connection.append_audio(piece if client is speaker else np.zeros_like(piece), RATE)
            await asyncio.sleep(0.02)

    async def silence(self, seconds: float) -> None:
        await self.microphones(None, np.zeros(round(seconds * RATE), np.int16))

    @property
    def said(self) -> list[tuple[str, str, str]]:
        """Speaker, to whom, what counts of it."""
        return [(i.speaker, i.to, i.heard_text.strip()) for i in self.conversation.history.items]


def test_two_people_talk_with_two_agents_and_everybody_hears_everything() -> None:
    async def script() -> None:
        async with (
            Room("Ada, what time is it?", "And you, Eve?") as room,
            Client(room, "Ann") as ann,
            Client(room, "Ben", host=False) as ben,
        ):
            room.agents("Ada", "Eve")
            await ann.say(1.0)
            await room.silence(3.0)
            await ben.say(1.0)
            await room.silence(3.0)
            assert room.said == [
                ("Ann", "", "Ada, what time is it?"), ("Ada", "Ann", "It is noon."),
                ("Ben", "", "And you, Eve?"), ("Eve", "Ben", "It is noon."),
            ]  # fmt: skip
            for client in (ann, ben):
                started = client.of(nt.ResponseStarted)
                assert [(s.agent, s.participant, set(s.listeners)) for s in started] == [
                    ("Ada", "Ann", {"Ann", "Ben"}), ("Eve", "Ben", {"Ann", "Ben"}),
                ]  # fmt: skip
                assert [s.participant for s in client.of(nt.SpeechStarted)] == ["Ann", "Ben"]
                assert sum(f.frame.seconds for f in client.frames) == pytest.approx(1.8, abs=0.1)

    run_virtual(script())


def test_each_agent_has_its_own_mind_voice_and_view_of_what_was_said() -> None:
    async def script() -> None:
        async with (
            Room("Ada, what time is it?", "And you, Eve?") as room,
            Client(room, "Ann") as ann,
            Client(room, "Ben", host=False) as ben,
        ):
            room.agents("Ada", "Eve")
            await ann.say(1.0)
            await room.silence(3.0)
            await ben.say(1.0)
            await room.silence(3.0)
        (ada,), (eve,) = room.chats["mind"].prompts, room.chats["other mind"].prompts
        assert ada[0]["content"].startswith("I am Ada.")
        assert "Eve (an agent like you)" in ada[0]["content"]
        assert [m["content"] for m in ada[1:]] == ["Ann: Ada, what time is it?"]
        assert eve[0]["content"].startswith("I am Eve.")
        assert [m["role"] for m in eve[1:]] == ["user"]
        assert eve[1]["content"] == "Ann: Ada, what time is it? Ada: It is noon. Ben: And you, Eve?"
        assert (room.voices["deep"].said, room.voices["bright"].said) == (["It is noon."], ["It is noon."])

    run_virtual(script())


def test_a_conversation_of_two_has_no_names_in_its_prompts() -> None:
    async def script() -> None:
        async with Room() as room, Client(room, "Ann") as ann:
            await ann.say(1.0)
            await room.silence(3.0)
            (prompt,) = room.chats["mind"].prompts
            assert [m["content"] for m in prompt] == [room.conversation.settings.opening, "What time is it?"]

    run_virtual(script())


def test_an_interruption_by_one_counts_for_all_and_history_is_what_everybody_heard() -> None:
    async def script() -> None:
        async with (
            Room("What time is it?", "But I wanted to know more.", answers=(LONG, "I see.")) as room,
            Client(room, "Ann") as ann,
            Client(room, "Ben", host=False) as ben,
        ):
            await ann.say(1.0)
            await room.silence(2.0)
            await ben.say(1.0)
            await room.silence(3.0)
            assert [e.ending for e in ann.of(nt.ResponseEnded)] == [Ending.CUT, Ending.FINISHED]
            speaker, to, heard = room.said[1]
            assert (speaker, to) == ("assistant", "Ann")
            assert heard != LONG
            assert LONG.startswith(heard)
            assert ann.of(nt.ResponseEnded)[0].items == ben.of(nt.ResponseEnded)[0].items
            assert room.said[2:] == [
                ("Ben", "", "But I wanted to know more."), ("assistant", "Ben", "I see."),
            ]  # fmt: skip
            assert "Ben: But I wanted to know more." in str(room.chats["mind"].prompts[-1])

    run_virtual(script())


def test_where_one_listener_truncates_an_answer_the_others_have_heard_it_too() -> None:
    async def script() -> None:
        async with Room(answers=(LONG,)) as room, Client(room, "Ann") as ann, Client(room, "Ben", host=False) as ben:
            await ann.say(1.0)
            await room.silence(2.0)
            ann.connection.truncate_item(room.conversation.history.items[-1].id, 700)
            (ended,) = ben.of(nt.ResponseEnded)
            assert ended.ending is Ending.CUT
            assert room.said[-1][2] == "One two"

    run_virtual(script())


def test_who_comes_before_the_first_sound_of_an_answer_hears_the_next_and_is_not_reckoned_with() -> None:
    async def script() -> None:
        async with Room(answers=(LONG,)) as room, Client(room, "Ann"):
            room.conversation.request_response(ResponseOptions(participant="Ann"))
            async with Client(room, "Ben", host=False) as ben:
                await room.silence(2.0)
                room.conversation.cancel_response()
                assert not ben.frames
                assert room.said[-1][2].startswith("One two")

    run_virtual(script())


def test_who_leaves_and_comes_back_finds_the_conversation_as_it_went_on() -> None:
    async def script() -> None:
        async with Room("One.", "Two, please.", "Three, please.") as room, Client(room, "Ann") as ann:
            async with Client(room, "Ben", host=False) as ben:
                await ben.say(1.0)
                await room.silence(2.5)
            assert ann.of(nt.RoomChanged)[-1].people == ("Ann",)
            await ann.say(1.0)
            await room.silence(2.5)
            async with Client(room, "Ben", host=False) as ben:
                await ben.say(1.0)
                await room.silence(2.5)
                assert ben.of(nt.ResponseStarted)[0].participant == "Ben"
            assert [who for who, to, _ in room.said if not to] == ["Ben", "Ann", "Ben"]
            assert len(room.conversation.history.items) == 6

    run_virtual(script())


def test_what_nobody_is_left_to_hear_is_cut_and_what_was_heard_of_it_stays() -> None:
    async def script() -> None:
        async with Room(answers=(LONG,)) as room:
            async with Client(room, "Ann") as ann, Client(room, "Ben", speaks=False) as ben:
                await ann.say(1.0)
                await room.silence(1.5)
            assert not ann.of(nt.ResponseEnded), "somebody was still there when she left"
            assert [e.ending for e in ben.of(nt.ResponseEnded)] == []
            heard = room.said[-1][2]
            assert 0 < len(heard) < len(LONG)
            assert room.conversation.active_response is None

    run_virtual(script())


@pytest.mark.parametrize("waited", [0.0, 1.5])
def test_an_answer_whose_listeners_have_all_left_holds_nobody_up_who_came_later(waited: float) -> None:
    async def script() -> None:
        async with Room(answers=(LONG, "I see.")) as room:
            async with Client(room, "Ann"):
                room.conversation.request_response(ResponseOptions(participant="Ann"))
                await room.silence(waited)
                ben = Client(room, "Ben", host=False)
                await ben.__aenter__()
            heard = room.said[-1][2] if room.said else ""
            assert (heard != "", heard != LONG) == (waited > 0, True)
            assert [e.ending for e in ben.of(nt.ResponseEnded)] == [Ending.CUT]
            room.conversation.request_response(ResponseOptions(participant="Ben"))
            await room.silence(6.0)
            assert ben.of(nt.ResponseEnded)[-1].ending is Ending.FINISHED
            assert room.said[-1][:2] == ("assistant", "Ben")
            await ben.__aexit__(None, None, None)

    run_virtual(script())


def test_a_listener_hears_and_is_told_but_has_no_microphone() -> None:
    async def script() -> None:
        async with Room() as room, Client(room, "Ann") as ann, Client(room, "Ben", speaks=False, host=False) as ben:
            await ann.say(1.0)
            await room.silence(2.5)
            assert ben.frames
            assert len(ben.of(nt.ResponseEnded)) == 1
            assert ben.of(nt.TranscriptDone)[0].participant == "Ann"
            for wish in (ben.connection.commit_input, lambda: ben.connection.append_audio(tone(0.1, RATE), RATE)):
                with pytest.raises(ProtocolError, match="only listens"):
                    wish()
            room.conversation.request_response(ResponseOptions(participant="Ben"))
            await room.silence(2.5)
            assert ben.of(nt.ResponseStarted)[-1].participant == "Ben", "it may ask in writing"

    run_virtual(script())


def test_a_guest_sets_what_is_its_own_and_nothing_else() -> None:
    async def script() -> None:
        async with Room() as room, Client(room, "Ann") as ann, Client(room, "Ben", host=False) as ben:
            before = room.conversation.settings
            own = replace(before, turns=replace(before.turns, mode="manual"), language="te")
            ben.connection.update(own)
            assert room.conversation.settings is before
            assert ben.connection.person.input.manual
            assert not ann.connection.person.input.manual
            assert ben.connection.person.input.inference.language == "te"
            ann.connection.update(replace(before, instructions="Be brief."))
            assert ben.connection.person.input.manual, "the host's settings are not the guest's"
            ben.connection.update(replace(own, instructions="Be rude."))
            assert room.conversation.settings.instructions == "Be brief."
            await ben.say(1.0)
            await room.silence(2.0)
            assert not room.said, "nobody committed what he said"
            ben.connection.commit_input()
            room.conversation.request_response(ResponseOptions(participant="Ben"))
            await room.silence(2.5)
            assert [(who, to) for who, to, _ in room.said] == [("Ben", ""), ("assistant", "Ben")]

    run_virtual(script())


def test_nobody_has_the_name_of_another() -> None:
    async def script() -> None:
        async with Room() as room, Client(room, "Ann"):
            with pytest.raises(ProtocolError, match="'Ann' takes part already"):
                Client(room, "Ann", host=False)
            for name in ("assistant", "Assistant", "ANN"):
                with pytest.raises(ProtocolError, match=f"'{name}' takes part already"):
                    Client(room, name, host=False)
            for names in (("Ann",), ("Ada", "Ada"), ("ann",), ("Ada", "ADA")):
                with pytest.raises(ProtocolError, match="two would be called"):
                    room.agents(*names)
            assert list(room.conversation.agents) == ["assistant"]

    run_virtual(script())


def test_everybody_in_the_round_answers_and_one_agent_can_be_asked() -> None:
    async def script() -> None:
        async with Room() as room, Client(room, "Ann") as ann:
            room.agents("Ada", "Eve", floor="round")
            await ann.say(1.0)
            await room.silence(4.0)
            assert [(who, to) for who, to, _ in room.said] == [("Ann", ""), ("Ada", "Ann"), ("Eve", "Ann")]
            room.conversation.request_response(ResponseOptions(participant="Ann", agents=("Eve",), instructions="Go."))
            await room.silence(3.0)
            assert room.said[-1][0] == "Eve"
            assert room.chats["other mind"].prompts[-1][0]["content"].startswith("Go.")
            with pytest.raises(ProtocolError, match="no agent is called 'Zoe'; there are Ada, Eve"):
                room.conversation.request_response(ResponseOptions(agents=("Zoe",)))

    run_virtual(script())


def test_what_a_request_asks_for_counts_for_all_who_answer_it() -> None:
    async def script() -> None:
        async with Room() as room, Client(room, "Ann"):
            room.agents("Ada", "Eve", floor="round")
            room.conversation.request_response(ResponseOptions(participant="Ann", instructions="Whisper."))
            await room.silence(4.0)
            for chat in room.chats.values():
                assert [p[0]["content"].split()[0] for p in chat.prompts] == ["Whisper."]

    run_virtual(script())


def test_a_model_that_takes_turns_itself_talks_with_one_person_alone() -> None:
    async def script() -> None:
        duplex = FakeDuplexModel()
        async with Room(native=Duplex(duplex)) as room, Client(room, "Ann") as ann:
            async with Client(room, "Ben", host=False):
                ann.connection.update(replace(room.conversation.settings, engine="native"))
                await room.silence(0.5)
                assert [h.why for h in ann.of(nt.ModelKept)] == [
                    "a model that takes turns itself talks alone with one person"
                ]
                assert not ann.connection.person.listening.takes_turns
            ann.connection.update(replace(room.conversation.settings, engine=None))
            ann.connection.update(replace(room.conversation.settings, engine="native"))
            await room.silence(0.5)
            assert ann.connection.person.listening.takes_turns
            with pytest.raises(ProtocolError, match="talks with one person alone"):
                async with Client(room, "Ben", host=False):
                    pass
            assert room.conversation.present == ("Ann",), "who could not enter is not there"
            async with Client(room, "Ben", speaks=False, host=False):
                await room.silence(0.1)
            with pytest.raises(ProtocolError, match="there is one agent"):
                room.agents("Ada", "Eve")

    run_virtual(script())


def test_the_prompt_that_is_read_ahead_is_of_who_would_answer() -> None:
    class Noting(FakeChat):
        def __init__(self) -> None:
            super().__init__(("It is noon.",))
            self.read: list[Any] = []

        async def prefill(self, messages: Any, options: Any, caller: Any) -> None:
            self.read.append(messages)

    async def script() -> None:
        chats = {"mind": Noting(), "other mind": Noting()}
        async with Room("Ben, what time is it?", "And what day is it today?") as room:
            room.conversation = Conversation(
                replace(room.models, engines={name: Cascade(chat) for name, chat in chats.items()}), SessionSettings()
            )
            async with Client(room, "user") as me:
                room.agents("Ada", "Ben")
                await me.say(1.2)
                await room.silence(4.0)
                for chat in chats.values():
                    chat.read.clear()
                await me.say(2.0)
                await room.silence(4.0)
                assert [s for s, _, _ in room.said] == ["user", "Ben", "user", "Ben"]
                assert chats["other mind"].read, "he was talked with last"
                assert not chats["mind"].read

    run_virtual(script())
