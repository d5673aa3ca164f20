"""The conversation's items and the prompt made of them. Of an answer, only what was heard is remembered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import uuid4

from parley.errors import ProtocolError

Kind = Literal["message", "function_call", "function_call_output"]
Status = Literal["in_progress", "completed", "incomplete"]
_NEARLY = 0.8
_CHARS_PER_TOKEN = 4


def new_id(prefix: str) -> str:
    """A short unique id, ``prefix_…``."""
    return f"{prefix}_{uuid4().hex[:20]}"


@dataclass(frozen=True, slots=True)
class Item:
    """One item; replaced as a whole when it changes."""

    id: str
    kind: Kind = "message"
    role: Literal["user", "assistant", "system"] | None = None
    text: str = ""
    """Of a spoken turn its transcript, of an answer all that was written."""
    heard: int | None = None
    """Characters of `text` that were heard; None when all of it counts."""
    spoken: bool = False
    """Whether it came as, or went out as, sound."""
    status: Status = "completed"
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""

    @property
    def heard_text(self) -> str:
        """What counts: the text up to the last word that was heard."""
        return self.text if self.heard is None else self.text[: self.heard]


class History:
    """Items in order. `revision` grows with every change; a prompt names the one it was made of."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.revision = 0
        self._oldest: str | None = None
        """Id of the first item that prompts still begin with; None: all."""

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
    ) -> list[dict[str, Any]]:
        """The prompt in the form of the chat interface.

        When the budget is exceeded, the older half is left out at once: a prompt that only grows at its end
        is read by the model from its cache, one that loses an item every turn is read anew every turn.
        `ahead`: it is read while nobody waits, and what is nearly too long is halved now, not before an answer.
        `without`: ids of items to leave out.
        """
        budget_tokens = round(budget_tokens * _NEARLY) if ahead else budget_tokens
        start = next((i for i, item in enumerate(self.items) if item.id == self._oldest), 0)
        if cost(self.items[start:]) > budget_tokens:
            while start < len(self.items) - 1 and cost(self.items[start:]) > budget_tokens / 2:
                start += 1
            while start < len(self.items) - 1 and self.items[start].kind == "function_call_output":
                start += 1  # a result without its call confuses models
            self._oldest = self.items[start].id
        return as_messages([i for i in self.items[start:] if i.id not in without], instructions)

    def _index(self, item_id: str, field: str = "item_id") -> int:
        for index, item in enumerate(self.items):
            if item.id == item_id:
                return index
        raise ProtocolError(f"no item '{item_id}' in this conversation", field=field, code="item_not_found")


def cost(items: list[Item]) -> float:
    """Tokens that items take in a prompt, estimated from their length."""
    return sum(len(i.heard_text) + len(i.arguments) + len(i.output) + 16 for i in items) / _CHARS_PER_TOKEN


def as_messages(items: list[Item], instructions: str) -> list[dict[str, Any]]:
    """Items as chat messages behind the instructions; items without words are left out."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": instructions}] if instructions else []
    for message in filter(None, map(_message, items)):
        if message["role"] == "user":
            add_user_words(messages, message["content"])
        else:
            messages.append(message)
    return messages


def add_user_words(messages: list[dict[str, Any]], words: str) -> None:
    """Put a user's words at the end of a prompt.

    What was said before and after an answer of which nothing was heard is one message: it was one thought, and some
    models' templates insist on turns that alternate.
    """
    if messages and messages[-1]["role"] == "user":
        words = f"{messages.pop()['content']} {words}"
    messages.append({"role": "user", "content": words})


def _message(item: Item) -> dict[str, Any] | None:
    if item.kind == "function_call":
        function = {"name": item.name, "arguments": item.arguments}
        return {"role": "assistant", "content": "", "tool_calls": [
            {"id": item.call_id, "type": "function", "function": function}
        ]}  # fmt: skip
    if item.kind == "function_call_output":
        return {"role": "tool", "tool_call_id": item.call_id, "content": item.output}
    text = item.heard_text.strip()
    return {"role": item.role, "content": text} if text else None
