"""When words that nobody waits for are looked at."""

from __future__ import annotations

import pytest

from parley.turns.policies.busy_machine import Load, may_look_at_words


@pytest.mark.parametrize(
    ("load", "since_last_s", "may"),
    [
        ("free", 0.0, True),
        ("others speak", 0.39, False),
        ("others speak", 0.4, True),
        ("others wait", 60.0, False),
    ],
)
def test_words_are_looked_at_when_there_is_time(load: Load, since_last_s: float, *, may: bool) -> None:
    assert may_look_at_words(load, since_last_s, every_s=0.4) is may
