"""A chat model behind one that takes turns itself: what it is asked, what it calls, what it whispers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.delegate import METADATA
from parley.conversation.engines.cascade import Cascade
from parley.conversation.engines.duplex import Duplex
from parley.conversation.items import Item, new_id
from parley.conversation.responses.response import ResponseOptions
from parley.conversation.settings import SessionSettings
from parley.conversation.tools.tool import Tool
from parley.errors import ModelError, ProtocolError
from parley.models.fakes import FakeChat, FakeDuplexModel, FakeRecognizer
from parley.models.interfaces import Caller, ChatOptions, Message
from parley.turns.actions import Ending
from tests.stage import Stage
from tests.virtual_time import run_virtual

CLIENTS = {
    "type": "function",
    "function": {
        "name": "open_door", "description": "Opens one.",
        "parameters": {"type": "object", "properties": {"door": {"type": "string"}}},
    },
}  # fmt: skip


class Desk:
    """A talk with a model that takes turns itself, and what stands behind it."""

    def __init__(
        self, answers: Sequence[str | None], *, delegate: str | None = "desk", words: Sequence[str] = ("What time?",),
        **settings: Any,
    ) -> None:  # fmt: skip
        self.model = FakeDuplexModel()
        self.chat = FakeChat(answers)
        self.stage = Stage(
            recognizer=FakeRecognizer(words), engine=Duplex(self.model), engines={"desk": Cascade(self.chat)},
            settings=SessionSettings(delegate=delegate, **settings),
        )  # fmt: skip

    async def turn(self, quiet_s: float = 6.0) -> None:
        await self.stage.say(1.0)
        await self.stage.silence(quiet_s)

    @property
    def responses(self) -> list[str]:
        """Ids of what was asked beside the conversation."""
        started = self.stage.of(nt.ResponseStarted)
        assert all(r.metadata == METADATA for r in started if r.out_of_band)
        return [r.response for r in started if r.out_of_band]

    def items(self, kind: str) -> list[Item]:
        return [i for i in self.stage.session.history.items if i.kind == kind]


def play(desk: Desk, script: Callable[[Desk], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with desk.stage:
            await script(desk)
        assert not desk.chat.open_streams
        assert not desk.model.open_slots

    run_virtual(whole())


async def noon(_: dict[str, Any]) -> Any:
    await asyncio.sleep(0.5)
    return {"time": "12:00"}


CLOCK = Tool("clock", "Tells the time.", noon)


def test_what_it_knows_is_whispered_and_stands_nowhere_in_the_conversation() -> None:
    async def script(d: Desk) -> None:
        await d.turn()
        assert d.model.whispers == ["It is noon."]
        said = [i.heard_text for i in d.stage.session.history.items]
        assert sorted(said) == ["What time?", "right so yes"]
        choose, answer = d.chat.prompts
        assert choose[-1]["content"] == "What time?"
        assert "You are a clerk." in answer[0]["content"]
        assert answer[-1]["content"].startswith("User: What time?\n\n"), "what the model said to it is left out"
        assert len(d.responses) == 1

    play(Desk(["Fact.", "It  is noon.\n"], instructions="You are a clerk."), script)


@pytest.mark.parametrize(
    ("answers", "asked", "responses"),
    [
        (["talk"], 1, 0),
        (["no label at all"], 1, 0),
        (["open"], 1, 0),
        ([""], 1, 0),
        ([None], 3, 0),
        (["fact", "-"], 2, 1),
        (["fact", None], 4, 1),
        (["open_door", None], 4, 0),
    ],
)
def test_where_there_is_nothing_to_say_and_where_it_fails_nothing_is_whispered(
    answers: list[str | None], asked: int, responses: int
) -> None:
    async def script(d: Desk) -> None:
        await d.turn()
        assert (len(d.chat.prompts), len(d.responses)) == (asked, responses)
        assert d.model.whispers == []

    play(Desk(answers, tools=(CLIENTS,)), script)


def test_its_prompts_are_read_before_anybody_has_spoken() -> None:
    async def script(d: Desk) -> None:
        read: list[str] = []

        async def prefill(messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
            read.append(caller.about)

        d.chat.prefill = prefill  # type: ignore[method-assign]
        await d.stage.say(0.5)
        assert read == ["delegate chooses", "delegate answers"]
        await d.turn()
        assert len(read) == 2, "once"
        d.stage.set(instructions="You are a clerk.")
        await d.turn()
        assert len(read) == 4

    play(Desk(["talk"]), script)


def test_a_delegate_that_cannot_read_ahead_is_asked_all_the_same() -> None:
    async def script(d: Desk) -> None:
        async def prefill(messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
            raise ModelError("no")

        d.chat.prefill = prefill  # type: ignore[method-assign]
        await d.turn()
        assert d.model.whispers == ["It is noon."]

    play(Desk(["fact", "It is noon."]), script)


def test_a_client_that_wants_no_tools_has_none_called() -> None:
    async def script(d: Desk) -> None:
        await d.turn()
        assert "clock" not in d.chat.prompts[0][0]["content"]
        assert not d.items("function_call")

    play(Desk(["clock", "It is noon."], server_tools=(CLOCK,), tool_choice="none"), script)


def test_without_the_arguments_that_a_tool_wants_it_is_not_called() -> None:
    needs = {"type": "object", "properties": {"door": {"type": "string"}}, "required": ["door"]}
    tool = {"type": "function", "function": {**CLIENTS["function"], "parameters": needs}}  # type: ignore[dict-item]

    async def script(d: Desk) -> None:
        await d.turn()
        assert len(d.chat.prompts) == 2
        assert not d.responses
        assert not d.items("function_call")

    play(Desk(["open_door", "I cannot tell.", "The door is open."], tools=(tool,)), script)


def test_tools_of_the_server_are_called_and_their_results_answered() -> None:
    async def script(d: Desk) -> None:
        await d.turn()
        assert d.model.whispers == ["It is noon."]
        [call], [result] = d.items("function_call"), d.items("function_call_output")
        assert (call.name, result.call_id, result.output) == ("clock", call.call_id, '{"time":"12:00"}')
        choose, answer = d.chat.prompts
        assert "clock: Tells the time." in choose[0]["content"]
        assert 'Result of clock: {"time":"12:00"}' in answer[-1]["content"]
        assert len(d.responses) == 2

    play(Desk(["clock", "It is noon."], server_tools=(CLOCK,)), script)


def test_tools_of_the_client_are_called_by_it_and_it_need_not_ask_for_the_answer() -> None:
    async def script(d: Desk) -> None:
        await d.turn(3.0)
        [call] = d.items("function_call")
        assert (call.name, call.arguments) == ("open_door", '{"door": "front"}')
        session = d.stage.session
        with pytest.raises(ProtocolError):
            session.add_item(Item(new_id("item"), "function_call_output", call_id="another", output="x"))
        session.add_item(Item(new_id("item"), "function_call_output", call_id=call.call_id, output="It is open."))
        session.request_response(ResponseOptions())
        await d.stage.silence(2.0)
        assert d.model.whispers == ["The door is open."]
        with pytest.raises(ProtocolError):
            session.request_response(ResponseOptions())
        assert "It is open." in str(d.chat.prompts[-1])

    answers = ["`open_door`", 'Sure: ```json\n{"door": "front",}\n```', "The door is open."]
    play(Desk(answers, tools=(CLIENTS,), server_tools=(CLOCK,)), script)


def test_what_a_client_says_too_late_or_twice_is_refused_and_harms_nobody() -> None:
    async def script(d: Desk) -> None:
        await d.turn(3.0)
        [call] = d.items("function_call")
        session = d.stage.session
        result = Item(new_id("item"), "function_call_output", call_id=call.call_id, output="It is open.")
        await d.turn(3.0)
        session.add_item(result)  # for the record: the user has said something else since
        with pytest.raises(ProtocolError):
            session.request_response(ResponseOptions())
        with pytest.raises(ProtocolError):
            session.add_item(Item(new_id("item"), "function_call_output", call_id=call.call_id, output="Again."))
        assert d.model.whispers == []

    play(Desk(["open_door", "none", "talk"], tools=(CLIENTS,), words=("Open it.", "Never mind.")), script)


def test_a_tool_of_the_server_comes_to_its_end_though_the_user_says_something_else() -> None:
    async def slow(_: dict[str, Any]) -> Any:
        await asyncio.sleep(3.0)
        return "done"

    async def script(d: Desk) -> None:
        await d.turn(1.5)
        await d.turn(6.0)
        [result] = d.items("function_call_output")
        assert result.output == "done"
        assert d.model.whispers == []

    tool = Tool("bake", "Bakes a cake.", slow)
    play(Desk(["bake", "talk"], server_tools=(tool,), words=("Bake it.", "Hello!")), script)


def test_of_what_waits_to_be_whispered_only_the_last_is() -> None:
    async def script(d: Desk) -> None:
        d.stage.connection.person.listening.whisper("Old.")
        await d.stage.say(1.0)
        d.stage.connection.person.listening.whisper("Older.")
        d.stage.connection.person.listening.whisper("It is noon.")
        await d.stage.silence(0.1)
        assert d.model.whispers == ["Old."]
        await d.turn()
        assert d.model.whispers == ["Old.", "It is noon.", "It is one."]

    play(Desk(["fact", "It is one."]), script)


def test_after_a_change_of_model_nothing_more_is_said_for_the_one_before() -> None:
    async def script(d: Desk) -> None:
        await d.turn(3.0)
        d.stage.set(engine="desk")
        await d.stage.silence(1.0)
        [call] = d.items("function_call")
        d.stage.session.add_item(Item(new_id("item"), "function_call_output", call_id=call.call_id, output="Open."))
        await d.stage.silence(2.0)
        assert len(d.responses) == 1
        assert d.model.whispers == []

    play(Desk(["open_door", "none", "The door is open."], tools=(CLIENTS,)), script)


@pytest.mark.parametrize("name", ["fact", "talk"])
def test_a_tool_that_is_called_like_a_label_is_none(name: str) -> None:
    async def script(d: Desk) -> None:
        await d.turn()
        assert not d.items("function_call")

    play(Desk([name, "-"], server_tools=(Tool(name, "Tells.", noon),)), script)


def test_a_client_that_gives_no_result_is_not_waited_for_for_ever() -> None:
    async def script(d: Desk) -> None:
        await d.turn(70.0)
        assert d.model.whispers == []
        assert len(d.chat.prompts) == 2
        assert not [t for t in d.stage.session._tasks if "delegate" in t.get_name()]

    play(Desk(["open_door", "none", "The door is open."], tools=(CLIENTS,)), script)


def test_only_the_last_turn_counts() -> None:
    async def script(d: Desk) -> None:
        await d.turn(2.0)
        await d.turn()
        assert d.model.whispers == ["It is noon."]
        endings = {r.response: r.ending for r in d.stage.of(nt.ResponseEnded)}
        assert [endings[r] for r in d.responses] == [Ending.CUT, Ending.FINISHED]

    play(Desk(["fact", "…", "fact", "It is noon."], words=("Who are you?", "What time?")), script)


def test_a_client_may_cancel_what_is_asked() -> None:
    async def script(d: Desk) -> None:
        await d.turn(2.0)
        assert d.stage.session.cancel_response(d.responses[0])
        await d.stage.silence(1.0)
        await d.turn()
        assert d.model.whispers == ["It is noon."]

    play(Desk(["fact", "…", "fact", "It is noon."]), script)


def test_it_is_whispered_once_nobody_speaks() -> None:
    async def script(d: Desk) -> None:
        await d.stage.say(1.0)
        while not d.stage.of(nt.ResponseEnded):
            await d.stage.silence(0.02)
            assert d.model.whispers == [] or d.stage.of(nt.ResponseEnded)
        runner = d.stage.connection.person.listening
        await d.stage.say(0.5)
        runner.whisper("Wait for it.")
        await d.stage.say(2.0)
        assert "Wait for it." not in d.model.whispers
        await d.stage.silence(4.0)
        assert "Wait for it." in d.model.whispers
        await d.stage.say(0.5)
        runner.whisper("Too old.")
        await d.stage.say(25.0)
        await d.stage.silence(4.0)
        assert "Too old." not in d.model.whispers

    play(Desk(["talk"]), script)


@pytest.mark.parametrize("delegate", [None, "nobody", "itself"])
def test_without_a_delegate_nobody_is_asked(delegate: str | None) -> None:
    async def script(d: Desk) -> None:
        await d.turn()
        assert not d.chat.prompts
        assert d.model.whispers == []

    desk = Desk(["It is noon."], delegate=delegate)
    desk.stage.engines["itself"] = Duplex(FakeDuplexModel())
    play(desk, script)


def test_a_model_that_is_asked_for_answers_needs_none() -> None:
    async def script(d: Desk) -> None:
        d.stage.set(engine="desk")
        await d.stage.silence(0.5)
        await d.turn()
        assert len(d.chat.prompts) == 1
        assert "voice assistant, with one word" not in str(d.chat.prompts)
        assert not d.responses

    play(Desk(["It is noon."]), script)
