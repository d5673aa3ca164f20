"""An item is what was said; of an answer that was cut, what was heard counts."""

from __future__ import annotations

import pytest

from parley.conversation.items import Item, new_id


@pytest.mark.parametrize(("heard", "counts"), [(None, "one two"), (3, "one"), (0, ""), (99, "one two")])
def test_what_was_heard_counts_and_where_nobody_tells_all_of_it(heard: int | None, counts: str) -> None:
    assert Item("a", text="one two", heard=heard).heard_text == counts


def test_ids_are_short_and_never_the_same() -> None:
    one, other = new_id("item"), new_id("item")
    assert one != other
    prefix, _, rest = one.partition("_")
    assert prefix == "item"
    assert len(rest) == 20


def test_an_item_is_a_message_that_is_written_complete_and_by_nobody_unless_it_says_otherwise() -> None:
    item = Item("a")
    assert (item.kind, item.role, item.status, item.spoken, item.heard) == ("message", None, "completed", False, None)
    assert (item.text, item.call_id, item.name, item.arguments, item.output) == ("", "", "", "", "")
