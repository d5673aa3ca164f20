"""Whatever a server sends as an answer becomes deltas, or an error that says what it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parley.adapters.chat_stream import BrokeOff, ChatReader, OnlyThought
from parley.errors import ModelError
from parley.models.interfaces import ChatDelta, Usage


def events(*contents: Any, reason: str | None = "stop", usage: Any = None, done: bool = True) -> str:
    made = [{"choices": [{"index": 0, "delta": {"content": c}}]} for c in contents]
    if reason:
        made.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage})
    return "".join(f"data: {json.dumps(e, ensure_ascii=False)}\n\n" for e in made) + (
        "data: [DONE]\n\n" if done else ""
    )


def read(data: str, size: int = 7, **how: Any) -> list[ChatDelta]:
    reader, raw, found = ChatReader(**how), data.encode(), list[ChatDelta]()
    for start in range(0, len(raw), size):
        found += reader.push(raw[start : start + size])
        if reader.settled:
            return found
    return found + reader.end()


def text(found: list[ChatDelta]) -> str:
    said = ""
    for delta in found:
        said = "" if delta.retracts else said + delta.text
    return said


SAID = {
    "plain": events("Hello", " there."),
    "lines of another system": events("Hello", " there.").replace("\n", "\r\n"),
    "no empty lines": events("Hello", " there.").replace("\n\n", "\n"),
    "no blank behind data": events("Hello", " there.").replace("data: ", "data:"),
    "comments between": ": ping\n\n" + events("Hello", " there."),
    "one JSON object": '{"choices":[{"message":{"content":"Hello there."}}]}',
    "one object of another server": '{"message":{"role":"assistant","content":"Hello there."},"done":true}',
    "an object a line": '{"message":{"content":"Hello"}}\n{"message":{"content":" there."},"done":true}\n',
    "parts": events([{"type": "text", "text": "Hello"}], [" there."]),
    "nulls": 'data: null\n\ndata: {"choices":null}\n\ndata: {"choices":[{"delta":null}]}\n\n' + events("Hello there."),
    "an event over two lines": 'data: {"choices":[\ndata: {"delta":{"content":"Hello there."}}]}\n\ndata: [DONE]\n\n',
    "a broken event between": "data: {broken\n\n" + events("Hello there."),
    "hung up behind a sentence": events("Hello", " there.", reason=None, done=False),
    "a refusal": 'data: {"choices":[{"delta":{"refusal":"Hello there."}}]}\n\n' + events(),
    "a thought beside it": 'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n' + events("Hello there."),
}


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("kind", SAID)
def test_every_form_of_an_answer_is_read(kind: str, size: int) -> None:
    found = read(SAID[kind], size)
    assert text(found) == "Hello there."
    assert found[-1].finish_reason or found[-2].finish_reason


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c"])
def test_characters_that_some_take_for_line_ends_are_text(separator: str) -> None:
    assert text(read(events(f"a{separator}b."))) == f"a{separator}b."


NO_ANSWER = {
    "a page": ("<!doctype html><html></html>", "page"),
    "nothing": ("", "empty"),
    "an end without a beginning": (events(), "empty"),
    "an object without an answer": ('{"detail": "x"}', "empty"),
    "broken JSON": ('{"choices": ', "broken"),
    "an error in the stream": (
        'data: {"error":{"message":"key sk-123","code":"invalid_api_key"}}\n\n',
        "invalid_api_key",
    ),
    "filtered": (events(reason="content_filter"), "filtered"),
    "broken events": ("data: {x\n\n" * 30, "broken"),
}


@pytest.mark.parametrize("kind", NO_ANSWER)
def test_what_is_no_answer_is_an_error_that_says_so_and_quotes_nothing(kind: str) -> None:
    data, word = NO_ANSWER[kind]
    with pytest.raises(ModelError, match=word) as caught:
        read(data)
    assert "sk-123" not in str(caught.value)


def test_an_answer_that_breaks_off_can_be_asked_for_anew() -> None:
    with pytest.raises(BrokeOff) as caught:
        read(events("Hello", " the", reason=None, done=False))
    assert caught.value.retryable


def test_a_transfer_that_is_torn_has_broken_off_whatever_its_last_words_are() -> None:
    reader = ChatReader()
    reader.push(events("Hello there.", reason=None, done=False).encode())
    with pytest.raises(BrokeOff):
        reader.end(broken=True)


def test_a_bound_that_was_spent_on_thoughts_is_told_apart() -> None:
    with pytest.raises(OnlyThought):
        read(events("<think>hm, what may", reason="length"))


def test_the_answer_ends_with_its_finish_not_with_the_connection() -> None:
    reader = ChatReader()
    reader.push(events("Hello.", done=False).encode())
    assert reader.finished
    assert not reader.settled
    reader.push(b'data: {"choices":[],"usage":{"prompt_tokens":3}}\n\n')
    assert reader.settled


def test_usage_may_come_as_text() -> None:
    found = read(events("A.", usage={"prompt_tokens": "12", "completion_tokens": None, "prompt_tokens_details": []}))
    assert [d.usage for d in found if d.usage] == [Usage(12, 0, 0)]


def test_a_call_written_as_text_becomes_a_call_and_other_data_is_said() -> None:
    found = read(events('{"name":"w",', '"arguments":{"c":1}}'), tools={"w"})
    assert [c.tool_call.name for c in found if c.tool_call and c.tool_call.done] == ["w"]
    assert text(found) == ""
    assert text(read(events('{"a":1}'), tools={"w"})) == '{"a":1}'


def test_an_answer_that_does_not_end_is_cut_at_its_bound() -> None:
    found = read(events("x" * 100, "y" * 100), most_chars=30)
    assert text(found) == "x" * 30
    assert found[-1].finish_reason == "length"
