"""Events as they are written: every one whole, and each kind either sent or said never to be."""

from __future__ import annotations

from parley.realtime import server_events as se


def test_no_event_is_both_sent_and_never_sent() -> None:
    assert not se.STOCK_EVENTS.keys() & se.NEVER_SENT.keys()
    assert all(name.startswith("parley.") for name in se.EXTENSION_EVENTS)
    assert not any(name.startswith("parley.") for name in se.STOCK_EVENTS | se.NEVER_SENT)


def test_an_error_names_what_is_at_fault_and_when_asking_again_may_help() -> None:
    assert se.error("no") == {
        "type": "error",
        "error": {
            "type": "invalid_request_error", "code": None, "message": "no", "param": None, "event_id": None
        },
    }  # fmt: skip
    told = se.error("no", kind="server_error", code="c", param="p", event_id="e", retry_after_s=2.0)
    assert told["error"] == {
        "type": "server_error", "code": "c", "message": "no", "param": "p", "event_id": "e", "retry_after_s": 2.0
    }  # fmt: skip


def test_words_of_a_turn_come_as_a_delta_then_whole_or_not_at_all() -> None:
    name = "conversation.item.input_audio_transcription"
    assert se.transcription_delta("i", "Hi.") == {
        "type": f"{name}.delta", "item_id": "i", "content_index": 0, "delta": "Hi."
    }  # fmt: skip
    assert se.transcription_completed("i", "Hi.", 1.23456) == {
        "type": f"{name}.completed", "item_id": "i", "content_index": 0, "transcript": "Hi.",
        "usage": {"type": "duration", "seconds": 1.235},
    }  # fmt: skip
    assert se.transcription_failed("i", "broken") == {
        "type": f"{name}.failed", "item_id": "i", "content_index": 0,
        "error": {"type": "transcription_error", "code": "recognition_failed", "message": "broken", "param": None},
    }  # fmt: skip


def test_an_item_stands_behind_another_and_a_part_in_its_item() -> None:
    assert se.item_event("added", {"id": "i"}, "before") == {
        "type": "conversation.item.added", "previous_item_id": "before", "item": {"id": "i"}
    }  # fmt: skip
    assert se.part_event("response.output_text.delta", "r", "i", 2, delta="Hi.") == {
        "type": "response.output_text.delta", "response_id": "r", "item_id": "i", "output_index": 2,
        "content_index": 0, "delta": "Hi.",
    }  # fmt: skip


def test_a_response_is_written_whole() -> None:
    assert se.response_object("r", "in_progress") == {
        "object": "realtime.response", "id": "r", "status": "in_progress", "status_details": None, "output": [],
        "conversation_id": None, "output_modalities": ["audio"], "max_output_tokens": "inf",
        "audio": {"output": {"voice": None, "format": None}}, "usage": None, "metadata": None,
    }  # fmt: skip
    given = se.response_object(
        "r", "completed", output=({"id": "i"},), modality="text", voice="v", audio_format={"type": "audio/pcm"},
        details={"reason": "x"}, max_output_tokens=5, usage={"total_tokens": 3}, metadata={"a": "b"}, conversation="c",
    )  # fmt: skip
    assert given == {
        "object": "realtime.response", "id": "r", "status": "completed", "status_details": {"reason": "x"},
        "output": [{"id": "i"}], "conversation_id": "c", "output_modalities": ["text"], "max_output_tokens": 5,
        "audio": {"output": {"voice": "v", "format": {"type": "audio/pcm"}}}, "usage": {"total_tokens": 3},
        "metadata": {"a": "b"},
    }  # fmt: skip


def test_all_tokens_are_text() -> None:
    assert se.usage_object(10, 5, 4) == {
        "total_tokens": 15, "input_tokens": 10, "output_tokens": 5,
        "input_token_details": {
            "text_tokens": 10, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 4,
            "cached_tokens_details": {"text_tokens": 4, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 5, "audio_tokens": 0},
    }  # fmt: skip
