"""Fields of answers: what each takes, what it means where it is missing, and what is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parley.errors import ProtocolError
from parley.realtime import answer_fields as fields
from parley.realtime.reader import Reader
from parley.realtime.session_object import WireFormat

Read = Callable[[Reader], Any]


@pytest.mark.parametrize(
    ("read", "given", "value"),
    [
        (fields.read_format, {}, WireFormat("audio/pcm", 24000)),
        (fields.read_format, {"type": "audio/pcm", "rate": 16000}, WireFormat("audio/pcm", 16000)),
        (fields.read_format, {"type": "audio/pcmu"}, WireFormat("audio/pcmu", 8000)),
        (fields.read_format, {"type": "audio/pcma"}, WireFormat("audio/pcma", 8000)),
        (fields.read_modality, {"output_modalities": ["audio"]}, "audio"),
        (fields.read_modality, {"output_modalities": ["text"]}, "text"),
        (fields.read_max_tokens, {}, None),
        (fields.read_max_tokens, {"max_output_tokens": "inf"}, None),
        (fields.read_max_tokens, {"max_output_tokens": 1}, 1),
        (fields.read_max_tokens, {"max_output_tokens": 4096}, 4096),
        (fields.read_voice, {}, None),
        (fields.read_voice, {"voice": "heart"}, "heart"),
        (fields.read_voice, {"voice": {"id": "heart"}}, "heart"),
        (fields.read_tools, {}, ()),
        (
            fields.read_tools,
            {"tools": [{"name": "f", "description": "d", "parameters": {"type": "object"}}]},
            ({"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}},),
        ),
        (
            fields.read_tools,
            {"tools": [{"type": "function", "name": "f"}]},
            ({"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}},),
        ),
        (fields.read_tool_choice, {"tool_choice": "required"}, "required"),
        (
            fields.read_tool_choice,
            {"tool_choice": {"type": "function", "name": "f"}},
            {"type": "function", "name": "f"},
        ),
        (fields.read_truncation, {"truncation": "disabled"}, "disabled"),
        (
            fields.read_truncation,
            {"truncation": {"type": "retention_ratio", "retention_ratio": 0.5}},
            {"type": "retention_ratio", "retention_ratio": 0.5},
        ),
        (
            fields.read_truncation,
            {"truncation": {"token_limits": {"post_instructions": 7}}},
            {"type": "retention_ratio", "retention_ratio": 1.0, "token_limits": {"post_instructions": 7}},
        ),
        (
            fields.read_truncation,
            {"truncation": {"token_limits": {}}},
            {"type": "retention_ratio", "retention_ratio": 1.0, "token_limits": {}},
        ),
        (fields.read_parallel, {}, None),
        (fields.read_parallel, {"parallel_tool_calls": False}, False),
        (fields.read_parallel, {"parallel_tool_calls": True}, True),
        (fields.read_effort, {}, None),
        (fields.read_effort, {"reasoning": {}}, None),
        (fields.read_effort, {"reasoning": {"effort": "low"}}, "low"),
        (fields.read_tracing, {}, None),
        (fields.read_tracing, {"tracing": "auto"}, "auto"),
        (fields.read_tracing, {"tracing": {}}, {}),
        (
            fields.read_tracing,
            {"tracing": {"workflow_name": "w", "group_id": "g", "metadata": {"a": 1}}},
            {"workflow_name": "w", "group_id": "g", "metadata": {"a": 1}},
        ),
        (fields.refuse_prompt, {}, None),
    ],
)
def test_each_field_is_read(read: Read, given: dict[str, Any], value: Any) -> None:
    reader = Reader(given, "session")
    assert read(reader) == value
    reader.refuse_unknown()


@pytest.mark.parametrize(
    ("read", "given", "field", "code"),
    [
        (fields.read_format, {"type": "audio/mp3"}, "type", "invalid_value"),
        (fields.read_format, {"rate": 12345}, "rate", "invalid_value"),
        (fields.read_format, {"rate": 0}, "rate", "invalid_value"),
        (fields.read_modality, {"output_modalities": ["audio", "text"]}, "output_modalities", "invalid_value"),
        (fields.read_modality, {}, "output_modalities", "invalid_value"),
        (fields.read_max_tokens, {"max_output_tokens": 0}, "max_output_tokens", "invalid_value"),
        (fields.read_max_tokens, {"max_output_tokens": 4097}, "max_output_tokens", "invalid_value"),
        (fields.read_voice, {"voice": "v" * 201}, "voice", "string_above_max_length"),
        (fields.read_voice, {"voice": {}}, "voice.id", "missing_required_parameter"),
        (fields.read_tools, {"tools": [{"type": "mcp"}]}, "tools[0].type", "unsupported"),
        (fields.read_tools, {"tools": [{}]}, "tools[0].name", "missing_required_parameter"),
        (fields.read_tools, {"tools": [{"name": "f"}] * 129}, "tools", "invalid_value"),
        (fields.read_tool_choice, {"tool_choice": "always"}, "tool_choice", "invalid_value"),
        (fields.read_tool_choice, {"tool_choice": {"type": "mcp"}}, "tool_choice.type", "invalid_value"),
        (fields.read_tool_choice, {}, "tool_choice", "missing_required_parameter"),
        (fields.read_truncation, {"truncation": "half"}, "truncation", "invalid_value"),
        (fields.read_truncation, {"truncation": {"retention_ratio": 2}}, "truncation.retention_ratio", "invalid_value"),
        (fields.read_effort, {"reasoning": {"effort": "most"}}, "reasoning.effort", "invalid_value"),
        (fields.read_tracing, {"tracing": "on"}, "tracing", "invalid_value"),
        (fields.read_tracing, {"tracing": {"group_id": "g" * 501}}, "tracing.group_id", "string_above_max_length"),
        (fields.refuse_prompt, {"prompt": {"id": "p"}}, "prompt", "unsupported"),
    ],
)
def test_what_is_none_is_refused_by_name(read: Read, given: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(ProtocolError) as fault:
        read(Reader(given))
    assert (fault.value.field, fault.value.code) == (field, code)
