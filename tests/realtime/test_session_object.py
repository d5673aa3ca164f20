"""The session object: what is applied, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from parley.errors import ProtocolError
from parley.realtime.reader import Reader
from parley.realtime.session_object import Extensions, RealtimeSession, updated


def session(**changes: Any) -> RealtimeSession:
    return RealtimeSession("sess_1", "model", "voice", "be kind", **changes)


def update(given: dict[str, Any], **changes: Any) -> RealtimeSession:
    return updated(session(**changes), Reader(given, "session"))


def test_what_is_not_given_stays() -> None:
    assert update({}) == session()
    assert update({"audio": {"output": {"speed": 1.5}}}).voice == "voice"


def test_turn_detection_can_be_taken_away_and_given_back() -> None:
    off = update({"audio": {"input": {"turn_detection": None}}})
    assert off.turn_detection is None
    assert off.to_json()["audio"]["input"]["turn_detection"] is None
    vad = {"type": "server_vad", "silence_duration_ms": 300, "idle_timeout_ms": 6000}
    on = updated(off, Reader({"audio": {"input": {"turn_detection": vad}}}, "session"))
    shown = on.to_json()["audio"]["input"]["turn_detection"]
    assert shown | vad == shown
    assert shown["create_response"] is True


def test_g711_is_always_8_khz() -> None:
    changed = update({"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    assert changed.input_format.rate == 8000
    assert changed.to_json()["audio"]["input"]["format"] == {"type": "audio/pcmu"}


def test_other_rates_are_for_those_who_opted_in() -> None:
    given = {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 48000}}}}
    with pytest.raises(ProtocolError) as fault:
        update(given)
    assert fault.value.field == "session.audio.input.format.rate"
    assert update(given, extensions=Extensions()).input_format.rate == 48000


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"type": "transcription"}, "session.type"),
        ({"output_modalities": ["audio", "text"]}, "session.output_modalities"),
        ({"max_output_tokens": 5000}, "session.max_output_tokens"),
        ({"audio": {"input": {"turn_detection": {"type": "magic"}}}}, "session.audio.input.turn_detection.type"),
        ({"audio": {"input": {"turn_detection": {"threshold": 2}}}}, "session.audio.input.turn_detection.threshold"),
        ({"audio": {"output": {"speed": True}}}, "session.audio.output.speed"),
        ({"tools": [{"type": "mcp"}]}, "session.tools[0].type"),
        ({"tools": {}}, "session.tools"),
        ({"parley": {"playout": "loud"}}, "session.parley.playout"),
        ({"instructions": 5}, "session.instructions"),
    ],
)
def test_refusals_name_the_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ProtocolError) as fault:
        update(given)
    assert fault.value.field == field


def test_functions_keep_their_parameters() -> None:
    tool = {"type": "function", "name": "weather", "description": "d", "parameters": {"type": "object"}}
    assert update({"tools": [tool], "tool_choice": {"type": "function", "name": "weather"}}).tools == (tool,)
