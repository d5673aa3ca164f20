"""Work that may be thrown away is done with what nobody needs: not while another session's user waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.agent import Persona
from parley.conversation.history import History
from parley.conversation.items import Item
from parley.conversation.responses.reading_ahead import ReadingAhead
from parley.errors import ModelError
from parley.models.fakes import FakeChat
from parley.models.interfaces import Caller, ChatOptions, Message, Priority
from tests.stage import Stage
from tests.virtual_time import run_virtual


class Noting(FakeChat):
    """Remembers what it was given to read ahead."""

    def __init__(self, answer: str = "It is noon.") -> None:
        super().__init__([answer])
        self.read_ahead: list[str] = []

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        self.read_ahead.append(str(messages[-1]["content"]))


async def conversing(own: Noting, *, beside: bool) -> None:
    """Speak for three seconds, while another session's user waits for an answer that does not come, or alone."""
    stalled = FakeChat(["…"])
    async with Stage(chat=own) as speaking, Stage(chat=stalled) as waiting:
        if beside:
            await waiting.silence(0.3)
            await waiting.say(1.0)
            await waiting.silence(0.8)
            assert stalled.open_streams
        await speaking.silence(0.3)
        await asyncio.gather(speaking.say(3.0), waiting.silence(3.0))
        heard = len(own.read_ahead)
        await speaking.silence_until(nt.ResponseEnded)
        assert (heard == 0) == beside


def test_a_prompt_is_read_while_its_user_still_speaks() -> None:
    run_virtual(conversing(Noting(), beside=False))


def test_it_is_not_while_the_user_of_another_session_waits() -> None:
    run_virtual(conversing(Noting(), beside=True))


OPTIONS = ChatOptions(max_tokens=7)


class Engine:
    """Reads a prompt for a while, and remembers it."""

    context_tokens = None

    def __init__(self, *, off_host: bool, accepts_audio: bool, takes_s: float) -> None:
        self.off_host, self.accepts_audio, self.takes_s = off_host, accepts_audio, takes_s
        self.read: list[tuple[list[Message], ChatOptions, Caller]] = []
        self.whole = 0
        self.fails = False
        self.notes = 0
        self.notes_stopped = 0

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        self.read.append((list(messages), options, caller))
        await asyncio.sleep(self.takes_s)
        self.whole += 1
        if self.fails:
            raise ModelError("broken")

    async def answer(self, request: Any, emit: Any) -> None:
        self.notes += 1
        try:
            await asyncio.sleep(10.0)
        except asyncio.CancelledError:
            self.notes_stopped += 1
            raise


class Ahead:
    """Reading ahead of a conversation of a few turns."""

    def __init__(
        self, *, answers: bool = True, others_wait: bool = False, off_host: bool = False, accepts_audio: bool = False,
        takes_s: float = 1.0, budget: int = 1000, memory_tokens: int | None = None,
    ) -> None:  # fmt: skip
        self.engine = Engine(off_host=off_host, accepts_audio=accepts_audio, takes_s=takes_s)
        self.history = History()
        self.spawned: list[str] = []
        context: Any = SimpleNamespace(
            id="s1", settings=SimpleNamespace(answers=answers, opening="Be kind."), history=self.history,
            models=SimpleNamespace(engine=self.engine), load=lambda: "others wait" if others_wait else "free",
            answerer=lambda *_: None,
            agent=lambda _="": SimpleNamespace(
                name="Ada", models=SimpleNamespace(engine=self.engine), persona=Persona(memory_tokens=memory_tokens)
            ),
            spawn=self.spawn,
        )  # fmt: skip
        requests: Any = SimpleNamespace(
            budget_tokens=lambda *_: budget, chat_options=lambda *_: OPTIONS, said=lambda _, words: words,
            prompt=lambda *_, ahead, heard: self.history.messages("Be kind.", budget, ahead=ahead, heard=heard),
        )  # fmt: skip
        self.ahead = ReadingAhead(context, requests)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        self.spawned.append(name)
        return asyncio.get_running_loop().create_task(work)

    def turns(self, count: int) -> None:
        """Ten tokens each."""
        for i in range(count):
            self.history.insert(Item(f"i{i}", role="user" if i % 2 == 0 else "assistant", text=f"{i:04}" + "x" * 20))

    async def begun(self, so_far: str = "") -> list[Message] | None:
        """What is read because of it."""
        self.ahead.begin(so_far)
        await asyncio.sleep(0.1)
        return self.engine.read[-1][0] if self.engine.read else None


