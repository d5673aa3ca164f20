"""The prompt that is made of a conversation's items, in the form that the strictest servers take.

One system message at the front, then user and assistant in turns. An assistant's calls stand in one message, and all
of their results follow it at once, whenever they came. Of an answer, only what was heard is in there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parley.conversation.items import Item
from parley.models.tool_arguments import mended

_OPENING = "Hello."
_GO_ON = "Please go on."
_NO_RESULT = "There is no result yet."
Messages = list[dict[str, Any]]


def as_messages(items: Sequence[Item], instructions: str) -> Messages:
    """Items as chat messages behind the instructions; items without words are left out."""
    made = _Prompt(items)
    for item in items:
        made.add(item)
    instructions = "\n\n".join(filter(None, [instructions, *made.instructions]))
    system = [{"role": "system", "content": instructions}] if instructions else []
    return system + made.with_results()


def add_user_words(messages: Messages, words: str) -> None:
    """Put a user's words at the end of a prompt.

    What was said before and after an answer of which nothing was heard is one message: it was one thought, and some
    models' templates insist on turns that alternate.
    """
    if messages and messages[-1]["role"] == "user":
        words = f"{messages.pop()['content']} {words}"
    messages.append({"role": "user", "content": words})


def opened(messages: Messages) -> Messages:
    """The prompt with the user as the first who speaks, as some models' templates insist: an assistant was greeted."""
    first = 1 if messages and messages[0]["role"] == "system" else 0
    if len(messages) > first and messages[first]["role"] == "assistant":
        return [*messages[:first], {"role": "user", "content": _OPENING}, *messages[first:]]
    return messages


def answerable(messages: Messages) -> Messages:
    """The prompt with somebody to answer: the user or a tool's result has the last word."""
    messages = opened(messages)
    if not messages or messages[-1]["role"] == "system":
        return [*messages, {"role": "user", "content": _OPENING}]
    if messages[-1]["role"] == "assistant":
        return [*messages, {"role": "user", "content": _GO_ON}]
    return messages


class _Prompt:
    """Messages as they come about; calls wait for their results."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._results = {i.call_id: i for i in items if i.kind == "function_call_output"}
        self._called = {i.call_id for i in items if i.kind == "function_call"}
        self._taken: dict[str, int] = {}
        self._messages: Messages = []
        self._open = False
        """Whether the last message is an assistant's to which more may be added."""
        self.instructions: list[str] = []
        """System items that stand before anybody spoke."""

    def add(self, item: Item) -> None:
        """Add one item."""
        if item.kind == "function_call":
            self._call(item)
        elif item.kind == "function_call_output":
            if item.call_id not in self._called:
                self._user(f"(A tool's result: {item.output})")
            elif self._messages and any(c["of"] == item.call_id for c in self._messages[-1].get("tool_calls", ())):
                self._open = False  # what the assistant says now, it says knowing the result
        elif text := item.heard_text.strip():
            if item.role == "assistant":
                self._assistant(text)
            elif item.role == "system" and not self._messages:
                self.instructions.append(text)
            else:
                self._user(f"({text})" if item.role == "system" else text)

    def _user(self, text: str) -> None:
        self._open = False
        add_user_words(self._messages, text)

    def _assistant(self, text: str) -> None:
        if self._open:
            last = self._messages[-1]
            last["content"] = f"{last['content']} {text}".strip()
        else:
            self._messages.append({"role": "assistant", "content": text})
        self._open = True

    def _call(self, item: Item) -> None:
        count = self._taken[item.call_id] = self._taken.get(item.call_id, 0) + 1
        call_id = (item.call_id or "call") + (f"_{count}" if count > 1 or not item.call_id else "")
        function = {"name": item.name, "arguments": mended(item.arguments) or "{}"}
        call = {"id": call_id, "type": "function", "function": function, "of": item.call_id}
        if not self._open:
            self._messages.append({"role": "assistant", "content": ""})
        self._messages[-1].setdefault("tool_calls", []).append(call)
        self._open = True

    def with_results(self) -> Messages:
        """All messages, each call's result behind it."""
        found: Messages = []
        for message in self._messages:
            found.append(message)
            for call in message.get("tool_calls", ()):
                result = self._results.get(call.pop("of"))
                content = result.output if result is not None else _NO_RESULT
                found.append({"role": "tool", "tool_call_id": call["id"], "content": content})
        return found
