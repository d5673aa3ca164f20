"""An agent's name in front of its own words is not said, however it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from parley.conversation.engines.own_name import without_name
from parley.models.interfaces import ChatDelta, ToolCall


async def deltas(*texts: str) -> AsyncGenerator[ChatDelta, None]:
    for text in texts:
        yield ChatDelta(text=text)
    yield ChatDelta(finish_reason="stop")


async def said(name: str, *texts: str) -> str:
    return "".join([delta.text async for delta in without_name(deltas(*texts), name)])


@pytest.mark.parametrize(
    ("texts", "rest"),
    [
        (["Ada: Good morning."], "Good morning."),
        (["A", "da", ":", " Good", " morning."], "Good morning."),
        (["**Ada:** Good morning."], "Good morning."),
        (["ADA : Good morning."], "Good morning."),
        (["\nAda:\nGood morning."], "Good morning."),
        (["Adam: Good morning."], "Adam: Good morning."),
        (["Ada says good morning."], "Ada says good morning."),
        (["Good", " morning, Ada: how are you?"], "Good morning, Ada: how are you?"),
        (["Ada"], "Ada"),
        (["Ada: "], "Ada: "),
        ([""], ""),
    ],
)
async def test_the_name_goes_and_nothing_else_does(texts: list[str], rest: str) -> None:
    assert await said("Ada", *texts) == rest


async def test_without_a_name_nothing_is_looked_at() -> None:
    assert await said("", "Ada: Good morning.") == "Ada: Good morning."


async def test_what_is_no_text_comes_in_its_place() -> None:
    async def stream() -> AsyncGenerator[ChatDelta, None]:
        yield ChatDelta()
        yield ChatDelta(text="Ada: I look")
        yield ChatDelta(tool_call=ToolCall(0, "call", "look", "{}", done=True))

    found = [(d.text, d.tool_call is not None) async for d in without_name(stream(), "Ada")]
    assert found == [("", False), ("I look", False), ("", True)]


async def test_a_thought_that_is_taken_back_does_not_hold_the_answer_up() -> None:
    async def stream() -> AsyncGenerator[ChatDelta, None]:
        yield ChatDelta(text="Ad")
        yield ChatDelta(retracts=True)
        yield ChatDelta(text="Ada: Hello.")

    assert [(d.text, d.retracts) async for d in without_name(stream(), "Ada")] == [("", True), ("Hello.", False)]
