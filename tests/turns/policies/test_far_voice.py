"""From which level below his own a voice is somebody else's."""

from __future__ import annotations

import pytest

from parley.turns.policies.far_voice import is_far_away


@pytest.mark.parametrize(
    ("below_own_db", "far"), [(None, False), (-6.0, False), (0.0, False), (12.0, False), (12.1, True), (30.0, True)]
)
def test_a_voice_much_quieter_than_the_speakers_own_is_far_away(below_own_db: float | None, *, far: bool) -> None:
    assert is_far_away(below_own_db) is far
