"""Events for clients that take messages of a limited size."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from parley.realtime.fitting import fitting


def size(event: Any) -> int:
    return len(msgspec.json.encode(event))


def test_what_fits_goes_as_it_is() -> None:
    event = {"type": "response.created", "response": {"id": "r"}}
    assert fitting(event, 1000) == [event]


@given(st.text(min_size=200, max_size=3000))
def test_a_delta_is_split_and_nothing_of_it_is_lost(text: str) -> None:
    event = {"type": "response.output_text.delta", "event_id": "e", "delta": text}
    found = fitting(event, 500)
    assert "".join(part["delta"] for part in found) == text
    assert all(size(part) <= 500 for part in found)
    assert [part.get("event_id") for part in found] == ["e", *[None] * (len(found) - 1)]


def test_other_events_are_shortened_and_an_error_says_so() -> None:
    item: dict[str, Any] = {
        "id": "i",
        "content": [{"type": "output_text", "text": "x" * 10_000}, {"type": "output_text", "text": "short"}],
    }
    told, shorter = fitting({"type": "conversation.item.done", "item": item}, 2000)
    assert told["type"] == "error"
    assert told["error"]["code"] == "event_too_long"
    assert size(shorter) <= 2000
    assert shorter["item"]["content"][0]["text"].endswith("(shortened)")
    assert shorter["item"]["content"][1]["text"] == "short"
    assert item["content"][0]["text"] == "x" * 10_000, "the original stays as it is"


def test_what_cannot_be_shortened_is_refused() -> None:
    (told,) = fitting({"type": "session.created", "numbers": list(range(10_000))}, 2000)
    assert told["type"] == "error"
