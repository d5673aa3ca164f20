"""Chunks and speakable text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.conversation.chunker import Chunker
from parley.conversation.speakable import speakable


def pieces(text: str, step: int = 3) -> list[str]:
    chunker = Chunker()
    found = [p for i in range(0, len(text), step) for p in chunker.push(text[i : i + step])]
    return [p.text for p in [*found, *chunker.flush()]]


def test_the_first_piece_is_a_clause_and_later_ones_are_sentences() -> None:
    text = "Well then, it is noon in Paris, I think. It will rain, they say, all day. Good."
    assert pieces(text) == [
        "Well then,",
        " it is noon in Paris, I think.",
        " It will rain, they say, all day.",
        " Good.",
    ]


def test_without_a_clause_the_first_piece_is_some_words() -> None:
    assert len(pieces("one two three four five six seven eight nine ten eleven")[0].split()) == 5


@pytest.mark.parametrize(
    "text",
    [
        "It costs $3.50 today.",
        "Ask Dr. Smith at 5 p.m. today.",
        "See e.g. the U.S. law.",
        "1. Take it.",
        "**Do not. Stop.**",
    ],
)
def test_numbers_abbreviations_and_markup_are_not_cut(text: str) -> None:
    chunker = Chunker()
    chunker._first = False
    assert next(p.text for p in [*chunker.push(text + " "), *chunker.flush()]).strip() == text


@given(st.text(alphabet="ab ,.!?*`[]()1\n", max_size=300), st.integers(1, 40))
def test_pieces_are_the_text_in_order(text: str, step: int) -> None:
    chunker = Chunker()
    found = [p for i in range(0, len(text), step) for p in chunker.push(text[i : i + step])] + chunker.flush()
    for piece in found:
        assert text[piece.start : piece.start + len(piece.text)] == piece.text
    assert "".join("".join(p.text for p in found).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Hello** _there_ 😀!", "Hello there !"),
        ("See [the docs](https://example.com/a).", "See the docs ."),
        ("Go to https://www.example.com/x?y=1.", "Go to example dot com."),
        ("- one\n- two & three", "one two and three"),
        ("## Title", "Title"),
    ],
)
def test_markup_emoji_and_addresses_become_words(written: str, said: str) -> None:
    assert speakable(written).text == said


def test_said_words_know_where_they_are_written() -> None:
    written = "Go **now** 😀 please."
    spoken = speakable(written)
    ends = [spoken.written_end(spoken.text.index(w) + len(w)) for w in ("Go", "now", "please.")]
    assert [written[:e] for e in ends] == ["Go", "Go **now**", written]


@pytest.mark.parametrize("letter", ["x", "あ", "."])
def test_what_has_no_place_to_cut_is_cut_all_the_same(letter: str) -> None:
    found = pieces(letter * 600)
    assert "".join(found) == letter * 600
    assert max(map(len, found)) <= 240


def test_no_vowel_sign_is_torn_from_its_letter() -> None:
    assert all(not piece.startswith("\u0c3f") for piece in pieces("\u0c15\u0c3f" * 400))


def test_sentences_of_scripts_without_blanks_are_pieces() -> None:
    assert pieces("今日は雨です。明日は晴れます。") == ["今日は雨です。", "明日は晴れます。"]


def test_open_markup_is_cut_at_a_blank() -> None:
    found = pieces("*" * 2 + "word " * 200)
    assert all(len(piece) <= 480 and not piece.lstrip().startswith("ord") for piece in found)
