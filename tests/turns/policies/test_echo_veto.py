"""From which likeness a voice is the answer's own."""

from __future__ import annotations

import pytest

from parley.turns.policies.echo_veto import is_own_echo


@pytest.mark.parametrize(
    ("likeness", "echo"),
    [(None, False), (0.0, False), (0.33, False), (0.449, False), (0.45, True), (0.5, True), (1.0, True)],
)
def test_a_voice_that_is_like_what_was_played_is_its_echo(likeness: float | None, *, echo: bool) -> None:
    assert is_own_echo(likeness) is echo


@pytest.mark.parametrize(
    ("likeness", "usual", "echo"),
    [
        (0.7, None, True),
        (0.7, 0.96, False),
        (0.73, 0.96, True),
        (0.5, 0.5, True),
        (0.44, 0.5, False),
        (None, 0.9, False),
    ],
)
def test_a_voice_over_an_echo_is_less_like_it_than_the_echoes_here_were(
    likeness: float | None, usual: float | None, *, echo: bool
) -> None:
    assert is_own_echo(likeness, usual) is echo