SYSTEM = {"role": "system", "content": "Be kind."}


def played(script: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_virtual(script())


def test_the_next_prompt_is_read_as_the_answer_will_be_asked_for() -> None:
    async def script() -> None:
        a = Ahead()
        a.turns(2)
        assert await a.begun() == [
            SYSTEM, {"role": "user", "content": "0000" + "x" * 20}, {"role": "assistant", "content": "0001" + "x" * 20}
        ]  # fmt: skip
        ((_, options, caller),) = a.engine.read
        assert options is OPTIONS
        assert (caller.owner, caller.priority) == ("s1", Priority.SPECULATIVE)
        assert a.spawned == ["prefill"]

    played(script)


@pytest.mark.parametrize(
    ("so_far", "off_host", "accepts_audio", "read"),
    [
        ("So it", False, False, [SYSTEM, {"role": "user", "content": "So it"}]),
        ("So it", True, False, [SYSTEM, {"role": "user", "content": "So it"}]),
        ("So it", False, True, [SYSTEM]),  # it hears the turn itself
        ("", False, False, [SYSTEM]),
        ("", True, False, None),  # nothing is known that a prompt would end with
    ],
)
def test_with_the_words_of_the_turn_so_far(
    so_far: str, read: list[Message] | None, *, off_host: bool, accepts_audio: bool
) -> None:
    async def script() -> None:
        a = Ahead(off_host=off_host, accepts_audio=accepts_audio)
        assert await a.begun(so_far) == read

    played(script)


def test_an_assistant_who_spoke_first_was_greeted() -> None:
    async def script() -> None:
        a = Ahead()
        a.history.insert(Item("a", role="assistant", text="Welcome!"))
        assert [m["content"] for m in await a.begun() or ()] == ["Be kind.", "Hello.", "Welcome!"]

    played(script)


def test_it_leaves_room_for_the_turn_to_come() -> None:
    async def script() -> None:
        a = Ahead(budget=100)
        a.turns(10)
        assert len(await a.begun() or ()) < 10

    played(script)


@pytest.mark.parametrize("why", ["answers", "others_wait"])
def test_nothing_is_read_that_nobody_will_ask_for_or_while_others_wait(why: str) -> None:
    async def script() -> None:
        a = Ahead(**{why: why == "others_wait"})
        assert await a.begun("So") is None

    played(script)


def test_one_thing_is_read_at_a_time() -> None:
    async def script() -> None:
        a = Ahead()
        await a.begun("So")
        await a.begun("So it")
        assert len(a.engine.read) == 1
        await asyncio.sleep(1.0)
        await a.begun("So it is")
        assert len(a.engine.read) == 2

    played(script)


@pytest.mark.parametrize(("takes_s", "waits_s", "whole"), [(1.0, 0.9, 1), (60.0, 3.0, 0)])
def test_an_answer_waits_until_it_is_read_but_not_for_long(takes_s: float, waits_s: float, whole: int) -> None:
    async def script() -> None:
        a = Ahead(takes_s=takes_s)
        loop = asyncio.get_running_loop()
        await a.ahead.finish()
        await a.begun("So")
        began = loop.time()
        await a.ahead.finish()
        assert loop.time() - began == pytest.approx(waits_s)
        await asyncio.sleep(100.0)
        assert a.engine.whole == whole
        began = loop.time()
        await a.ahead.finish()
        assert loop.time() == began

    played(script)


def test_a_model_that_cannot_read_ahead_does_no_harm() -> None:
    async def script() -> None:
        a = Ahead()
        a.engine.fails = True
        await a.begun("So")
        await a.ahead.finish()
        a.engine.fails = False
        await a.begun("So it")
        assert len(a.engine.read) == 2

    played(script)


def test_who_has_only_the_last_words_in_mind_has_no_notes_of_the_others() -> None:
    async def script() -> None:
        a = Ahead(budget=110, memory_tokens=110)
        a.turns(10)
        await a.begun()
        assert (a.spawned, a.engine.notes) == (["prefill"], 0)

    played(script)


def test_what_will_not_fit_is_summed_up_meanwhile_and_gives_way_to_an_answer() -> None:
    async def script() -> None:
        a = Ahead(budget=110)
        a.turns(10)
        await a.begun()
        assert (a.spawned, a.engine.notes) == (["prefill", "summary"], 1)
        a.ahead.give_way()
        await asyncio.sleep(0.1)
        assert a.engine.notes_stopped == 1

    played(script)
