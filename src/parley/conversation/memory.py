"""What of a conversation still fits into the prompt, and what is kept of the rest.

Beyond the budget the older half leaves at once: a prompt that only grows at its end is read by the model from its
cache, one that loses an item every turn is read anew every turn. What leaves is summed up first, if there is time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from parley.conversation.items import Item
from parley.conversation.responses.prompt import Content, Messages, as_messages

CHARS_PER_TOKEN = 4
_CHARS_PER_ITEM = 16
_NEARLY = 0.8
"""Of the budget: from here on what will have to leave is summed up ..."""
_ALMOST = 0.9
"""... and from here on it leaves, when nobody waits."""
_SHARE_OF_ONE = 0.25
"""Of the budget, for a single result or an older message; the last question may have twice that."""
_LEAST_CHARS = 400
_MOST_SUMMARY_CHARS = 1200
_MOST_TOLD_CHARS = 12_000
"""Of what leaves, as much is given to be summed up: a client may have added thousands of items at once."""
_WORD = re.compile(r"\w{4,}")
_SUMMARY = "What was said before, in short: "
_ASK = (
    "You keep the notes of a conversation. Write down, in a few short sentences, what must not be forgotten of it: "
    "above all names, numbers, places, wishes and decisions, and whose they are. Write only the notes."
)


class Memory:
    """One conversation's window into its items, and the summary of what lies before it."""

    def __init__(self) -> None:
        self.summary = ""
        self._oldest: str | None = None
        """Id of the first item that prompts still begin with; None: all."""
        self._summed_up_to: str | None = None
        """Id of the first item that the summary knows nothing of."""

    def messages(
        self,
        items: Sequence[Item],
        instructions: str,
        budget_tokens: int,
        *,
        ahead: bool = False,
        without: Collection[str] = (),
        contents: Mapping[str, Content] | None = None,
    ) -> Messages:
        """The prompt of as many items as fit.

        `ahead`: it is read while nobody waits, and what is nearly too long is halved now, not before an answer.
        `without`: ids of items to leave out. `contents`: see `as_messages`.
        """
        budget_tokens = round(budget_tokens * _ALMOST) if ahead else budget_tokens
        start = _index(items, self._oldest)
        if cost(kept := _shortened(items[start:], budget_tokens)) > budget_tokens:
            start = self.cut(items, budget_tokens)
            kept = _shortened(items[start:], budget_tokens)
            self._oldest = items[start].id
        kept = _with_calls(kept, items)
        notes = [Item("summary", role="system", text=_SUMMARY + self.summary)] if self.summary else []
        return as_messages([*notes, *(i for i in kept if i.id not in without)], instructions, contents)

    def cut(self, items: Sequence[Item], budget_tokens: int) -> int:
        """Where a prompt of half the budget begins: with a user's words, and never behind the last of them."""
        first, begins, room = _index(items, self._oldest), None, budget_tokens / 2
        for index in range(len(items) - 1, first - 1, -1):
            room -= cost(_shortened(items[index : index + 1], budget_tokens))
            if room < 0 and begins is not None:
                break
            if items[index].kind == "message" and items[index].role == "user":
                begins = index
        return max(first, len(items) - 1) if begins is None else begins

    def leaving(self, items: Sequence[Item], budget_tokens: int) -> Sequence[Item]:
        """What left unsummed, or soon will not fit: to be summed up while nobody waits; empty when all fits for now."""
        start, summed = _index(items, self._oldest), _index(items, self._summed_up_to)
        if summed < start:
            return items[summed:start]
        if cost(_shortened(items[start:], budget_tokens)) <= budget_tokens * _NEARLY:
            return ()
        return items[start : self.cut(items, budget_tokens)]

    def take_summary(self, leaving: Sequence[Item], items: Sequence[Item], summary: str) -> None:
        """`leaving`, some of `items`, was summed up together with the summary before it: it may go."""
        behind = _index(items, leaving[-1].id) + 1
        if behind >= len(items):
            return
        summary = summary.strip()
        if not _is_faithful(summary, self.question(leaving)[-1]["content"]):
            summary = " ".join(filter(None, [self.summary, *_statements(leaving)]))
        if len(summary) > _MOST_SUMMARY_CHARS:
            summary = _without_middle(summary, _MOST_SUMMARY_CHARS)
        self.summary, self._summed_up_to = summary, items[behind].id
        if behind > _index(items, self._oldest):
            self._oldest = items[behind].id

    def question(self, leaving: Sequence[Item]) -> Messages:
        """What a model is asked for the summary."""
        said = [f"{_SUMMARY}{self.summary}"] if self.summary else []
        said += [line for item in leaving if (line := _line(item))]
        text = "\n".join(said)
        if len(text) > _MOST_TOLD_CHARS:
            text = _without_middle(text, _MOST_TOLD_CHARS)
        return [{"role": "system", "content": _ASK}, {"role": "user", "content": text}]


