"""The recent input by absolute sample."""

from __future__ import annotations

import numpy as np
import pytest

from parley.conversation.input_sound import InputSound


@pytest.mark.parametrize(
    ("start", "end"), [(0, 100), (0, 5), (7, 13), (95, 100), (10, 20), (15, 15), (-5, 200), (90, 30)]
)
def test_any_stretch_is_what_was_put_there(start: int, end: int) -> None:
    sound, whole = InputSound(), np.arange(100, dtype=np.float32)
    for first in range(0, 100, 10):
        sound.append(whole[first : first + 10])
    assert np.array_equal(sound.cut(start, end), whole[max(0, start) : max(0, end)])


def test_what_is_forgotten_is_gone_and_the_rest_keeps_its_place() -> None:
    sound = InputSound()
    for first in range(0, 100, 10):
        sound.append(np.arange(first, first + 10, dtype=np.float32))
    sound.forget_before(35)
    assert sound.start == 30
    assert list(sound.cut(0, 33)) == [30, 31, 32]
    assert sound.end == 100
