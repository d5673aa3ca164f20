"""Untrusted JSON: what is none is told as such."""

from __future__ import annotations

import pytest

from parley.errors import ProtocolError
from parley.realtime.reader import Reader, decoded


@pytest.mark.parametrize("text", ["", "{", b"\xff", '"\\ud800"', "1e999", "NaN", "[" * 100_000, '{"a":' * 100_000])
def test_what_is_no_json_or_too_deep_is_an_error_that_names_the_field(text: str | bytes) -> None:
    with pytest.raises(ProtocolError, match="'session' is not JSON") as caught:
        decoded(text, "session")
    assert caught.value.code == "invalid_json"
    assert caught.value.field == "session"


def test_a_message_has_no_field() -> None:
    assert decoded(b'{"a": [1]}') == {"a": [1]}
    with pytest.raises(ProtocolError, match="the message is not JSON"):
        decoded("{")


def test_what_is_kept_as_it_is_has_bounded_depth() -> None:
    fits, deeper = '{"b":' * 63 + "1" + "}" * 63, '{"b":' * 65 + "1" + "}" * 65
    assert Reader(decoded(f'{{"a": {fits}}}')).schema("a")
    with pytest.raises(ProtocolError, match=r"'tool\.a' is nested deeper than 64 levels"):
        Reader(decoded(f'{{"a": {deeper}}}'), "tool").schema("a")
