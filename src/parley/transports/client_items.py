"""Items that clients name or bring, as those of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from parley.conversation.history import History
from parley.conversation.items import Item, new_id
from parley.errors import ProtocolError
from parley.realtime.items import NewItem


def item_of(new: NewItem, writer: str = "") -> Item:
    """A new item of a client, through which `writer` speaks; raises `ProtocolError` for one that is a recording."""
    if new.audio:
        raise ProtocolError(
            "recorded audio in a response's own input is not supported; create an item of it first",
            field="response.input", code="unsupported",
        )  # fmt: skip
    return Item(
        new.id or new_id("item"), new.type, new.role, new.text, status=new.status, call_id=new.call_id,
        name=new.name, arguments=new.arguments, output=new.output, speaker=writer if new.role == "user" else "",
    )  # fmt: skip


def found(history: History, item_id: str, doing: str) -> Item:
    """An item of the conversation; `doing`: the stem of what is to be done with it. Raises `ProtocolError`."""
    if item_id not in history:
        raise ProtocolError(
            f"Error {doing}ing item: the item with id '{item_id}' does not exist.",
            field="item_id", code=f"item_{doing}e_invalid_item_id",
        )  # fmt: skip
    return history.get(item_id)


def own_input(history: History, entries: Sequence[NewItem | str]) -> list[Item]:
    """A response's own input: each an item, or the id of one of the conversation. Raises `ProtocolError`."""
    return [_entry(history, number, entry) for number, entry in enumerate(entries)]


def _entry(history: History, number: int, entry: NewItem | str) -> Item:
    if not isinstance(entry, str):
        return item_of(entry)
    if entry not in history:
        raise ProtocolError(
            f"Item with item_id not found: {entry}", field=f"response.input[{number}].id", code="item_not_found"
        )
    return history.get(entry)
