"""Texts and items that cost far more than they are long."""

from __future__ import annotations

import time
from typing import Any

import pytest

from parley.conversation import memory
from parley.conversation.history import History
from parley.conversation.items import Item
from parley.conversation.output.text_chunker import Chunker
from parley.conversation.output.text_normalizer import speakable

TEXTS = {
    "dots": "." * 20_000,
    "brackets": "[" * 20_000,
    "links": "![a](" * 4_000,
    "stars": "**" * 10_000,
    "one letter": "x" * 20_000,
    "initials": "A. " * 7_000,
    "open lists": "[a, " * 5_000,
    "an address": "http://" + "." * 20_000 + "x",
}


class Counted(str):
    """An id that counts how often it is compared."""

    __slots__ = ()
    comparisons = 0

    def __eq__(self, other: Any) -> bool:
        Counted.comparisons += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.wild(before="7.8 s in which nobody hears anything", case="twelve thousand tiny items")
def test_items_are_found_without_looking_at_the_others() -> None:
    history, count = History(), 12_000
    Counted.comparisons = 0
    for number in range(count):
        history.insert(Item(Counted(number)), "root" if number % 3 == 0 else None)
    for number in range(count):
        history.update(Counted(number), text="x")
        history.before(Counted(number))
        history.get(Counted(number))
    assert Counted.comparisons < 10 * count


@pytest.mark.wild(before="seconds to minutes, the loop held", case="20 kB of one sign")
@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_costs_what_it_is_long(kind: str) -> None:
    """Processor time of this thread, so that a busy machine makes no difference; a hundredth of it is usual."""
    text = TEXTS[kind]
    began = time.thread_time()
    chunker = Chunker()
    pieces = [*chunker.push(text), *chunker.flush()]
    for piece in pieces:
        speakable(piece.text)
    speakable(text)
    assert time.thread_time() - began < 1.5
    assert max((len(piece.text) for piece in pieces), default=0) <= 480


@pytest.mark.wild(before="8 s for a prompt")
def test_the_prompt_of_twelve_thousand_items_is_made_by_looking_at_each_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = 0
    counted = memory._size

    def counting(text: str) -> int:
        nonlocal looked
        looked += 1
        return counted(text)

    monkeypatch.setattr(memory, "_size", counting)
    history = History()
    for number in range(12_000):
        history.insert(Item(f"i{number}", role="user", text="word"))
    history.messages("Be kind.", 1000)
    history.memory.leaving(history.items, 1000)
    assert looked < 12_000 * 3 * 6