def _index(items: Sequence[Item], item_id: str | None) -> int:
    """Where an item stands; 0 where it is unknown."""
    return next((i for i, item in enumerate(items) if item.id == item_id), 0) if item_id is not None else 0


def _with_calls(kept: Sequence[Item], items: Sequence[Item]) -> list[Item]:
    """A result that came late keeps its call, however old that is."""
    there = {i.call_id for i in kept if i.kind == "function_call"}
    if all(i.call_id in there for i in kept if i.kind == "function_call_output"):
        return list(kept)
    calls = {i.call_id: i for i in items if i.kind == "function_call"}
    found: list[Item] = []
    for item in kept:
        if item.kind == "function_call_output" and item.call_id in calls and item.call_id not in there:
            there.add(item.call_id)
            found.append(calls[item.call_id])
        found.append(item)
    return found


def _line(item: Item) -> str:
    if item.kind == "message":
        text = item.heard_text.strip()
        return f"{(item.role or 'user').capitalize()}: {text}" if text else ""
    return f"Tool: {item.output[:_LEAST_CHARS]}" if item.kind == "function_call_output" else ""


def _is_faithful(summary: str, said: str) -> bool:
    """Whether notes are notes: no dialogue, no litany, and in words that were used. Small models write the others."""
    lines, known = summary.splitlines(), {w.lower() for w in _WORD.findall(said)}
    used = [w.lower() for w in _WORD.findall(summary)]
    dialogue = any(line.lower().startswith(("user:", "assistant:")) for line in lines)
    litany = len(set(lines)) < len(lines) * _NEARLY or len(set(used)) < len(used) / 3
    return bool(used) and not dialogue and not litany and sum(w in known for w in used) >= len(used) / 2


def _statements(items: Sequence[Item]) -> list[str]:
    """What the user said that was no question, shortened: the facts are in there."""
    said = [i.heard_text.strip() for i in items if i.kind == "message" and i.role == "user"]
    return [text[: _LEAST_CHARS // 2] for text in said if text and not text.endswith("?")]


def _shortened(items: Sequence[Item], budget_tokens: int) -> list[Item]:
    """Long results and messages lose their middle, so that a single one cannot push everything else out."""
    most = max(_LEAST_CHARS, int(budget_tokens * CHARS_PER_TOKEN * _SHARE_OF_ONE))
    last = next((i.id for i in reversed(items) if i.kind == "message" and i.role == "user"), None)
    found: list[Item] = []
    for item in items:
        room = most * 2 if item.id == last else most
        if len(item.output) > room:
            item = replace(item, output=_without_middle(item.output, room))  # noqa: PLW2901
        elif len(item.heard_text) > room:
            item = replace(item, text=_without_middle(item.heard_text, room), heard=None)  # noqa: PLW2901
        found.append(item)
    return found


def _without_middle(text: str, room: int) -> str:
    return f"{text[: room * 2 // 3]} … (shortened) … {text[len(text) - room // 3 :]}"


def cost(items: Sequence[Item]) -> float:
    """Tokens that items take in a prompt, estimated from their length."""
    sizes = (_size(i.heard_text) + _size(i.arguments) + _size(i.output) + _CHARS_PER_ITEM for i in items)
    return sum(sizes) / CHARS_PER_TOKEN


def _size(text: str) -> int:
    """Letters beyond ASCII take more tokens, about as many more as bytes."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))
