"""Facts of earlier turns outlive the turns: what leaves the prompt is summed up while nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from types import SimpleNamespace
from typing import Any

from parley.conversation import notifications as nt
from parley.conversation.agent import Persona
from parley.conversation.engines.base import Emit, ResponsePart, ResponseRequest, TextPart, WrittenPart
from parley.conversation.history import History
from parley.conversation.items import Item, new_id
from parley.conversation.responses.response import ResponseOptions
from parley.conversation.settings import SessionSettings
from parley.conversation.summary import Summary
from parley.errors import ModelError
from parley.models.fakes import FakeChat
from parley.models.interfaces import Caller, ChatDelta, ChatOptions, Message, Priority, SpeakingStyle
from tests.stage import Stage
from tests.virtual_time import run_virtual


class Notes(FakeChat):
    """Keeps notes when it is asked to; else as its base."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__(["That is good to know, thank you very much."])
        self.fails = fails
        self.asked: list[str] = []

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        if "notes" in str(messages[0]["content"])[:40]:
            self.asked.append(str(messages[-1]["content"]))
            yield ChatDelta(text="" if self.fails else "Her name is Ann.")
            return
        async for delta in super().stream(messages, options, caller):
            yield delta


async def converse(stage: Stage, turns: int) -> None:
    for number in range(turns):
        text = "My name is Ann." if number == 0 else f"Fact {number} is that grass is green and the sky is blue."
        stage.session.add_item(Item(new_id("item"), role="user", text=text))
        stage.session.request_response(ResponseOptions(modality="text"))
        await stage.silence_until(nt.ResponseEnded, number + 1)
        await stage.silence(1.0)


def small() -> SessionSettings:
    return SessionSettings(instructions="Be kind.", memory_tokens=400)


def test_a_name_is_still_known_thirty_turns_later() -> None:
    chat = Notes()

    async def script() -> None:
        async with Stage(chat=chat, settings=small()) as stage:
            await converse(stage, 30)

    run_virtual(script())
    last = chat.prompts[-1]
    assert not any("My name is Ann." in str(m["content"]) for m in last), "the turn itself has left"
    assert "Her name is Ann." in str(last[0]["content"])
    assert "Fact 29" in str(last[-1]["content"])
    assert "My name is Ann." in chat.asked[0]
    assert all("Her name is Ann." in asked for asked in chat.asked[1:]), "a summary goes into the next one"


def test_without_a_summary_the_conversation_goes_on() -> None:
    chat = Notes(fails=True)

    async def script() -> None:
        async with Stage(chat=chat, settings=small()) as stage:
            await converse(stage, 30)
            assert len(stage.of(nt.ResponseEnded)) == 30

    run_virtual(script())
    assert "Fact 29" in str(chat.prompts[-1][-1]["content"])
    assert len(chat.prompts[-1]) < 30
    assert "My name is Ann." in str(chat.prompts[-1][0]["content"]), "what the user said is kept as it is"


class Writing:
    """A summary of ten turns of ten tokens each, by an engine that takes a second for it."""

    def __init__(self, *parts: ResponsePart, budget: int = 110, takes_s: float = 1.0, off_host: bool = False) -> None:
        self.parts, self.takes_s = parts, takes_s
        self.fault: Exception | None = None
        self.asked: list[ResponseRequest] = []
        self.spawned: list[str] = []
        self.history = History()
        for i in range(10):
            self.history.insert(Item(f"i{i}", role="user" if i % 2 == 0 else "assistant", text=f"{i:04}" + "fact" * 5))
        engine = SimpleNamespace(off_host=off_host, answer=self.answer)
        context: Any = SimpleNamespace(
            id="s1",
            history=self.history,
            models=SimpleNamespace(engine=engine),
            spawn=self.spawn,
            agent=lambda: SimpleNamespace(persona=Persona()),
        )
        self.summary = Summary(context, lambda: budget)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        self.spawned.append(name)
        return asyncio.get_running_loop().create_task(work)

    async def answer(self, request: ResponseRequest, emit: Emit) -> None:
        self.asked.append(request)
        await asyncio.sleep(self.takes_s)
        if self.fault is not None:
            raise self.fault
        for part in self.parts:
            await emit(part)


FACTS = "0000factfactfactfactfact"


def test_a_model_is_asked_for_few_exact_words_and_they_are_kept() -> None:
    async def script() -> None:
        w = Writing(TextPart(FACTS[:9]), TextPart(FACTS[9:]), WrittenPart())
        leaving = w.history.memory.leaving(w.history.items, 110)
        question = w.history.memory.question(leaving)
        w.summary.begin()
        await asyncio.sleep(2.0)
        (request,) = w.asked
        assert request.messages == question
        assert request.options == ChatOptions(max_tokens=200, temperature=0.0)
        assert (request.synthesizer, request.style) == (None, SpeakingStyle())
        assert request.caller == Caller("s1", Priority.SPECULATIVE, about="summary")
        assert w.history.memory.summary == FACTS
        assert w.spawned == ["summary"]

    run_virtual(script())


def test_nothing_is_summed_up_where_all_fits() -> None:
    async def script() -> None:
        w = Writing(budget=1000)
        w.summary.begin()
        w.summary.give_way()
        await asyncio.sleep(2.0)
        assert (w.spawned, w.asked) == ([], [])

    run_virtual(script())


def test_one_is_written_at_a_time() -> None:
    async def script() -> None:
        w = Writing(TextPart(FACTS))
        w.summary.begin()
        await asyncio.sleep(0.5)
        w.summary.begin()
        await asyncio.sleep(2.0)
        assert len(w.asked) == 1

    run_virtual(script())


def test_a_fault_or_a_model_that_takes_too_long_leaves_all_as_it_was_and_it_is_tried_again() -> None:
    async def script() -> None:
        w = Writing(TextPart(FACTS))
        w.fault = ModelError("broken")
        w.summary.begin()
        await asyncio.sleep(2.0)
        assert w.history.memory.summary == ""
        w.fault, w.takes_s = None, 31.0
        w.summary.begin()
        await asyncio.sleep(40.0)
        assert w.history.memory.summary == ""
        w.takes_s = 29.0
        w.summary.begin()
        await asyncio.sleep(40.0)
        assert w.history.memory.summary == FACTS
        assert len(w.asked) == 3

    run_virtual(script())


def test_it_gives_way_to_an_answer_on_the_same_processors() -> None:
    async def script() -> None:
        here, elsewhere = Writing(TextPart(FACTS)), Writing(TextPart(FACTS), off_host=True)
        for w in (here, elsewhere):
            w.summary.begin()
        await asyncio.sleep(0.5)
        for w in (here, elsewhere):
            w.summary.give_way()
        await asyncio.sleep(2.0)
        assert (here.history.memory.summary, elsewhere.history.memory.summary) == ("", FACTS)
        here.summary.begin()
        await asyncio.sleep(2.0)
        assert here.history.memory.summary == FACTS

    run_virtual(script())
