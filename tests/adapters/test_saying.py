"""Texts in sentences, sentences in parts, and the pause behind each."""

from __future__ import annotations

import pytest

from parley.adapters.saying import pause_s, sentences


def parts(text: str, longest_chars: int = 200) -> list[str]:
    return [" ".join(word.group() for word in words) for words in sentences(text, longest_chars)]


def test_a_mark_ends_a_sentence_also_behind_quotes_and_in_indian_scripts() -> None:
    assert parts('He said "no." Why? నమస్కారం। రండి') == ['He said "no."', "Why?", "నమస్కారం।", "రండి"]


def test_every_word_is_in_one_sentence_at_its_place_in_the_text() -> None:
    text = " one, two.  three\nfour! "
    words = [word for sentence in sentences(text, 200) for word in sentence]
    assert [text[w.start() : w.end()] for w in words] == text.split()


def test_a_long_sentence_is_cut_behind_a_clause_else_between_words() -> None:
    assert parts("one two, three four five", 14) == ["one two,", "three four", "five"]
    assert parts("one two three four", 8) == ["one two", "three", "four"]
    assert parts("incomprehensibilities", 5) == ["incomprehensibilities"]
    assert parts("") == []


@pytest.mark.parametrize(
    ("last", "seconds"), [("end.", 0.25), ('end."', 0.25), ("అంతే।", 0.25), ("but,", 0.12), ("and", 0.05)]
)
def test_the_pause_is_what_the_last_mark_asks_for(last: str, seconds: float) -> None:
    assert pause_s(last) == seconds
