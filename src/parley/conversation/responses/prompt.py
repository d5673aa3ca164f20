"""The prompt that is made of a conversation's items, in the form that the strictest servers take.

One system message at the front, then user and assistant in turns. An assistant's calls stand in one message, and all
of their results follow it at once. A result that came after the assistant had spoken without it stands behind what was
said, and its call with it. Of an answer, only what was heard is in there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from parley.conversation.items import Item
from parley.conversation.sounds import Part
from parley.models.tool_arguments import mended

_OPENING = "Hello."
_GO_ON = "Please go on."
_NO_RESULT = "There is no result yet."
Messages = list[dict[str, Any]]
Content = str | list[Part]
"""Of a message: words, or parts of which some are sound."""


def as_messages(items: Sequence[Item], instructions: str, contents: Mapping[str, Content] | None = None) -> Messages:
    """Items as chat messages behind the instructions; items without words are left out.

    `contents`: what users said in another form than their words, by the items' ids.
    """
    items = _with_late_calls_moved(items)
    made = _Prompt(items, contents or {})
    for item in items:
        made.add(item)
    instructions = "\n\n".join(filter(None, [instructions, *made.instructions]))
    system = [{"role": "system", "content": instructions}] if instructions else []
    return system + made.with_results()


def as_seen(items: Sequence[Item], agent: str) -> list[Item]:
    """The items as one of several agents sees them: its own words are the assistant's, all others' stand with names.

    Other agents' calls and their results are nothing to it.
    """
    theirs = {i.call_id for i in items if i.kind == "function_call" and i.speaker not in ("", agent)}
    seen: list[Item] = []
    for item in items:
        if item.kind != "message":
            seen += [item] if item.call_id not in theirs else []
        elif item.speaker in ("", agent) or not item.heard_text.strip():
            seen.append(item)
        else:
            seen.append(replace(item, role="user", text=named(item.speaker, item.heard_text), heard=None))
    return seen


def named(speaker: str, words: str) -> str:
    """Somebody's words as they stand in a prompt where several take part."""
    return f"{speaker}: {words.strip()}"


def add_user_words(messages: Messages, words: Content) -> None:
    """Put what a user said at the end of a prompt.

    What was said before and after an answer of which nothing was heard is one message: it was one thought, and some
    models' templates insist on turns that alternate.
    """
    if messages and messages[-1]["role"] == "user":
        words = joined(messages.pop()["content"], words)
    messages.append({"role": "user", "content": words})


def joined(before: Content, behind: Content) -> Content:
    """One content of two."""
    if isinstance(before, str) and isinstance(behind, str):
        return f"{before} {behind}"
    return [*_parts(before), *_parts(behind)]


def spoken(part: Part, speaker: str = "") -> Content:
    """What somebody said as sound, behind the name where several take part."""
    return [*_parts(f"{speaker}:"), part] if speaker else [part]


def _parts(content: Content) -> list[Part]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


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


def _with_late_calls_moved(items: Sequence[Item]) -> list[Item]:
    """The items, each call that was answered without its result standing before that result.

    A model that is asked again finds the late result last, not hidden behind an answer that did not know it.
    """
    came: dict[str, int] = {}
    for place, item in enumerate(items):
        if item.kind == "function_call_output":
            came.setdefault(item.call_id, place)
    responses = _answer_numbers(items)
    moved: dict[int, list[Item]] = {}
    kept: list[tuple[int, Item]] = []
    for place, item in enumerate(items):
        result = came.get(item.call_id) if item.kind == "function_call" else None
        if result is not None and place < result and responses[place] < responses[result]:
            moved.setdefault(result, []).append(item)
        else:
            kept.append((place, item))
    return [one for place, item in kept for one in (*moved.get(place, ()), item)]


def _answer_numbers(items: Sequence[Item]) -> list[int]:
    """How many answers were begun up to each item; what the assistant says beside a call belongs to the call's."""
    found: list[int] = []
    count, ongoing = 0, False
    for item in items:
        spoken = item.kind == "message" and item.role == "assistant"
        if item.kind == "function_call" or (spoken and item.heard_text.strip()):
            count += not ongoing
            ongoing = True
        elif item.kind == "function_call_output" or (not spoken and item.heard_text.strip()):
            ongoing = False
        found.append(count)
    return found


class _Prompt:
    """Messages as they come about; calls wait for their results."""

    def __init__(self, items: Sequence[Item], contents: Mapping[str, Content]) -> None:
        self._contents = contents
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
        elif (content := self._contents.get(item.id)) is not None:
            self._user(content)
        elif text := item.heard_text.strip():
            if item.role == "assistant":
                self._assistant(text)
            elif item.role == "system" and not self._messages:
                self.instructions.append(text)
            else:
                self._user(f"({text})" if item.role == "system" else text)

    def _user(self, text: Content) -> None:
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
