"""The prompt: only what was heard, and a beginning that stays as long as it can."""

from __future__ import annotations

import pytest

from parley.conversation import history as module
from parley.conversation.history import History
from parley.conversation.items import Item
from parley.conversation.memory import cost
from parley.errors import ProtocolError


def history(count: int, length: int = 40) -> History:
    found = History()
    for i in range(count):
        found.insert(Item(f"i{i}", role="user" if i % 2 == 0 else "assistant", text=f"{i} " + "x" * length))
    return found


def test_only_heard_words_are_remembered() -> None:
    h = History()
    h.insert(Item("a", role="assistant", text="one two three", heard=7))
    h.insert(Item("b", role="assistant", text="never heard", heard=0))
    assert h.messages("", 1000) == [{"role": "assistant", "content": "one two"}]


def test_what_was_said_around_an_unheard_answer_is_one_message() -> None:
    h = History()
    h.insert(Item("a", role="user", text="And so, my fellow Americans,"))
    h.insert(Item("b", role="assistant", text="Hello there", heard=0))
    h.insert(Item("c", role="user", text="ask not."))
    assert h.messages("", 1000) == [{"role": "user", "content": "And so, my fellow Americans, ask not."}]


def test_beyond_the_budget_the_older_half_goes_at_once_and_then_the_beginning_stays() -> None:
    h = history(10)
    budget = int(cost(h.items)) - 1
    first = h.messages("sys", budget)
    assert 4 <= len(first) - 1 <= 5
    assert first[-1]["content"].startswith("9 ")
    h.insert(Item("more", role="user", text="and more"))
    second = h.messages("sys", budget)
    assert second[: len(first)] == first


def test_what_is_read_ahead_leaves_room_for_the_turn_to_come() -> None:
    h = history(10)
    budget = int(cost(h.items)) + 1
    ahead = h.messages("sys", budget, ahead=True)
    assert len(ahead) < 8
    h.insert(Item("turn", role="user", text="a turn that alone would be one too many"))
    assert h.messages("sys", budget)[: len(ahead)] == ahead


def test_one_item_is_always_kept() -> None:
    assert len(history(3, 4000).messages("", 10)) == 1


def test_items_are_placed_found_and_missed() -> None:
    h = history(2)
    assert h.insert(Item("first", role="user", text="x"), "root") is None
    assert h.insert(Item("second", role="user", text="x"), "first") == "first"
    with pytest.raises(ProtocolError, match="nowhere"):
        h.insert(Item("y"), "nowhere")
    with pytest.raises(ProtocolError, match="exists already"):
        h.insert(Item("first"))
    revision = h.revision
    h.delete("second")
    assert h.revision > revision


def test_items_stand_where_they_were_put_however_the_order_came_about() -> None:
    history = History()
    for name in "abc":
        history.insert(Item(name))
    assert history.insert(Item("front"), "root") is None
    assert history.insert(Item("middle"), "a") == "a"
    assert history.insert(Item("end"), "c") == "c"
    history.delete("b")
    history.update("a", text="changed")
    assert [i.id for i in history.items] == ["front", "a", "middle", "c", "end"]
    assert history.before("c") == "middle"
    assert history.before("front") is None
    assert history.items[1].text == "changed"
    for item in list(history.items):
        history.delete(item.id)
    assert history.items == []
    assert history.insert(Item("again")) is None


def test_a_client_cannot_fill_a_conversation_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ITEMS", 2)
    monkeypatch.setattr(module, "MOST_CHARS", 10)
    history = History()
    with pytest.raises(ProtocolError, match="full") as fault:
        history.check_room(Item("a", text="x" * 11))
    assert fault.value.code == "conversation_full"
    history.insert(Item("a", text="x" * 10))
    history.update("a", text="x")
    history.check_room(Item("b", text="x" * 9))
    history.insert(Item("b"))
    with pytest.raises(ProtocolError, match="delete some"):
        history.check_room(Item("c"))
    history.delete("a")
    history.check_room(Item("c"))
