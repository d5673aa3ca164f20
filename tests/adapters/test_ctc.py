"""What CTC scores say, against all paths there are."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.adapters.ctc import Scores, Span, aligned, likeliest

BLANK = 0


def scores(text: str, sure: float = 0.9, letters: str = "-ab") -> Scores:
    """One frame for each sign of `text`, which it is sure of."""
    rest = (1 - sure) / (len(letters) - 1)
    return np.log(np.array([[sure if sign == letter else rest for letter in letters] for sign in text], np.float32))


def ids(text: str, letters: str = "-ab") -> list[int]:
    return [letters.index(sign) for sign in text]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ("---", []),
        ("aab", [("a", 0, 2), ("b", 2, 3)]),
        ("-a-a", [("a", 1, 2), ("a", 3, 4)]),
        ("b--bb-", [("b", 0, 1), ("b", 3, 5)]),
    ],
)
def test_neighbours_that_are_the_same_are_one_letter(frames: str, expected: list[tuple[str, int, int]]) -> None:
    found = [("-ab"[span.token], span.begin, span.end) for span in likeliest(scores(frames), BLANK)]
    assert found == expected


def placed(frames: str, text: str) -> list[Span]:
    found = aligned(scores(frames), ids(text), BLANK)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("frames", "text", "expected"),
    [
        ("-aa-b-", "ab", [(1, 3), (4, 5)]),
        ("-a-a-", "aa", [(1, 2), (3, 4)]),
        ("ab", "ab", [(0, 1), (1, 2)]),
        ("----", "", []),
        ("-a-b-", "a", [(1, 2)]),
    ],
)
def test_letters_of_a_text_are_found_where_they_are(frames: str, text: str, expected: list[tuple[int, int]]) -> None:
    found = placed(frames, text)
    assert [(span.begin, span.end) for span in found] == expected
    assert [span.token for span in found] == ids(text)


def test_a_letter_that_is_not_heard_scores_badly() -> None:
    said, made_up = placed("-a-b-", "ab"), placed("-a-a-", "ab")
    assert said[1].score == pytest.approx(np.log(0.9))
    assert made_up[1].score == pytest.approx(np.log(0.05))


@pytest.mark.parametrize(("frames", "text"), [("a", "ab"), ("aa", "aa"), ("", "a")])
def test_a_text_that_is_too_long_for_its_time_has_no_place(frames: str, text: str) -> None:
    table = scores(frames) if frames else np.empty((0, 3), np.float32)
    assert aligned(table, ids(text), BLANK) is None


def collapsed(path: tuple[int, ...]) -> list[int]:
    return [token for token, _ in groupby(path) if token != BLANK]


@given(st.integers(1, 6), st.lists(st.integers(1, 2), min_size=1, max_size=3), st.integers(0, 10**6))
def test_no_path_through_the_letters_is_likelier(frames: int, tokens: list[int], seed: int) -> None:
    table = np.log(np.random.default_rng(seed).dirichlet(np.ones(3), frames)).astype(np.float32)
    paths = [path for path in product(range(3), repeat=frames) if collapsed(path) == tokens]
    spans = aligned(table, tokens, BLANK)
    assert (spans is None) == (not paths)
    if spans is None:
        return
    path = [BLANK] * frames
    for span in spans:
        path[span.begin : span.end] = [span.token] * (span.end - span.begin)
    assert collapsed(tuple(path)) == tokens
    best = max(sum(table[i, token] for i, token in enumerate(one)) for one in paths)
    assert sum(table[i, token] for i, token in enumerate(path)) == pytest.approx(best, abs=1e-4)
