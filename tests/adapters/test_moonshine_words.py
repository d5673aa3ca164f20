"""Word times from what a decoder knows in view of less and less sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from parley.adapters.moonshine import _samples_of
from parley.adapters.moonshine_words import STEP_S, Likely, word_times
from parley.audio.pcm import Float32
from parley.models.interfaces import MODEL_RATE_HZ

PIECES = ["▁Good", "▁mor", "ning", "▁to", "▁you."]
BEGINS_S = [0.5, 0.9, 1.1, 2.0, 2.2]
"""When each token shows."""


def voice(*spans_s: tuple[float, float], seconds: float = 3.0) -> Float32:
    sound = np.zeros(round(seconds * MODEL_RATE_HZ), np.float32)
    for begin, end in spans_s:
        sound[round(begin * MODEL_RATE_HZ) : round(end * MODEL_RATE_HZ)] = 0.3
    return sound


def decoder(begins_s: Sequence[float]) -> Likely:
    def likely(views: Sequence[int]) -> Float32:
        seen = np.array(views)[:, None] / MODEL_RATE_HZ - np.array(begins_s)[None]
        return np.where(seen >= 0, -0.05, -6.0).astype(np.float32)

    return likely


def test_words_begin_where_their_first_token_shows_and_end_at_the_next_or_at_a_pause() -> None:
    words = word_times(PIECES, decoder(BEGINS_S), voice((0.5, 1.5), (2.0, 2.6)))
    assert [w.text for w in words] == ["Good", "morning", "to", "you."]
    assert [w.start_s for w in words] == pytest.approx([0.5, 0.9, 2.0, 2.2], abs=STEP_S + 0.04)
    assert words[0].start_s == pytest.approx(0.5, abs=0.02)
    assert words[0].end_s == words[1].start_s
    assert words[1].end_s == pytest.approx(1.5, abs=0.03), "a pause is nobody's"
    assert words[-1].end_s == pytest.approx(2.6, abs=0.03)


def test_times_never_go_back_and_stay_within_the_sound() -> None:
    words = word_times(PIECES, decoder([2.9, 0.1, 0.2, 0.3, 9.0]), voice((0.5, 2.5)))
    assert all(0.5 - 0.02 <= w.start_s <= w.end_s <= 2.5 + 0.02 for w in words)
    assert [w.start_s for w in words] == sorted(w.start_s for w in words)


def test_a_word_that_shows_too_late_leaves_the_others_where_they_are() -> None:
    pieces = ["▁How", "▁old", "▁is", "▁the", "▁bridge?"]
    for late in range(4):
        shown = [0.5, 0.8, 1.1, 1.3, 1.6]
        shown[late] = 2.4
        words = word_times(pieces, decoder(shown), voice((0.5, 2.5)))
        exact = [0.5, 0.8, 1.1, 1.3, 1.6]
        off = [abs(w.start_s - s) for i, (w, s) in enumerate(zip(words, exact, strict=True)) if i != late]
        assert np.median(off) <= STEP_S
        assert min(w.end_s - w.start_s for w in words) >= 0.05


def test_what_is_nothing_has_no_words() -> None:
    assert word_times([], decoder([]), voice()) == ()


def test_silence_does_not_break_it() -> None:
    assert len(word_times(PIECES, decoder(BEGINS_S), voice())) == 4


@pytest.mark.parametrize(("samples", "frames"), [(16000, 40), (20000, 50), (48000, 123), (160000, 415)])
def test_the_encoder_s_frames_are_reckoned_as_it_makes_them(samples: int, frames: int) -> None:
    assert samples - 384 < _samples_of(frames) <= samples
    assert _samples_of(frames + 1) > samples
