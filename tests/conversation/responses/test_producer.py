"""The producer alone: parts of an answer go where they belong, and how it ends is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from parley.conversation import notifications as nt
from parley.conversation.agent import Persona
from parley.conversation.engines.base import (
    AlivePart,
    AwaitsTextPart,
    CutShortPart,
    Emit,
    PiecePart,
    ResponsePart,
    ResponseRequest,
    RetractPart,
    SpeechPart,
    TextPart,
    ToolPart,
    UsagePart,
    WrittenPart,
)
from parley.conversation.items import Item
from parley.conversation.responses.response import Response, ResponseOptions
from parley.errors import ModelError, PromptTooLong
from parley.models.interfaces import ToolCall, Usage
from parley.turns import events as ev
from parley.turns.ledger import SpokenWord
from tests.conversation.responses.test_runner import World
from tests.virtual_time import run_virtual

RATE = 24000
Step = ResponsePart | float | Exception


class Engine:
    """Gives parts, waits seconds, raises, as it is told; remembers what it was asked."""

    turns, history, pausable, accepts_audio, off_host, duplex = "ours", "ledger", True, False, False, None
    context_tokens = None

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[ResponseRequest] = []

    async def prefill(self, *_: Any) -> None:
        """Nothing."""

    async def answer(self, request: ResponseRequest, emit: Emit) -> None:
        self.requests.append(request)
        while self.steps:
            step = self.steps.pop(0)
            if isinstance(step, float):
                await asyncio.sleep(step)
            elif isinstance(step, Exception):
                raise step
            else:
                await emit(step)


def sound(seconds: float, *words: SpokenWord) -> SpeechPart:
    return SpeechPart(np.ones(round(seconds * RATE), np.int16), RATE, words)


def play(script: Callable[[World, Engine], Coroutine[Any, Any, None]], *steps: Step) -> None:
    async def run() -> None:
        w, engine = World(), Engine(*steps)
        object.__setattr__(w.context.agent().models, "engine", engine)
        async with w.conversation:
            await script(w, engine)

    run_virtual(run())


def response_of(w: World, key: str = "r1") -> Response:
    return w.runner.responses[key]


def events(w: World, *kinds: type) -> list[ev.Event]:
    return [e for e in w.events if isinstance(e, kinds)]


def test_words_go_to_history_sound_to_listeners_and_their_times_to_the_ledger() -> None:
    async def script(w: World, _: Engine) -> None:
        w.start()
        await asyncio.sleep(0.1)
        assert w.history[0].role == "assistant"
        assert [t.text for t in w.of(nt.ResponseText)] == ["One ", "two"]
        assert [t.words for t in w.of(nt.ResponseWords)] == [((3, 0.0),), ((7, 0.5),)]
        assert w.context.audience.buffered_s("r1") == pytest.approx(1.0)
        w.ear.play(0.4)
        w.context.audience.settle("r1")
        assert w.context.ledger.heard_chars("r1") == 3
        assert response_of(w).produced

    play(script, TextPart("One "), sound(0.5, SpokenWord(3, 0.0, 0.5)), TextPart("two"),
         sound(0.5, SpokenWord(7, 0.0, 0.5)), WrittenPart())  # fmt: skip


def test_an_answer_without_any_sound_is_over_when_it_is_made_and_wanted() -> None:
    async def script(w: World, _: Engine) -> None:
        w.start(speculative=True)
        await asyncio.sleep(0.1)
        assert not events(w, ev.ResponseCompleted), "perhaps it is not wanted"
        response = response_of(w)
        response.committed = True
        w.runner.producer.end_if_silent(response)
        assert events(w, ev.ResponseCompleted) == [ev.ResponseCompleted("r1")]

    play(script, TextPart(" "), WrittenPart())


def test_a_fault_before_anything_was_heard_fails_it_and_one_behind_is_told_at_its_end() -> None:
    async def silent(w: World, _: Engine) -> None:
        w.start()
        await asyncio.sleep(0.1)
        assert events(w, ev.ResponseFailed) == [ev.ResponseFailed("r1", "broken")]

    async def audible(w: World, _: Engine) -> None:
        w.start()
        await asyncio.sleep(0.1)
        assert not events(w, ev.ResponseFailed)
        assert (response_of(w).failure, response_of(w).produced) == ("broken", True)

    async def unforeseen(w: World, _: Engine) -> None:
        w.start()
        await asyncio.sleep(0.1)
        assert events(w, ev.ResponseFailed) == [ev.ResponseFailed("r1", "internal error (ZeroDivisionError)")]

    play(silent, TextPart("One"), ModelError("broken"))
    play(audible, TextPart("One"), sound(0.5), ModelError("broken"))
    play(unforeseen, ZeroDivisionError())


def test_a_prompt_that_is_too_long_is_asked_for_again_at_half_its_length_once() -> None:
    async def again(w: World, engine: Engine) -> None:
        w.start()
        await asyncio.sleep(0.1)
        assert len(engine.requests) == 2
        assert w.runner.requests._share == 0.5
        assert not events(w, ev.ResponseFailed)

    async def still(w: World, engine: Engine) -> None:
        w.start()
        await asyncio.sleep(0.1)
        assert len(engine.requests) == 2
        assert events(w, ev.ResponseFailed) == [ev.ResponseFailed("r1", "too long")]

    play(again, PromptTooLong("too long"), TextPart("One"), sound(0.5))
    play(still, PromptTooLong("too long"), PromptTooLong("too long"))


def test_what_is_made_ahead_waits_for_room_and_less_of_what_may_not_be_wanted() -> None:
    parts = [sound(0.5) for _ in range(60)]

    async def prepared(w: World, engine: Engine) -> None:
        w.start(speculative=True)
        await asyncio.sleep(0.1)
        assert w.context.audience.buffered_s("r1") == pytest.approx(1.0)
        assert len(engine.steps) == 58

    async def wanted(w: World, engine: Engine) -> None:
        w.start()
        await asyncio.sleep(0.1)
        assert w.context.audience.buffered_s("r1") == pytest.approx(20.5)
        w.ear.play(2.0)
        w.runner.producer.made_room()
        await asyncio.sleep(0.1)
        assert w.context.audience.buffered_s("r1") == pytest.approx(20.5)
        assert w.runner.producer.is_busy_with(response_of(w)) is False, "there is plenty"

    play(prepared, *parts)
    play(wanted, *parts)


def test_a_voice_is_not_made_to_speak_over_somebody_who_still_does() -> None:
    async def script(w: World, engine: Engine) -> None:
        w.context.hears_voice = lambda: True
        w.start(speculative=True)
        await asyncio.sleep(1.0)
        assert len(engine.steps) == 1, "the piece waits"
        w.context.hears_voice = lambda: False
        w.runner.producer.made_room()
        await asyncio.sleep(0.1)
        assert w.context.audience.buffered_s("r1") == pytest.approx(0.5)

    play(script, TextPart("One."), PiecePart(), sound(0.5))


def test_what_was_none_of_the_answer_is_forgotten_and_what_follows_is_heard() -> None:
    async def script(w: World, _: Engine) -> None:
        w.start()
        await asyncio.sleep(0.1)
        assert [i.text for i in response_of(w).items] == ["Hello."]
        assert w.context.audience.buffered_s("r1") == pytest.approx(0.25)
        assert w.context.ledger.spoken_chars("r1") == 6
        assert events(w, ev.PlayoutFed) == [ev.PlayoutFed("r1")]

    play(script, TextPart("I think"), sound(0.5, SpokenWord(7, 0.0, 0.5)), RetractPart(), TextPart("Hello."),
         sound(0.25, SpokenWord(6, 0.0, 0.25)))  # fmt: skip


def test_signs_of_life_reach_the_turn_taker_once_a_second_and_what_is_awaited_when_it_changes() -> None:
    async def script(w: World, _: Engine) -> None:
        w.start()
        await asyncio.sleep(5.0)
        assert len(events(w, ev.ResponseProgressed)) == 3
        waits = [e.awaited for e in w.events if isinstance(e, ev.TextAwaited)]
        assert waits == [True, False]

    play(script, AlivePart(), 0.3, AlivePart(), 0.8, AwaitsTextPart(), AwaitsTextPart(), 1.2, PiecePart(), PiecePart())


def test_calls_usage_and_how_the_model_stopped_are_kept() -> None:
    async def script(w: World, _: Engine) -> None:
        w.start()
        await asyncio.sleep(0.1)
        response = response_of(w)
        assert (response.usage, response.cut_short) == (Usage(3, 4), True)
        (call,) = response.items
        assert (call.kind, call.name, call.arguments, call.status) == ("function_call", "look", '{"a": 1}', "completed")
        assert w.history[0].arguments == '{"a": 1}'

    play(script, ToolPart(ToolCall(0, "c", "look", '{"a"')), ToolPart(ToolCall(0, "c", "look", '{"a": 1}', done=True)),
         UsagePart(Usage(3, 4)), CutShortPart())  # fmt: skip


def test_what_gives_one_more_part_while_it_is_cancelled_is_not_taken() -> None:
    class Hasty(Engine):
        async def answer(self, request: ResponseRequest, emit: Emit) -> None:
            self.requests.append(request)
            async with asyncio.TaskGroup() as group:  # as the text of an answer is read beside its voice
                group.create_task(self.write(len(self.requests), emit))

        async def write(self, number: int, emit: Emit) -> None:
            if number == 1:
                await go_on.wait()
            await emit(TextPart("Thank you."))

    go_on = asyncio.Event()

    async def run() -> None:
        w = World()
        object.__setattr__(w.context.agent().models, "engine", Hasty())
        async with w.conversation:
            w.start(speculative=True)
            await asyncio.sleep(0.1)
            go_on.set()
            w.runner.producer.restart(response_of(w))
            await asyncio.sleep(0.1)
            assert [item.text for item in response_of(w).items] == ["Thank you."]

    run_virtual(run())


def test_one_that_is_made_anew_leaves_nothing_of_what_was() -> None:
    async def script(w: World, engine: Engine) -> None:
        w.start(speculative=True)
        await asyncio.sleep(0.1)
        engine.steps = [TextPart("Two."), sound(0.25)]
        w.runner.producer.restart(response_of(w))
        await asyncio.sleep(0.1)
        assert [i.text for i in response_of(w).items] == ["Two."]
        assert w.context.audience.buffered_s("r1") == pytest.approx(0.25)
        assert not w.told

    play(script, TextPart("One."), sound(0.5, SpokenWord(4, 0.0, 0.5)))


class Reader(Engine):
    """Reads prompts for a minute; writes until it is told to have finished."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.read = self.broken_off = 0
        self.written: dict[str, asyncio.Event] = {}

    async def prefill(self, *_: Any) -> None:
        self.read += 1
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            self.broken_off += 1
            raise

    async def answer(self, request: ResponseRequest, emit: Emit) -> None:
        done = self.written[request.speaker or request.say or "answer"] = asyncio.Event()
        self.requests.append(request)
        self.asked.set()
        await done.wait()
        await emit(TextPart("Yes."))
        await emit(WrittenPart())
        await asyncio.sleep(60.0)


