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


def test_texts_without_blanks_are_sentences_and_clauses_too() -> None:
    assert parts("今天好。明天呢？「好！」再见") == ["今天好。", "明天呢？", "「好！」", "再见"]
    text = "今天天气很好，" * 40 + "。"
    assert max(map(len, parts(text, 150))) <= 150 * 8 / 7, "with blanks between its clauses"
    assert "".join(parts(text, 150)).replace(" ", "") == text
    assert [len(part) for part in parts("好" * 200, 150)] == [80, 80 + 1 + 40]


@pytest.mark.parametrize(
    ("last", "seconds"),
    [("end.", 0.25), ('end."', 0.25), ("అంతే।", 0.25), ("but,", 0.12), ("and", 0.05), ("好。", 0.25), ("好，", 0.12)],
)
def test_the_pause_is_what_the_last_mark_asks_for(last: str, seconds: float) -> None:
    assert pause_s(last) == seconds
