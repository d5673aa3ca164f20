"""The session object: what is applied, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from parley.errors import ProtocolError
from parley.realtime.reader import Reader
from parley.realtime.session_object import Extensions, RealtimeSession, Transcription
from parley.realtime.session_update import updated


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


def test_a_style_of_speaking_is_set_field_by_field_and_shown() -> None:
    sad = update({"parley": {"style": {"emotion": "sad", "intensity": 0.9}}}, extensions=Extensions(exact=True))
    assert sad.extensions == Extensions(exact=True, emotion="sad", intensity=0.9)
    free = updated(sad, Reader({"parley": {"style": {"expressive": True}}}, "session"))
    assert free.to_json()["parley"]["style"] == {"emotion": "sad", "intensity": 0.9, "expressive": True}
    assert updated(free, Reader({"parley": {"playout": "blind"}}, "session")).extensions == Extensions(
        emotion="sad", intensity=0.9, expressive=True
    )


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
        ({"parley": {"style": {"emotion": "hungry"}}}, "session.parley.style.emotion"),
        ({"parley": {"style": {"intensity": 2}}}, "session.parley.style.intensity"),
        ({"parley": {"style": {"mood": "sad"}}}, "session.parley.style.mood"),
        ({"instructions": 5}, "session.instructions"),
        ({"id": "sess_2"}, "session.id"),
        ({"prompt": {"id": "pmpt_1"}}, "session.prompt"),
        ({"include": ["item.input_audio_transcription.logprobs"]}, "session.include"),
        ({"reasoning": {"effort": "some"}}, "session.reasoning.effort"),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, "session.reasoning.summary"),
        ({"tracing": {"workflow_name": 5}}, "session.tracing.workflow_name"),
        ({"tools": [{"type": "function", "name": "f", "strict": True}]}, "session.tools[0].strict"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "session.tool_choice.type"),
        ({"temperature": 0.8}, "session.temperature"),
        ({"modalities": ["text"]}, "session.modalities"),
        ({"voice": "alloy"}, "session.voice"),
        ({"turn_detection": {"type": "server_vad"}}, "session.turn_detection"),
        ({"input_audio_format": "pcm16"}, "session.input_audio_format"),
        ({"audio": {"input": {"vad": 1}}}, "session.audio.input.vad"),
        ({"audio": {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}}},
         "session.audio.input.turn_detection.threshold"),
        ({"audio": {"input": {"noise_reduction": {"type": "near_field", "strength": 0.5}}}},
         "session.audio.input.noise_reduction.strength"),
        ({"audio": {"input": {"transcription": {"delay": "low"}}}}, "session.audio.input.transcription.delay"),
        ({"audio": {"input": {"transcription": {"keywords": "a, b"}}}}, "session.audio.input.transcription.keywords"),
        ({"audio": {"input": {"transcription": {"language": "klingon"}}}},
         "session.audio.input.transcription.language"),
        ({"audio": {"input": {"transcription": {"languages": ["en", "xx"]}}}},
         "session.audio.input.transcription.languages"),
    ],
)  # fmt: skip
def test_refusals_name_the_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ProtocolError) as fault:
        update(given)
    assert fault.value.field == field


def test_functions_keep_their_parameters() -> None:
    tool = {"type": "function", "name": "weather", "description": "d", "parameters": {"type": "object"}}
    assert update({"tools": [tool], "tool_choice": {"type": "function", "name": "weather"}}).tools == (tool,)


def test_the_name_of_today_is_told_for_a_field_of_the_beta() -> None:
    with pytest.raises(ProtocolError) as fault:
        update({"input_audio_transcription": {"model": "whisper-1"}})
    assert "It is called 'session.audio.input.transcription' now." in str(fault.value)


def test_a_client_may_send_back_what_it_was_given() -> None:
    given = session().to_json()
    assert update(given).to_json() == given


def test_new_fields_are_kept_and_shown() -> None:
    given = {
        "reasoning": {"effort": "low"}, "parallel_tool_calls": False, "tracing": {"workflow_name": "w"},
        "audio": {"input": {"transcription": {
            "model": "whisper-base", "language": "te-IN", "prompt": "Names.", "keywords": ["Ann", "Bob"],
            "languages": ["English", "te"],
        }}},
    }  # fmt: skip
    changed = update(given)
    assert changed.reasoning_effort == "low"
    assert changed.language == "te"
    expected = Transcription("whisper-base", "te", ("en", "te"), "Names.", ("Ann", "Bob"))
    assert changed.transcription == expected
    shown = changed.to_json()
    assert (shown["reasoning"], shown["parallel_tool_calls"]) == ({"effort": "low"}, False)
    assert shown["tracing"] == {"workflow_name": "w"}
    assert shown["audio"]["input"]["transcription"]["language"] == "te"
    assert updated(changed, Reader({"reasoning": None, "tracing": None}, "session")).to_json()["tracing"] is None


def test_what_is_not_named_of_a_transcription_stays_and_null_takes_it_away() -> None:
    first = update({"audio": {"input": {"transcription": {"model": "m", "language": "de", "prompt": "p"}}}})
    other = Reader({"audio": {"input": {"transcription": {"language": "auto", "prompt": None}}}}, "session")
    second = updated(first, other)
    assert second.transcription == Transcription("m")
    assert second.language is None
    off = updated(second, Reader({"audio": {"input": {"transcription": None}}}, "session"))
    assert off.to_json()["audio"]["input"]["transcription"] is None


def test_a_transcription_session_has_nothing_of_answers() -> None:
    listening = session(kind="transcription")
    changed = updated(listening, Reader({
        "type": "transcription",
        "audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 300}}},
    }, "session"))  # fmt: skip
    shown = changed.to_json()
    assert shown["type"] == "transcription"
    assert shown["object"] == "realtime.transcription_session"
    assert shown.keys() & {"model", "instructions", "tools", "output_modalities"} == set()
    assert shown["audio"].keys() == {"input"}
    assert shown["audio"]["input"]["turn_detection"] == {
        "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 300
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"type": "realtime"}, "session.type"),
        ({"instructions": "Be kind."}, "session.instructions"),
        ({"audio": {"output": {"voice": "alloy"}}}, "session.audio.output"),
        ({"audio": {"input": {"transcription": None}}}, "session.audio.input.transcription"),
        ({"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 9000}}}},
         "session.audio.input.turn_detection.idle_timeout_ms"),
    ],
)  # fmt: skip
def test_what_a_transcription_session_has_not_is_refused_by_name(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ProtocolError) as fault:
        updated(session(kind="transcription"), Reader(given, "session"))
    assert fault.value.field == field