OWN_PROMPT = (Item("i1", role="user", text="Argue."),)


@pytest.mark.parametrize(
    ("options", "waits_s", "read_on"),
    [
        (ResponseOptions(), 3.0, False),  # what is read begins like it
        (ResponseOptions(input=OWN_PROMPT), 0.0, False),
        (ResponseOptions(say="Order, please."), 0.0, True),  # no model is asked
    ],
)
def test_only_what_is_made_of_the_prompt_that_is_being_read_waits_for_it(
    options: ResponseOptions, waits_s: float, read_on: bool
) -> None:
    async def run() -> None:
        w, engine = World(), Reader()
        object.__setattr__(w.context.agent().models, "engine", engine)
        async with w.conversation:
            w.runner.read_ahead("So")
            await asyncio.sleep(0.1)
            began = asyncio.get_running_loop().time()
            w.start(request=w.runner._asked.remember(options))
            await engine.asked.wait()
            assert asyncio.get_running_loop().time() - began == pytest.approx(waits_s, abs=0.11)
            await asyncio.sleep(0.1)
            assert (engine.read, engine.broken_off) == (1, 0 if read_on else 1)

    run_virtual(run())


def test_who_would_answer_is_read_for_only_when_nobody_is_written_for() -> None:
    async def run() -> None:
        w, engine = World(), Reader()
        async with w.conversation:
            w.conversation.set_agents([Persona("Ada"), Persona("Ben")], "addressed")
            for agent in ("Ada", "Ben"):
                object.__setattr__(w.context.agent(agent).models, "engine", engine)
            own = w.runner._asked.remember(ResponseOptions(input=OWN_PROMPT))
            w.start("r1", agent="Ada", request=own)
            w.start("r2", agent="Ben", request=own)
            await asyncio.sleep(0.1)
            engine.written["Ada"].set()
            await asyncio.sleep(0.1)
            assert engine.read == 0
            engine.written["Ben"].set()
            await asyncio.sleep(0.1)
            assert engine.read == 1

    run_virtual(run())
