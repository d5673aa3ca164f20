"""The conversation's items in order. Of an answer, only what was heard is remembered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from parley.conversation.items import Item
from parley.conversation.memory import Memory
from parley.conversation.prompt import Messages
from parley.errors import ProtocolError


class History:
    """Items in order. `revision` grows with every change; a prompt names the one it was made of."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.revision = 0
        self.memory = Memory()

    def __contains__(self, item_id: str) -> bool:
        """Whether there is an item of that id."""
        return any(item.id == item_id for item in self.items)

    def get(self, item_id: str) -> Item:
        """The item; raises `ProtocolError` when there is none of that id."""
        return self.items[self._index(item_id)]

    def insert(self, item: Item, after: str | None = None) -> str | None:
        """Add an item, at the end or after another ("root": in front); returns the id before it."""
        if any(i.id == item.id for i in self.items):
            raise ProtocolError(f"an item '{item.id}' exists already", field="item.id", code="duplicate_item")
        if after is None:
            index = len(self.items)
        else:
            index = 0 if after == "root" else self._index(after, field="previous_item_id") + 1
        self.items.insert(index, item)
        self.revision += 1
        return self.items[index - 1].id if index else None

    def update(self, item_id: str, **changes: Any) -> Item:
        """Replace fields of an item; returns the new one."""
        index = self._index(item_id)
        self.items[index] = replace(self.items[index], **changes)
        self.revision += 1
        return self.items[index]

    def delete(self, item_id: str) -> None:
        """Remove an item."""
        del self.items[self._index(item_id)]
        self.revision += 1

    def before(self, item_id: str) -> str | None:
        """Id of the item in front of another."""
        index = self._index(item_id)
        return self.items[index - 1].id if index else None

    def messages(
        self, instructions: str, budget_tokens: int, *, ahead: bool = False, without: Collection[str] = ()
    ) -> Messages:
        """The prompt in the form of the chat interface, as far as it fits; see `Memory.messages`."""
        return self.memory.messages(self.items, instructions, budget_tokens, ahead=ahead, without=without)

    def _index(self, item_id: str, field: str = "item_id") -> int:
        for index, item in enumerate(self.items):
            if item.id == item_id:
                return index
        raise ProtocolError(f"no item '{item_id}' in this conversation", field=field, code="item_not_found")
