"""The conversation's items in order. Of an answer, only what was heard is remembered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from parley.conversation.items import Item
from parley.conversation.memory import Memory
from parley.conversation.responses.prompt import Content, Messages, as_seen, spoken
from parley.conversation.sounds import Sounds
from parley.errors import ProtocolError

MOST_ITEMS = 20_000
MOST_CHARS = 20_000_000
"""What clients may add to one conversation; what is said in it counts too, but is never refused."""


@dataclass(slots=True)
class _Place:
    """An item between its neighbours."""

    item: Item
    before: str | None
    after: str | None


class History:
    """Items in order. `revision` grows with every change; a prompt names the one it was made of.

    The order is a chain through the items' ids: adding, changing and removing one takes the same time however many
    there are, also in front of all others.
    """

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._ends: tuple[str | None, str | None] = (None, None)
        self._in_order: list[Item] | None = None
        self._chars = 0
        self.revision = 0
        self.memory = Memory()
        self.sounds = Sounds()

    def __contains__(self, item_id: str) -> bool:
        """Whether there is an item of that id."""
        return item_id in self._places

    @property
    def items(self) -> list[Item]:
        """All items, in order; not to be changed."""
        if self._in_order is None:
            self._in_order = []
            at = self._ends[0]
            while at is not None:
                self._in_order.append(self._places[at].item)
                at = self._places[at].after
        return self._in_order

    @property
    def last(self) -> str | None:
        """Id of the last item."""
        return self._ends[1]

    @property
    def last_said(self) -> str:
        """The last answer, as far as it was heard; empty where none follows what people said before."""
        at = self._ends[1]
        while at is not None:
            item = self._places[at].item
            if item.kind == "message":
                return item.heard_text if item.role == "assistant" else ""
            at = self._places[at].before
        return ""

    def get(self, item_id: str) -> Item:
        """The item; raises `ProtocolError` when there is none of that id."""
        return self._place(item_id).item

    def check_room(self, item: Item) -> None:
        """Whether a client may add `item`; raises `ProtocolError` when too much is there already."""
        if len(self._places) >= MOST_ITEMS or self._chars + _chars(item) > MOST_CHARS:
            raise ProtocolError(
                f"the conversation is full ({MOST_ITEMS} items, {MOST_CHARS} characters): delete some",
                field="item", code="conversation_full",
            )  # fmt: skip

    def insert(self, item: Item, after: str | None = None) -> str | None:
        """Add an item, at the end or after another ("root": in front); returns the id before it."""
        if item.id in self._places:
            raise ProtocolError(
                f"Error adding item: an item with id '{item.id}' already exists.",
                field="item.id", code="item_create_duplicate_item_id",
            )  # fmt: skip
        first, last = self._ends
        if after == "root":
            before, following = None, first
        else:
            before = last if after is None else after
            if before is not None and before not in self._places:
                raise ProtocolError(
                    f"Error adding item: the previous item with id '{before}' does not exist.",
                    field="previous_item_id", code="item_create_invalid_previous_item_id",
                )  # fmt: skip
            following = None if before is None else self._places[before].after
        self._places[item.id] = _Place(item, before, following)
        self._join(before, item.id)
        self._join(item.id, following)
        self._chars += _chars(item)
        self._changed()
        return before

    def insert_behind(self, item: Item, known: str | None) -> str | None:
        """Add an item behind one that may have been deleted meanwhile (then at the end); returns the id before it."""
        return self.insert(item, known if known == "root" or known in self._places else None)

    def update(self, item_id: str, **changes: Any) -> Item:
        """Replace fields of an item; returns the new one."""
        place = self._place(item_id)
        new = replace(place.item, **changes)
        self._chars += _chars(new) - _chars(place.item)
        place.item = new
        self._changed()
        return new

    def delete(self, item_id: str) -> None:
        """Remove an item."""
        place = self._place(item_id)
        del self._places[item_id]
        self.sounds.forget(item_id)
        self._join(place.before, place.after)
        self._chars -= _chars(place.item)
        self._changed()

    def before(self, item_id: str) -> str | None:
        """Id of the item in front of another."""
        return self._place(item_id).before

    def messages(
        self, instructions: str, budget_tokens: int, *, ahead: bool = False, without: Collection[str] = (),
        seen_by: str | None = None, heard: bool = False,
    ) -> Messages:  # fmt: skip
        """The prompt in the form of the chat interface, as far as it fits; see `Memory.messages`.

        `seen_by`: the agent that it is for, where several take part: what others say stands there with their names.
        `heard`: what people said stands there as sound, where that is kept.
        """
        items = self.items if seen_by is None else as_seen(self.items, seen_by)
        return self.memory.messages(
            items, instructions, budget_tokens, ahead=ahead, without=without,
            contents=self._as_sound(named=seen_by is not None) if heard else {},
        )  # fmt: skip

    def _as_sound(self, *, named: bool) -> dict[str, Content]:
        """What stands in a prompt in place of the words, by the items that are kept as sound."""
        kept = {item: part for item in self._places if (part := self.sounds.of(item)) is not None}
        return {item: spoken(part, self.get(item).speaker if named else "") for item, part in kept.items()}

    def _join(self, before: str | None, after: str | None) -> None:
        """Make two items (None: an end) neighbours."""
        first, last = self._ends
        if before is None:
            first = after
        else:
            self._places[before].after = after
        if after is None:
            last = before
        else:
            self._places[after].before = before
        self._ends = (first, last)

    def _changed(self) -> None:
        self.revision += 1
        self._in_order = None

    def _place(self, item_id: str) -> _Place:
        try:
            return self._places[item_id]
        except KeyError:
            raise ProtocolError(
                f"no item '{item_id}' in this conversation", field="item_id", code="item_not_found"
            ) from None


def _chars(item: Item) -> int:
    return len(item.text) + len(item.arguments) + len(item.output) + len(item.name)
