"""Calls that the server carries out: results, the answer to them, and what comes in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.items import Item
from parley.conversation.responses.response import ResponseOptions
from parley.conversation.settings import SessionSettings
from parley.conversation.tools.tool import Tool
from parley.models.fakes import FakeChat, FakeRecognizer
from parley.models.interfaces import Caller, ChatDelta, ChatOptions, Message, ToolCall
from parley.turns.actions import Ending
from tests.conversation.test_conversation import LONG, play
from tests.stage import Stage

Answer = tuple[str, Sequence[str]]
"""Some words, then calls."""


class Calling(FakeChat):
    """Answers as scripted, the last answer again and again; remembers what it was offered."""

    def __init__(self, *script: Answer) -> None:
        super().__init__()
        self._script = list(script)
        self.offers: list[ChatOptions] = []

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        self.prompts.append(list(messages))
        self.offers.append(options)
        words, calls = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        await asyncio.sleep(0.03)
        if words:
            yield ChatDelta(text=words)
        for index, name in enumerate(calls if options.tool_choice != "none" else ()):
            arguments = "[]" if name == "odd" else '{"place": "here"}'
            yield ChatDelta(tool_call=ToolCall(index, f"call_{name}_{len(self.prompts)}", name, arguments))
            yield ChatDelta(tool_call=ToolCall(index, f"call_{name}_{len(self.prompts)}", name, arguments, done=True))

    @property
    def results(self) -> list[str]:
        """What the last prompt told of results."""
        return [m["content"] for m in self.prompts[-1] if m["role"] == "tool"]


class Weather:
    """A tool that waits until it may answer."""

    def __init__(self, result: Any = "It is sunny.", *, at_once: bool = True) -> None:
        self.may = asyncio.Event()
        if at_once:
            self.may.set()
        self.result = result
        self.asked: list[dict[str, Any]] = []
        self.cancelled = False

    async def run(self, arguments: dict[str, Any]) -> Any:
        self.asked.append(arguments)
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def tool(self, name: str = "weather", **more: Any) -> Tool:
        return Tool(name, "Tells the weather.", self.run, **more)


THEIRS = {"type": "function", "function": {"name": "light", "parameters": {"type": "object"}}}


def stage(chat: FakeChat, *tools: Tool, heard: str = "How is it?", **settings: Any) -> Stage:
    settings = {"server_tools": tools, **settings}
    return Stage(chat=chat, settings=SessionSettings(**settings), recognizer=FakeRecognizer([heard]))


def kinds(s: Stage) -> list[str]:
    return [i.kind if i.kind != "message" else f"{i.role}: {i.heard_text}" for i in s.session.history.items]


def test_a_call_is_carried_out_and_its_result_answered() -> None:
    weather, chat = Weather({"sky": "blue"}), Calling(("Let me see.", ["weather"]), ("It is sunny.", []))

    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert weather.asked == [{"place": "here"}]
        assert chat.results == ['{"sky":"blue"}']
        assert [t["function"]["name"] for t in chat.offers[0].tools] == ["weather"]
        assert kinds(s) == [
            "user: How is it?", "assistant: Let me see.", "function_call", "function_call_output",
            "assistant: It is sunny.",
        ]  # fmt: skip
        told = s.of(nt.ItemAdded)[-1]
        assert told.item.kind == "function_call_output"
        assert told.previous == s.session.history.items[2].id
        assert s.endings == [Ending.FINISHED] * 2

    play(script, lambda: stage(chat, weather.tool()))


def test_what_is_prepared_calls_nothing_before_the_turn_is_over() -> None:
    weather, chat = Weather(), Calling(("", ["weather"]), ("", ["weather"]), ("Sunny.", []))

    async def script(s: Stage) -> None:
        s.end_of_turn.value = 0.3
        await s.say(1.0)
        await s.silence(0.6)
        assert chat.prompts, "an answer is prepared"
        assert not weather.asked
        await s.say(1.0)
        assert not weather.asked, "the turn went on, and the call was in vain"
        await s.silence_until(nt.ResponseStarted)
        await s.silence(0.1)
        assert len(weather.asked) == 1

    play(script, lambda: stage(chat, weather.tool(), heard="Tell me about it"))


def test_several_calls_are_carried_out_at_once_and_answered_together() -> None:
    slow, quick = Weather("slow", at_once=False), Weather("quick")
    chat = Calling(("", ["slow", "quick"]), ("Both.", []))

    async def script(s: Stage) -> None:
        s.session.request_response()
        await s.silence(1.0)
        assert [i.output for i in s.session.history.items if i.output] == ["quick"]
        assert len(s.of(nt.ResponseStarted)) == 1, "one is missing"
        slow.may.set()
        await s.silence_until(nt.ResponseEnded, 2)
        assert sorted(chat.results) == ["quick", "slow"]
        assert kinds(s)[-1] == "assistant: Both."

    play(script, lambda: stage(chat, slow.tool("slow"), quick.tool("quick")))


def test_an_answer_that_the_client_has_calls_of_waits_for_the_results_and_is_the_clients_to_ask_for() -> None:
    slow = Weather(at_once=False)
    chat = Calling(("", ["weather", "light"]), ("Done.", []))

    async def script(s: Stage) -> None:
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded)
        call = next(i for i in s.session.history.items if i.name == "light")
        s.session.add_item(Item("out", "function_call_output", call_id=call.call_id, output="on"))
        s.session.request_response()
        await s.silence(1.0)
        assert len(s.of(nt.ResponseStarted)) == 1, "the server's result is missing"
        slow.may.set()
        await s.silence_until(nt.ResponseEnded, 2)
        assert sorted(chat.results) == ["It is sunny.", "on"]
        await s.silence(2.0)
        assert len(s.endings) == 2, "once"

    play(script, lambda: stage(chat, slow.tool(), tools=(THEIRS,)))


def test_calls_of_the_client_alone_are_left_to_it() -> None:
    weather, chat = Weather(), Calling(("", ["light"]), ("Done.", []))

    async def script(s: Stage) -> None:
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded)
        await s.silence(1.0)
        assert len(s.endings) == 1
        assert kinds(s) == ["function_call"]
        assert not weather.asked

    play(script, lambda: stage(chat, weather.tool(), tools=(THEIRS,)))


def test_a_name_that_the_client_declares_is_the_clients() -> None:
    weather, chat = Weather(), Calling(("", ["light"]))

    async def script(s: Stage) -> None:
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded)
        assert not weather.asked
        assert chat.offers[0].tools == (THEIRS,)

    play(script, lambda: stage(chat, weather.tool("light"), tools=(THEIRS,)))


def test_a_call_survives_that_the_sentence_before_it_is_interrupted_and_its_result_waits_for_the_user() -> None:
    slow, chat = Weather(at_once=False), Calling((LONG, ["weather"]), ("It is sunny.", []))

    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence_until(nt.ResponseText)
        await s.silence(1.0)
        assert slow.asked
        await s.say(1.5)
        assert s.endings == [Ending.CUT]
        slow.may.set()
        await s.say(1.0)
        assert len(s.of(nt.ResponseStarted)) == 1, "the user speaks"
        await s.silence_until(nt.ResponseEnded, 2)
        assert chat.results == ["It is sunny."]
        await s.silence(3.0)
        assert len(s.endings) == 2, "the user's turn was answered, knowing the result"
        assert not slow.cancelled

    play(script, lambda: stage(chat, slow.tool()))


def test_a_result_that_comes_while_another_answer_sounds_is_answered_behind_it() -> None:
    slow = Weather(at_once=False)
    chat = Calling(("", ["weather"]), ("One two three four five six.", []), ("It is sunny.", []))

    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        await s.say(1.0)
        await s.silence_until(nt.ResponseText)
        await s.silence(0.5)
        assert chat.results == ["There is no result yet."]
        slow.may.set()
        await s.silence_until(nt.ResponseEnded, 3)
        assert chat.results[-1] == "It is sunny."
        assert s.endings == [Ending.FINISHED] * 3

    play(script, lambda: stage(chat, slow.tool()))


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (ValueError("there is no such place"), {"error": "there is no such place"}),
        (KeyError(), {"error": "KeyError"}),
        (object(), {"error": "Encoding objects of type object is unsupported"}),
    ],
)
def test_a_tool_that_fails_is_told_to_the_model(result: Any, told: dict[str, str]) -> None:
    weather, chat = Weather(result), Calling(("", ["weather"]), ("It failed.", []))

    async def script(s: Stage) -> None:
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded, 2)
        assert [json.loads(result) for result in chat.results] == [told]

    play(script, lambda: stage(chat, weather.tool()))


def test_a_tool_that_hangs_or_is_given_no_object_or_says_too_much_ends_too() -> None:
    hangs, odd, loud = Weather(at_once=False), Weather(), Weather("x" * 20_000)
    chat = Calling(("", ["hangs", "odd", "loud"]), ("So it is.", []))

    async def script(s: Stage) -> None:
        began = s.now
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded, 2)
        assert 5.0 < s.now - began < 7.0
        assert chat.results[0] == '{"error": "\'hangs\' gave no result within 5 s"}'
        assert chat.results[1] == '{"error": "the arguments are no JSON object"}'
        assert len(chat.results[2]) < 8100
        assert chat.results[2].endswith("[cut here: 20000 characters]")
        assert not odd.asked

    tools = hangs.tool("hangs", timeout_s=5.0), odd.tool("odd"), loud.tool("loud")
    play(script, lambda: stage(chat, *tools, memory_tokens=10_000))


def test_the_end_of_the_conversation_ends_a_call() -> None:
    slow = Weather(at_once=False)

    async def script(s: Stage) -> None:
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded)
        assert slow.asked

    play(script, lambda: stage(Calling(("", ["weather"])), slow.tool()))
    assert slow.cancelled


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_a_model_that_calls_again_and_again_has_to_say_something_in_the_end(choice: str) -> None:
    weather, chat = Weather(), Calling(("Again.", ["weather"]))

    async def script(s: Stage) -> None:
        s.session.request_response()
        await s.silence(30.0)
        assert len(weather.asked) == 8
        assert [o.tool_choice for o in chat.offers] == [choice, *["auto"] * 7, "none"]
        assert kinds(s)[-1] == "assistant: Again."

    play(script, lambda: stage(chat, weather.tool(), tool_choice=choice))


def test_an_answer_that_is_none_of_the_conversation_is_offered_none() -> None:
    chat = Calling(("Well.", []))

    async def script(s: Stage) -> None:
        s.session.request_response(ResponseOptions(out_of_band=True, modality="text"))
        await s.silence_until(nt.ResponseEnded)
        assert chat.offers[0].tools == ()

    play(script, lambda: stage(chat, Weather().tool()))


def test_of_a_call_that_was_deleted_nothing_is_told() -> None:
    slow, chat = Weather(at_once=False), Calling(("", ["weather"]))

    async def script(s: Stage) -> None:
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded)
        s.session.delete_item(s.session.history.items[0].id)
        slow.may.set()
        await s.silence(1.0)
        assert kinds(s) == []
        assert len(s.endings) == 1

    play(script, lambda: stage(chat, slow.tool()))
