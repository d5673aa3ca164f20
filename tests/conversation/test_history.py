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


def test_what_was_said_last_is_an_answer_as_far_as_it_was_heard() -> None:
    h = History()
    assert h.last_said == ""
    h.insert(Item("a", role="assistant", text="What time shall it be?", heard=9))
    assert h.last_said == "What time"
    h.insert(Item("b", kind="function_call", name="look"))
    assert h.last_said == "What time"
    h.insert(Item("c", role="user", text="Two thirty."))
    assert h.last_said == ""


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
    with pytest.raises(ProtocolError, match="already exists"):
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


def test_every_change_makes_the_history_another_one() -> None:
    found = History()
    assert found.revision == 0
    found.insert(Item("a"))
    found.update("a", text="x")
    found.insert_behind(Item("b"), "a")
    found.delete("a")
    assert found.revision == 4
    assert found.items is found.items, "asking changes nothing"
    assert found.revision == 4


def test_items_are_found_by_their_ids() -> None:
    found = history(2)
    assert "i0" in found
    assert "other" not in found
    assert found.get("i1").text.startswith("1 ")
    assert found.last == "i1"
    found.delete("i1")
    assert found.last == "i0"
    found.delete("i0")
    assert found.last is None


def test_what_is_put_in_front_is_first_and_last_where_there_is_nothing_else() -> None:
    found = History()
    assert found.insert(Item("a"), "root") is None
    assert found.last == "a"
    found.insert(Item("b"), "root")
    assert [i.id for i in found.items] == ["b", "a"]
    assert found.before("a") == "b"


@pytest.mark.parametrize(
    ("known", "order"), [("a", "axb"), ("root", "xab"), ("gone", "abx"), (None, "abx"), ("b", "abx")]
)
def test_what_stands_behind_something_that_is_gone_stands_at_the_end(known: str | None, order: str) -> None:
    found = History()
    for name in "ab":
        found.insert(Item(name))
    before = found.insert_behind(Item("x"), known)
    assert "".join(i.id for i in found.items) == order
    assert before == found.before("x")


@pytest.mark.parametrize("call", ["get", "delete", "before", "update"])
def test_an_item_that_is_not_there_is_named(call: str) -> None:
    with pytest.raises(ProtocolError, match="gone") as fault:
        getattr(History(), call)("gone")
    assert (fault.value.field, fault.value.code) == ("item_id", "item_not_found")


def test_what_cannot_be_added_is_refused_by_name_and_changes_nothing() -> None:
    found = history(1)
    with pytest.raises(ProtocolError) as fault:
        found.insert(Item("i0"))
    assert (fault.value.field, fault.value.code) == ("item.id", "item_create_duplicate_item_id")
    with pytest.raises(ProtocolError) as fault:
        found.insert(Item("x"), "nowhere")
    assert (fault.value.field, fault.value.code) == ("previous_item_id", "item_create_invalid_previous_item_id")
    assert ([i.id for i in found.items], found.revision) == (["i0"], 1)


def test_an_update_returns_the_new_item_and_keeps_its_place() -> None:
    found = history(3)
    new = found.update("i1", text="new", heard=2)
    assert (new.text, new.heard, new.role) == ("new", 2, "assistant")
    assert found.items[1] is new


@pytest.mark.parametrize("field", ["text", "arguments", "output", "name"])
def test_all_that_an_item_says_counts_for_how_full_it_is(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    monkeypatch.setattr(module, "MOST_CHARS", 10)
    found = History()
    found.insert(Item("a", **{field: "x" * 6}))  # type: ignore[arg-type]
    found.check_room(Item("b", **{field: "x" * 4}))  # type: ignore[arg-type]
    with pytest.raises(ProtocolError) as fault:
        found.check_room(Item("b", **{field: "x" * 5}))  # type: ignore[arg-type]
    assert fault.value.field == "item"
    found.update("a", **{field: "x"})
    found.check_room(Item("b", **{field: "x" * 9}))  # type: ignore[arg-type]
    found.delete("a")
    found.check_room(Item("b", **{field: "x" * 10}))  # type: ignore[arg-type]


def test_items_may_be_left_out_of_a_prompt() -> None:
    found = history(3)
    assert [m["content"][0] for m in found.messages("", 1000, without={"i1", "i2"})] == ["0"]
