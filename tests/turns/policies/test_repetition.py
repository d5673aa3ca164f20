"""Who only wants to hear the last answer again?"""

from __future__ import annotations

import pytest

from parley.turns.policies.repetition import wants_it_again


@pytest.mark.parametrize(
    ("said", "language", "again"),
    [
        ("Say that again.", "en", True),
        ("Pardon?", "en", True),
        ("Could you repeat that, please?", "en", True),
        ("Say that again in French.", "en", False),
        ("Again?", "en", False),
        ("మళ్ళీ చెప్పండి", "te", True),
        ("Say that again.", "te", False),
        ("", "en", False),
    ],
)
def test_a_turn_that_asks_for_nothing_else_wants_the_last_answer(said: str, language: str, *, again: bool) -> None:
    assert wants_it_again(said, language) is again
