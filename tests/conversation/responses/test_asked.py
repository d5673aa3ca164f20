"""Options of requests, by number."""

from __future__ import annotations

from parley.conversation.responses.asked import Asked
from parley.conversation.responses.response import ResponseOptions


def test_a_request_is_found_by_its_number_again_and_again() -> None:
    asked = Asked()
    first = asked.remember(ResponseOptions(instructions="one"))
    second = asked.remember(ResponseOptions(instructions="two"))
    assert first != second
    assert 0 not in (first, second)
    for _ in range(2):
        assert asked.by_number(first).instructions == "one"
        assert asked.by_number(second).instructions == "two"


def test_what_nobody_asked_for_is_plain_and_old_requests_are_forgotten() -> None:
    asked = Asked()
    assert asked.by_number(0) == ResponseOptions()
    numbers = [asked.remember(ResponseOptions(instructions=str(n))) for n in range(33)]
    assert asked.by_number(numbers[0]) == ResponseOptions()
    assert asked.by_number(numbers[1]).instructions == "1"
