"""An answer that is asked for anew comes out once, whether its model goes on or begins again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.conversation.engines.splice import Splice, prefix

JOINED = [
    ("The capital of France", " is Paris.", "The capital of France is Paris."),
    ("The capital of France", "is Paris.", "The capital of France is Paris."),
    ("The capital of Fra", "France is Paris.", "The capital of France is Paris."),
    ("The capital of Fra", "The capital of France is Paris.", "The capital of France is Paris."),
    ("The capital of France", "The capital of France is Paris.", "The capital of France is Paris."),
    ("The capital of France", "of France is Paris.", "The capital of France is Paris."),
    ("One, two,", " three.", "One, two, three."),
    ("One, two,", "One, two, three.", "One, two, three."),
    ("One, two, ", "three, four.", "One, two, three, four."),
    ("Hello.", "Hello. How are you?", "Hello. How are you?"),
    ("Hello. ", "How are you?", "Hello. How are you?"),
    ("Hello.", "How are you?", "Hello. How are you?"),
    ("", "Anything", "Anything"),
    ("Well, the answer is not", "Paris is the capital.", "Well, the answer is not Paris is the capital."),
    ("It opened in 1883 and", "It opened in the year 1883.", "It opened in 1883 and the year 1883."),
    ("The", "capital is Paris.", "The capital is Paris."),
    ("Yes", "yes it is.", "Yes it is."),
    ("Der Zug fä", "fährt ab.", "Der Zug fährt ab."),
    ("That's", "That's right.", "That's right."),
    ('He said "yes"', "and left.", 'He said "yes" and left.'),
    ("नमस्ते आप", "नमस्ते आप कैसे हैं?", "नमस्ते आप कैसे हैं?"),
]


def joined(old: str, new: str, size: int) -> str:
    splice = Splice(old)
    return old + "".join(splice.push(new[i : i + size]) for i in range(0, len(new), size)) + splice.flush()


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(("old", "new", "whole"), JOINED)
def test_both_kinds_of_models_come_out_once(old: str, new: str, whole: str, size: int) -> None:
    assert joined(old, new, size) == whole


WORDS = st.lists(st.sampled_from("the cat sat on a mat with two dogs near Paris.".split()), min_size=2, max_size=12)


@given(WORDS, st.integers(1, 11))
def test_a_model_that_begins_again_is_never_heard_twice(words: list[str], at: int) -> None:
    whole = " ".join(words)
    old = whole[: min(len(whole) - 1, at * 4)]
    assert joined(old, whole, 3) == whole


def test_a_last_word_that_may_be_a_part_of_one_is_not_given_to_be_continued() -> None:
    assert prefix("The capital of Fra") == "The capital of"
    assert prefix("It is late. ") == "It is late."
    assert prefix("Hello") == ""
