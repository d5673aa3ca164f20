"""What readers say, in the words that clients match on, and that nothing is dropped silently."""

from __future__ import annotations

from typing import Any

import pytest

from parley.errors import ProtocolError
from parley.realtime.client_events import CreateItem, CreateResponse, read_command
from parley.realtime.reader import Reader


def refused(event: Any) -> ProtocolError:
    with pytest.raises(ProtocolError) as fault:
        read_command(event)
    return fault.value


MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}


@pytest.mark.parametrize(
    ("event", "code", "field", "message"),
    [
        ({}, "missing_required_parameter", "type", "Missing required parameter: 'type'."),
        (
            {"type": "session.update"},
            "missing_required_parameter",
            "session",
            "Missing required parameter: 'session'.",
        ),
        (
            {"type": 5},
            "invalid_type",
            "type",
            "Invalid type for 'type': expected a string, but got an integer instead.",
        ),
        (
            {"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": 1.5},
            "invalid_type",
            "audio_end_ms",
            "Invalid type for 'audio_end_ms': expected an integer, but got a decimal number instead.",
        ),
        (
            {"type": "response.create", "response": {"conversation": "mine"}},
            "invalid_value",
            "response.conversation",
            "Invalid value: 'mine'. Supported values are: 'auto', and 'none'.",
        ),
        (
            {"type": "response.create", "response": {"temperature": 0.8}},
            "unknown_parameter",
            "response.temperature",
            "Unknown parameter: 'response.temperature'.",
        ),
        (
            {"type": "response.create", "response": {"modalities": ["text"]}},
            "unknown_parameter",
            "response.modalities",
            "Unknown parameter: 'response.modalities'. It is called 'response.output_modalities' now.",
        ),
        (
            {"type": "input_audio_buffer.commit", "final": True},
            "unknown_parameter",
            "final",
            "Unknown parameter: 'final'.",
        ),
        (
            {"type": "conversation.item.create", "item": MESSAGE | {"name": "Ann"}},
            "unknown_parameter",
            "item.name",
            "Unknown parameter: 'item.name'.",
        ),
        (
            {"type": "response.create", "response": {"input": [MESSAGE | {"content": [{"type": "input_text"}]}]}},
            "missing_required_parameter",
            "response.input[0].content[0].text",
            "Missing required parameter: 'response.input[0].content[0].text'.",
        ),
    ],
)
def test_faults_are_told_as_the_official_service_tells_them(event: Any, code: str, field: str, message: str) -> None:
    fault = refused(event)
    assert (fault.code, fault.field, str(fault)) == (code, field, message)


def test_an_event_that_nobody_knows_is_told_those_that_are_known() -> None:
    fault = refused({"type": "transcription_session.update"})
    assert (fault.code, fault.field) == ("invalid_value", "type")
    assert str(fault).startswith(
        "Invalid value: 'transcription_session.update'. Supported values are: 'session.update'"
    )
    assert "parley." not in str(fault)


def test_a_word_of_any_length_is_shown_in_part() -> None:
    assert len(str(refused({"type": "x" * 200}))) < 700


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", {"id": "pmpt_1"}),
        ("tools", [{"type": "function", "name": "f", "strict": True}]),
        ("tools", [{"type": "mcp", "server_label": "x"}]),
        ("tool_choice", {"type": "mcp", "server_label": "x"}),
        ("audio", {"output": {"voice": "alloy", "speed": 2}}),
        ("audio", {"input": {}}),
        ("reasoning", {"effort": "much"}),
        ("parallel_tool_calls", "yes"),
    ],
)
def test_fields_of_a_response_are_applied_or_refused_by_name(field: str, value: Any) -> None:
    assert str(refused({"type": "response.create", "response": {field: value}}).field).startswith(f"response.{field}")


def test_overrides_of_a_response_are_read() -> None:
    wish = {
        "reasoning": {"effort": "low"}, "parallel_tool_calls": False, "max_output_tokens": "inf",
        "audio": {"output": {"voice": {"id": "sage"}, "format": {"type": "audio/pcmu"}}},
    }  # fmt: skip
    read = read_command({"type": "response.create", "event_id": "e", "response": wish})
    assert isinstance(read, CreateResponse)
    assert (read.reasoning_effort, read.parallel_tool_calls, read.max_output_tokens) == ("low", False, "inf")
    assert read.voice == "sage"
    assert read.output_format is not None
    assert read.output_format.type == "audio/pcmu"


def test_what_is_null_says_nothing() -> None:
    nothing = {"prompt": None, "reasoning": None, "a field of next year": None, "parallel_tool_calls": None}
    assert read_command({"type": "response.create", "response": nothing}) == CreateResponse()


def item(**fields: Any) -> Any:
    read = read_command({"type": "conversation.item.create", "item": fields})
    assert isinstance(read, CreateItem)
    return read.item


def test_an_item_keeps_its_status_and_all_parts_of_its_content() -> None:
    parts = [
        {"type": "input_text", "text": "One"},
        {"type": "input_audio", "audio": "AAAA"},
        {"type": "input_audio", "transcript": "two", "audio": "BBBB"},
        {"type": "input_audio", "audio": "CCCC"},
    ]
    read = item(type="message", role="user", content=parts, status="incomplete", object="realtime.item")
    sounds = (("item.content[1].audio", "AAAA"), ("item.content[3].audio", "CCCC"))
    assert (read.text, read.audio, read.status) == ("One two", sounds, "incomplete")


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"type": "input_image", "image_url": "data:"}, "item.content[0].type"),
        ({"type": "input_audio"}, "item.content[0].audio"),
        ({"type": "input_text", "text": "x", "detail": "high"}, "item.content[0].detail"),
        ({"text": "x"}, "item.content[0].type"),
    ],
)
def test_content_that_cannot_be_taken_is_named(part: Any, field: str) -> None:
    event = {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [part]}}
    assert refused(event).field == field


def test_an_answers_own_sound_is_not_taken() -> None:
    content = [{"type": "output_audio", "transcript": "Hi", "audio": "AAAA"}]
    item = {"type": "message", "role": "assistant", "content": content}
    assert refused({"type": "conversation.item.create", "item": item}).field == "item.content[0].audio"


def test_an_object_that_is_read_later_keeps_its_unknown_fields_until_then() -> None:
    given = Reader({"session": {"odd": 1}})
    inner = given.apart("session")
    given.refuse_unknown()
    with pytest.raises(ProtocolError, match=r"Unknown parameter: 'session\.odd'\."):
        inner.refuse_unknown()
