"""What was said before is not said again."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from parley.conversation.engines.unsaid import unsaid
from parley.models.interfaces import ChatDelta, ToolCall

SAID = ("Cats clean themselves.", "Dogs are loyal!", "A dog needs its walk at six in the morning, yes, and more.")


async def written(*texts: str) -> AsyncGenerator[ChatDelta, None]:
    for text in texts:
        yield ChatDelta(text=text)
    yield ChatDelta(finish_reason="stop")


async def left(*texts: str) -> str:
    return "".join([d.text async for d in unsaid(written(*texts), SAID)])


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Cats clean themselves. They purr.", "They purr."),
        ("They purr. Cats clean themselves.", "They purr. "),
        ("cats clean themselves! DOGS ARE LOYAL.", ""),
        ("Cats clean themselves every day.", "Cats clean themselves every day."),
        ("Ben, cats clean themselves.", "Ben, cats clean themselves."),
        ("And yes, a dog needs its walk at six. Rain or not.", "Rain or not."),
        ("A dog needs its walk at six in the morning.", ""),
        (
            "A dog needs its walk, and nobody has the time for it.",
            "A dog needs its walk, and nobody has the time for it.",
        ),
        ("Cats", "Cats"),
        ("Dogs are loyal", ""),
        ("It costs 3.50 a day. Dogs are loyal. Really.", "It costs 3.50 a day. Really."),
        ("Cats clean themselves.\nThey purr.", "They purr."),
        ("", ""),
    ],
)
async def test_sentences_that_were_said_are_left_out_however_the_text_comes(text: str, kept: str, size: int) -> None:
    assert await left(*(text[i : i + size] for i in range(0, len(text), size))) == kept


async def test_a_sentence_is_given_once_it_is_whole() -> None:
    parts = [d.text async for d in unsaid(written("Cats ", "clean ", "windows. ", "Well."), SAID)]
    assert [part for part in parts if part] == ["Cats clean windows. ", "Well."]


async def test_calls_and_what_is_retracted_pass() -> None:
    async def thinking() -> AsyncGenerator[ChatDelta, None]:
        yield ChatDelta(text="Cats clean")
        yield ChatDelta(retracts=True)
        yield ChatDelta(text="Cats")
        yield ChatDelta(tool_call=ToolCall(0, "c", "f", "{}", done=True))

    found = [d async for d in unsaid(thinking(), SAID)]
    assert [d.retracts for d in found] == [True, False]
    assert (found[1].text, found[1].tool_call is not None) == ("Cats", True)


async def test_nothing_is_left_out_where_nothing_was_said() -> None:
    assert (
        "".join([d.text async for d in unsaid(written("Cats clean themselves."), [" ?"])]) == "Cats clean themselves."
    )
