"""Answers of a few sentences."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from parley.models.brief import brief
from parley.models.interfaces import ChatDelta


async def spoken(text: str, size: int, closed: list[bool]) -> AsyncGenerator[ChatDelta, None]:
    try:
        for i in range(0, len(text), size):
            yield ChatDelta(text=text[i : i + size])
        yield ChatDelta(finish_reason="stop")
    finally:
        closed.append(True)


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("One. Two. Three. Four.", "One. Two."),
        ("Is it? Yes! It is.", "Is it? Yes!"),
        ("I met Dr. Smith and J. K. Rowling today. They sang. Then it rained.", None),
        ("It costs 3.50 in all. Fine. No.", "It costs 3.50 in all. Fine."),
        ('He said "Go." She went. Nobody knew.', 'He said "Go." She went.'),
        ("We ate bread, e.g. rye. It was good. So good.", "We ate bread, e.g. rye. It was good."),
        ("Only one sentence", "Only one sentence"),
        ("", ""),
        ("One. Two.", "One. Two."),
    ],
)
async def test_the_answer_ends_behind_its_second_sentence(written: str, kept: str | None, size: int) -> None:
    closed: list[bool] = []
    kept = "I met Dr. Smith and J. K. Rowling today. They sang." if kept is None else kept
    deltas = [d async for d in brief(spoken(written, size, closed), 2)]
    assert "".join(d.text for d in deltas).rstrip() == kept
    assert deltas[-1].finish_reason == "stop"
    assert closed, "the model goes on although nobody listens"


async def test_what_is_retracted_does_not_count() -> None:
    async def thinking() -> AsyncGenerator[ChatDelta, None]:
        yield ChatDelta(text="One. Two. ")
        yield ChatDelta(retracts=True)
        yield ChatDelta(text="Three. Four. Five.")

    deltas = [d async for d in brief(thinking(), 2)]
    assert [d.text for d in deltas if d.text] == ["One. Two. ", "Three. Four."]
