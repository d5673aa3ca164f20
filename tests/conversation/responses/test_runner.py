"""The runner alone: it is given orders as the turn-taker gives them, and what it tells that is noted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from parley.conversation import notifications as nt
from parley.conversation.conversation import Conversation
from parley.conversation.engines.cascade import Cascade
from parley.conversation.items import Item
from parley.conversation.listener import Outlet
from parley.conversation.responses.response import ResponseOptions
from parley.conversation.responses.runner import ResponseRunner
from parley.conversation.settings import SessionModels, SessionSettings
from parley.errors import ProtocolError
from parley.models.fakes import FakeChat, FakeRecognizer, FakeSynthesizer, FakeVad
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from tests.virtual_time import run_virtual

H = TypeVar("H")
LONG = "One two three four five six seven eight nine ten."


class Ear:
    """A listener that plays what it is told to play."""

    exact = False
    there = True
    delay_s: float | None = None

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.flushed: list[str] = []
        self.at_s: dict[str, float] = {}

    def position(self, response: str) -> float:
        return self.at_s.get(response, 0.0)

    def wake(self) -> None:
        """It plays when it is told to."""

    def flush(self, response: str) -> None:
        self.flushed.append(response)

    def play(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            if (frame := self.outlet.playout.pull()) is not None:
                self.at_s[frame.response] = frame.end_s
                self.outlet.sent(frame.response, frame.frame, frame.end_s, 0.0)


class World:
    """A runner with everything but a turn-taker."""

    def __init__(self, *answers: str, **settings: Any) -> None:
        self.chat = FakeChat(answers or ("It is noon.",))
        self.voice = FakeSynthesizer()
        self.held: list[bool] = []
        models = SessionModels(
            FakeVad(), FakeRecognizer(), Cascade(self.chat), voices={"voice": self.voice},
            hold=lambda _, paused: self.held.append(paused),
        )  # fmt: skip
        self.conversation = Conversation(models, SessionSettings(**settings))
        self.context = self.conversation.context
        self.events: list[ev.Event] = []
        self.told: list[nt.Notification] = []
        self.context.dispatch = self.events.append
        self.context.emit = self.told.append
        self.runner: ResponseRunner = self.conversation._runner
        self.ear = self.conversation.listen("user", Ear, lambda *_: None)

    def start(self, key: str = "r1", **more: Any) -> None:
        order = act.StartResponse(key, "assistant", "user", None, "What time is it?", speculative=False)
        self.runner.perform(replace(order, **more))

    def end(self, key: str = "r1", ending: Ending = Ending.FINISHED, reason: str = "") -> None:
        self.runner.perform(act.EndResponse(key, ending, reason))

    def of(self, kind: type[H]) -> list[H]:
        return [h for h in self.told if isinstance(h, kind)]

    def asked(self) -> list[ev.ResponseRequested]:
        return [e for e in self.events if isinstance(e, ev.ResponseRequested)]

    @property
    def history(self) -> list[Item]:
        return self.conversation.history.items


def play(script: Callable[[World], Coroutine[Any, Any, None]], *answers: str, **settings: Any) -> None:
    async def run() -> None:
        w = World(*answers, **settings)
        async with w.conversation:
            await script(w)

    run_virtual(run())


def test_of_an_answer_that_is_prepared_nothing_is_told_or_remembered_before_its_commit() -> None:
    async def script(w: World) -> None:
        w.start(speculative=True)
        await asyncio.sleep(2.0)
        assert w.chat.prompts
        assert not w.told
        assert not w.history
        w.runner.perform(act.CommitResponse("r1"))
        kinds = [type(h).__name__ for h in w.told]
        assert kinds[:3] == ["PreparedResponse", "ResponseStarted", "ResponseItemStarted"]
        assert w.of(nt.PreparedResponse)[0].used
        assert [i.text for i in w.history] == [""] or w.history[0].text.startswith("It"), "its item is there"
        w.ear.play(3.0)
        w.end()
        assert w.history[0].heard_text == "It is noon."

    play(script)


def test_one_that_was_not_needed_leaves_no_trace_but_the_time_that_it_cost() -> None:
    async def script(w: World) -> None:
        w.start(speculative=True)
        await asyncio.sleep(2.0)
        w.end(ending=Ending.DROPPED)
        (cost,) = w.told
        assert isinstance(cost, nt.PreparedResponse)
        assert not cost.used
        assert cost.spent_ms > 0
        assert not w.history
        assert not w.runner.responses
        assert w.context.ledger.spoken_chars("r1") == 0

    play(script)


def test_words_that_could_not_be_had_are_asked_for_instead_of_answered() -> None:
    async def script(w: World) -> None:
        w.conversation._notes.of("user", 3).lost = True
        w.start(turn=3)
        await asyncio.sleep(5.0)
        assert not w.chat.prompts
        assert " ".join(w.voice.said) == w.context.settings.not_understood

    play(script)


def test_a_request_counts_for_the_answer_that_has_its_number() -> None:
    async def script(w: World) -> None:
        w.runner.ask_for(ResponseOptions(instructions="First."))
        w.runner.ask_for(ResponseOptions(instructions="Second.", participant="Ben", agents=("Ada",)))
        first, second = w.asked()
        assert (first.participant, first.agents, second.participant, second.agents) == ("user", None, "Ben", ("Ada",))
        w.start("r1", request=second.request)
        w.start("r2", request=first.request)
        w.start("r3")
        await asyncio.sleep(1.0)
        said = [prompt[0]["content"] for prompt in w.chat.prompts]
        assert said == ["Second.", "First.", w.context.settings.opening]

    play(script)


def test_what_is_prepared_is_made_anew_where_it_is_asked_for_otherwise() -> None:
    async def script(w: World) -> None:
        w.start(speculative=True)
        await asyncio.sleep(1.0)
        w.runner.ask_for(ResponseOptions())
        w.runner.ask_for(ResponseOptions(instructions="For somebody else.", participant="Ben"))
        await asyncio.sleep(1.0)
        assert len(w.chat.prompts) == 1, "that is what is prepared"
        w.runner.ask_for(ResponseOptions(instructions="Whisper."))
        await asyncio.sleep(1.0)
        assert [prompt[0]["content"] for prompt in w.chat.prompts[1:]] == ["Whisper."]

    play(script)


def test_a_pause_reaches_listeners_and_models_and_clients_that_hear_something() -> None:
    async def script(w: World) -> None:
        w.start()
        await asyncio.sleep(1.0)
        w.runner.perform(act.PausePlayout("r1"))
        assert (w.held, w.of(nt.PlayoutPaused)) == ([True], []), "nothing sounds there yet"
        w.runner.perform(act.ResumePlayout("r1"))
        w.ear.play(0.2)
        w.runner.first_frame("r1")
        w.runner.perform(act.PausePlayout("r1"))
        before = w.ear.at_s["r1"]
        w.ear.play(1.0)
        assert w.ear.at_s["r1"] == before
        w.runner.perform(act.ResumePlayout("r1"))
        w.ear.play(1.0)
        assert w.ear.at_s["r1"] > before
        assert w.held == [True, False, True, False]
        assert (len(w.of(nt.PlayoutPaused)), len(w.of(nt.PlayoutResumed))) == (1, 1)

    play(script)


def test_of_an_answer_that_is_cut_counts_what_was_heard() -> None:
    async def script(w: World) -> None:
        w.start()
        await asyncio.sleep(2.0)
        w.ear.play(1.0)
        w.runner.first_frame("r1")
        w.end(ending=Ending.CUT, reason="turn_detected")
        (ended,) = w.of(nt.ResponseEnded)
        assert (ended.ending, ended.reason) == (Ending.CUT, "turn_detected")
        assert w.history[0].heard_text == ended.items[0].heard_text == "One two three"
        assert w.ear.flushed == ["r1"]
        assert len(w.of(nt.PlayoutFlushed)) == 1
        await asyncio.sleep(1.0)
        assert not w.chat.open_streams

    play(script, LONG)


def test_one_that_fails_is_excused_to_whom_it_was_for_by_who_gave_it() -> None:
    async def script(w: World) -> None:
        w.start(participant="Ben")
        w.end(ending=Ending.FAILED, reason="broken")
        (asked,) = w.asked()
        assert (asked.participant, asked.agents) == ("Ben", ("assistant",))
        w.start("r2", participant="Ben", request=asked.request)
        await asyncio.sleep(3.0)
        assert " ".join(w.voice.said).endswith(w.context.settings.apology or "")
        w.end("r2", ending=Ending.FAILED, reason="broken")
        assert len(w.asked()) == 1, "an excuse that fails is not excused"

    play(script)


def test_a_failure_that_came_while_it_sounded_is_told_when_what_there_is_was_said() -> None:
    async def script(w: World) -> None:
        w.start()
        await asyncio.sleep(1.0)
        w.runner.responses["r1"].failure = "torn off"
        w.end()
        (ended,) = w.of(nt.ResponseEnded)
        assert (ended.ending, ended.reason) == (Ending.FAILED, "torn off")

    play(script)


def test_one_that_fell_silent_goes_on_with_its_voice_or_is_made_anew_behind_what_has_a_sound() -> None:
    async def script(w: World) -> None:
        w.start()
        await asyncio.sleep(0.5)
        response = w.runner.responses["r1"]
        assert response.task is not None
        response.awaits_text = False
        w.runner.perform(act.ReviveResponse("r1"))
        assert response.voice_stalled.is_set(), "the model writes on"
        await asyncio.sleep(3.0)
        response.awaits_text = True
        w.runner.perform(act.ReviveResponse("r1"))
        await asyncio.sleep(1.0)
        assert len(w.chat.prompts) == 2, "text is missing: the model is asked anew"
        assert str(w.chat.prompts[1][-1]["content"]).startswith("One two"), "behind what there is"

    play(script, "One two three four five …", LONG)


def test_what_was_prepared_of_an_older_history_is_prepared_anew() -> None:
    async def script(w: World) -> None:
        w.start(speculative=True)
        await asyncio.sleep(1.0)
        w.runner.history_changed()
        await asyncio.sleep(1.0)
        assert len(w.chat.prompts) == 1, "nothing has changed"
        w.conversation.history.insert(Item("note", role="system", text="It is Sunday."))
        w.runner.history_changed()
        await asyncio.sleep(1.0)
        assert "It is Sunday." in str(w.chat.prompts[1])

    play(script)


def test_a_listeners_word_ends_what_sounds_and_counts() -> None:
    async def script(w: World) -> None:
        w.start()
        await asyncio.sleep(2.0)
        w.ear.play(2.0)
        item = w.runner.responses["r1"].items[0]
        w.runner.truncate(item.id, 0.7, "user")
        assert w.events[-1] == ev.ResponseCancelled("r1")
        w.end(ending=Ending.CUT, reason="client_cancelled")
        assert w.history[0].heard_text == "One two"
        w.runner.truncate(item.id, 0.1, "user")
        assert w.history[0].heard_text == ""
        assert w.of(nt.HeardChanged)[-1].heard_text == ""
        with pytest.raises(ProtocolError, match="Only model output audio"):
            w.runner.truncate("nothing", 0.1, "user")

    play(script, LONG)
