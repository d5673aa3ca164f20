"""The recent input by absolute sample."""

from __future__ import annotations

import numpy as np
import pytest

from parley.conversation.input.audio_buffer import AudioBuffer


@pytest.mark.parametrize(
    ("start", "end"), [(0, 100), (0, 5), (7, 13), (95, 100), (10, 20), (15, 15), (-5, 200), (90, 30)]
)
def test_any_stretch_is_what_was_put_there(start: int, end: int) -> None:
    sound, whole = AudioBuffer(), np.arange(100, dtype=np.float32)
    for first in range(0, 100, 10):
        sound.append(whole[first : first + 10])
    assert np.array_equal(sound.cut(start, end), whole[max(0, start) : max(0, end)])


def test_what_is_forgotten_is_gone_and_the_rest_keeps_its_place() -> None:
    sound = AudioBuffer()
    for first in range(0, 100, 10):
        sound.append(np.arange(first, first + 10, dtype=np.float32))
    sound.forget_before(35)
    assert sound.start == 30
    assert list(sound.cut(0, 33)) == [30, 31, 32]
    assert sound.end == 100


def filled(seconds: float) -> AudioBuffer:
    sound = AudioBuffer()
    sound.append(np.arange(round(seconds * 16000), dtype=np.float32))
    return sound


def test_time_is_counted_in_samples_at_sixteen_kilohertz() -> None:
    sound = AudioBuffer()
    assert (sound.start, sound.end, sound.turn_from, sound.end_s) == (0, 0, 0, 0.0)
    sound.append(np.zeros(8000, np.float32))
    sound.append(np.zeros(4000, np.float32))
    assert (sound.end, sound.end_s) == (12000, 0.75)


def test_until_a_moment_is_a_little_longer_as_far_as_there_is_sound() -> None:
    sound = filled(1.0)
    assert sound.until(0.5) == 9920
    assert sound.until(0.95) == 16000


def test_a_turn_is_what_came_since_its_beginning() -> None:
    sound = filled(1.0)
    sound.turn_from = 4000
    assert (sound.turn()[0], len(sound.turn())) == (4000, 12000)
    assert (sound.turn(0.5)[0], len(sound.turn(0.5))) == (4000, 5920)


def test_whole_chunks_are_forgotten_up_to_their_last_sample() -> None:
    sound = AudioBuffer()
    for _ in range(3):
        sound.append(np.zeros(10, np.float32))
    sound.forget_before(9)
    assert sound.start == 0
    sound.forget_before(20)
    assert sound.start == 20
    sound.forget_before(99)
    assert (sound.start, sound.end) == (30, 30)
    assert len(sound.cut(0, 99)) == 0


def test_a_turn_that_was_understood_may_be_the_beginning_of_the_next() -> None:
    sound = filled(1.0)
    sound.turn_from = 4000
    sound.close_turn(understood=True)
    assert sound.turn_from == 16000
    sound.append(np.zeros(16000, np.float32))
    sound.turn_from = 24000
    sound.forget_before(24000)
    sound.rejoin()
    assert (sound.turn_from, len(sound.turn())) == (4000, 28000)


def test_noise_between_two_halves_is_no_turn_that_could_be_one_of_them() -> None:
    sound = filled(1.0)
    sound.turn_from = 4000
    sound.close_turn(understood=True)
    sound.turn_from = 15000
    sound.close_turn(understood=False)
    assert sound.rejoin()
    assert sound.turn_from == 4000


def test_where_no_turn_was_there_is_none_to_rejoin() -> None:
    sound = filled(1.0)
    sound.turn_from = 4000
    assert not sound.rejoin()
    assert sound.turn_from == 4000


def test_a_turn_that_is_long_over_is_let_go() -> None:
    sound = filled(1.0)
    sound.close_turn(understood=True)
    for _ in range(9):
        sound.append(np.zeros(16000, np.float32))
    sound.forget_before(7 * 16000)
    assert sound.start == 0
    sound.forget_before(7 * 16000 + 1)
    assert sound.start == 7 * 16000


def test_what_is_not_there_is_nothing_of_the_right_kind() -> None:
    assert AudioBuffer().cut(0, 10).dtype == np.float32
