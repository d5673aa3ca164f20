"""Items as clients write them, and as they are written to clients."""

from __future__ import annotations

from typing import Any

import pytest

from parley.errors import ProtocolError
from parley.realtime import items
from parley.realtime.items import NewItem, read_item
from parley.realtime.reader import Reader


def read(**given: Any) -> NewItem:
    return read_item(Reader(given, "item"))


def said(role: str, *content: dict[str, Any], **more: Any) -> NewItem:
    return read(type="message", role=role, content=list(content), **more)


@pytest.mark.parametrize(
    ("role", "content", "text", "audio"),
    [
        ("user", [{"type": "input_text", "text": "Hi."}], "Hi.", ()),
        ("user", [{"type": "input_text", "text": "Hi."}, {"type": "input_text", "text": "So?"}], "Hi. So?", ()),
        ("user", [{"type": "input_audio", "audio": "AA=="}], "", (("item.content[0].audio", "AA=="),)),
        ("user", [{"type": "input_audio", "audio": "AA==", "transcript": "Hi."}], "Hi.", ()),
        ("user", [{"type": "input_audio", "transcript": ""}], "", ()),
        ("user", [], "", ()),
        ("system", [{"type": "input_text", "text": "Be kind."}], "Be kind.", ()),
        ("assistant", [{"type": "output_text", "text": "Hello."}], "Hello.", ()),
        ("assistant", [{"type": "text", "text": "Hello."}], "Hello.", ()),
        ("assistant", [{"type": "output_audio", "transcript": "Hello."}], "Hello.", ()),
        ("assistant", [{"type": "output_audio", "text": "Hello."}], "Hello.", ()),
        ("assistant", [{"type": "output_audio"}], "", ()),
    ],
)
def test_a_message_is_its_words_or_its_sound_where_nobody_knows_them(
    role: str, content: list[dict[str, Any]], text: str, audio: tuple[tuple[str, str], ...]
) -> None:
    found = said(role, *content)
    assert (found.type, found.role, found.text, found.audio, found.status) == (
        "message",
        role,
        text,
        audio,
        "completed",
    )


def test_a_client_may_name_an_item_and_say_how_far_it_is() -> None:
    found = said("user", id="mine", status="incomplete", object="realtime.item")
    assert (found.id, found.status) == ("mine", "incomplete")
    assert said("user").id is None


def test_calls_and_their_results_are_items() -> None:
    assert read(type="function_call", call_id="c", name="f", arguments="{}") == NewItem(
        None, "function_call", call_id="c", name="f", arguments="{}"
    )
    assert read(type="function_call", name="f", arguments="{}").call_id == ""
    assert read(type="function_call_output", call_id="c", output="42", status="in_progress") == NewItem(
        None, "function_call_output", status="in_progress", call_id="c", output="42"
    )


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({}, "item.type", "missing_required_parameter"),
        ({"type": "song"}, "item.type", "invalid_value"),
        ({"type": "message"}, "item.role", "missing_required_parameter"),
        ({"type": "message", "role": "judge"}, "item.role", "invalid_value"),
        ({"type": "message", "role": "user", "status": "lost"}, "item.status", "invalid_value"),
        ({"type": "message", "role": "user", "object": "item"}, "item.object", "invalid_value"),
        ({"type": "message", "role": "user", "content": [{}]}, "item.content[0].type", "missing_required_parameter"),
        (
            {"type": "message", "role": "system", "content": [{"type": "input_audio"}]},
            "item.content[0].type",
            "invalid_value",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_text"}]},
            "item.content[0].text",
            "missing_required_parameter",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_audio"}]},
            "item.content[0].audio",
            "missing_required_parameter",
        ),
        (
            {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "audio": "AA=="}]},
            "item.content[0].audio",
            "unsupported",
        ),
        ({"type": "function_call", "arguments": "{}"}, "item.name", "missing_required_parameter"),
        ({"type": "function_call", "name": "f"}, "item.arguments", "missing_required_parameter"),
        ({"type": "function_call_output", "output": "1"}, "item.call_id", "missing_required_parameter"),
        ({"type": "function_call_output", "call_id": "c"}, "item.output", "missing_required_parameter"),
        (
            {"type": "function_call_output", "call_id": "c" * 201, "output": "1"},
            "item.call_id",
            "string_above_max_length",
        ),
    ],
)
def test_what_is_missing_or_unknown_is_refused_by_name(given: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(ProtocolError) as fault:
        read(**given)
    assert (fault.value.field, fault.value.code) == (field, code)


@pytest.mark.parametrize(
    ("role", "spoken", "content"),
    [
        ("user", True, [{"type": "input_audio", "transcript": "Hi."}]),
        ("user", False, [{"type": "input_text", "text": "Hi."}]),
        ("system", False, [{"type": "input_text", "text": "Hi."}]),
        ("assistant", True, [{"type": "output_audio", "transcript": "Hi."}]),
        ("assistant", False, [{"type": "output_text", "text": "Hi."}]),
    ],
)
def test_a_message_is_written_as_it_was_said(role: str, content: list[dict[str, Any]], *, spoken: bool) -> None:
    whole = {
        "id": "i", "object": "realtime.item", "type": "message", "status": "completed", "role": role, "content": content
    }  # fmt: skip
    assert items.message("i", role, "Hi.", "completed", spoken=spoken) == whole
    begun = items.message("i", role, "Hi.", "completed", spoken=spoken, with_content=False)
    assert begun == whole | {"content": []}


def test_calls_and_results_are_written_whole() -> None:
    assert items.function_call("i", "c", "f", "{}", "in_progress") == {
        "id": "i", "object": "realtime.item", "type": "function_call", "status": "in_progress", "call_id": "c",
        "name": "f", "arguments": "{}",
    }  # fmt: skip
    assert items.function_call_output("i", "c", "42") == {
        "id": "i", "object": "realtime.item", "type": "function_call_output", "status": "completed", "call_id": "c",
        "output": "42",
    }  # fmt: skip
