"""Text is cut where it can be said in pieces, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.conversation.output.text_chunker import Chunker, Piece, chunks_of


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


def said(chunker: Chunker, text: str) -> list[str]:
    return [piece.text for piece in chunker.push(text)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Well, that is so, I think, ", "Well, that is so,"),  # one word is no clause
        ("Well then: that", "Well then:"),
        ("one two three four five ", None),
        ("one two three four five six", "one two three four five"),
        ("one two three four five\nsix", "one two three four five\n"),
        ("Yes. No", "Yes."),
        ("Yes.", None),  # more of it may come
        ("Yes.) No", "Yes.)"),
        ("今日は、雨", "今日は、"),
    ],
)
def test_the_first_piece_comes_as_soon_as_some_words_can_be_said(text: str, first: str | None) -> None:
    assert said(Chunker(), text)[:1] == ([] if first is None else [first])


def test_later_pieces_are_whole_sentences_unless_they_are_long() -> None:
    chunker = Chunker(hurried=False)
    assert said(chunker, "It will rain, they say, all day") == []
    assert said(chunker, ", and then. But") == ["It will rain, they say, all day, and then."]
    assert said(chunker, " it will " + "go on and on, " * 20) != []


def test_nobody_waits_for_a_text_that_is_there_as_a_whole() -> None:
    assert chunks_of("Well then, it is noon. Good.") == [Piece(0, "Well then, it is noon."), Piece(22, " Good.")]


def test_pieces_know_where_they_stand_in_the_answer() -> None:
    chunker = Chunker("0123456789", hurried=False)
    assert chunker.push("It is. So ") == [Piece(10, "It is.")]
    assert chunker.flush() == [Piece(16, " So ")]
    assert chunker.flush() == []


def test_blanks_alone_are_no_piece_and_count_all_the_same() -> None:
    chunker = Chunker(hurried=False)
    assert chunker.push("\n\n") == []
    assert chunker.push("Yes. ") == [Piece(2, "Yes.")]


@pytest.mark.parametrize(
    ("text", "words", "piece"),
    [
        ("It is noon, I thi", None, "It is noon,"),
        ("It is noon I thi", None, None),
        ("It is noon I thi", 3, "It is noon I"),
        ("It is", 3, None),
        ("It is", 1, "It"),
        ("It", 1, None),
        ("**It is noon, I", None, None),  # the marks are not closed
        ("```\nx = 1, y", 1, None),  # nor is the block
    ],
)
def test_in_a_hurry_it_is_cut_at_a_clause_or_behind_some_words(text: str, words: int | None, piece: str | None) -> None:
    chunker = Chunker(hurried=False)
    chunker.push(text)
    assert [p.text for p in chunker.hurry(words)] == ([] if piece is None else [piece])


def test_a_pause_ends_a_piece_and_is_silence_behind_it() -> None:
    chunker = Chunker(hurried=False)
    (piece,) = chunker.push('Wait <break time="1s"/> now')
    assert (piece.text, piece.pause_s) == ('Wait <break time="1s"/>', 1.0)
    assert chunker.flush() == [Piece(23, " now")]


def test_pauses_that_follow_each_other_are_no_longer_than_the_longest() -> None:
    asked = [p.pause_s for p in Chunker(hurried=False).push('Wait <break time="3s"/> <break time="3s"/> ')]
    assert asked == [3.0, 2.0]
    apart = [p.pause_s for p in Chunker(hurried=False).push('A <break time="3s"/> b <break time="3s"/> ')]
    assert apart == [3.0, 3.0]


def test_all_pauses_of_a_text_together_are_bounded() -> None:
    asked = [p.pause_s for p in Chunker(hurried=False).push('So <break time="4.5s"/> ' * 15)]
    assert asked == [*(4.5,) * 13, 1.5, 0.0]


@pytest.mark.parametrize(
    "head",
    [
        *("[a. b", "[a](b. c", "<a. b", "</a. b", "<!-- a. b", "**a. b", "`a. b", "~~a. b"),
        *("**a** **b. c", "`a` `b. c", "~~a~~ ~~b. c"),
        *('<phoneme ph="a">b. c', "<sub alias='a'>b. c", "<say-as interpret-as='date'>a. b"),
        *("$a. b", "\\frac{a. b", "\\(a. b", "\\[a. b", "$$a. b"),
    ],
)
def test_open_markup_is_not_cut(head: str) -> None:
    assert said(Chunker(hurried=False), f"{head} and") == []


@pytest.mark.parametrize(
    "head",
    [
        "[a]. b",
        "[a](b). c",
        "\\(a\\). b",
        "\\frac{a}. b",
        "**a** **b**. c",
        "~~a~~ ~~b~~. c",
        "a < b. c",
        "<b>a. c",
        '<phoneme ph="a">b</phoneme>. c',
        '<phoneme ph="a"/>. c',
        "</sub>a. c",
        "$5. b",
        "**a**. b",
        "`a`. b",
        "~~a~~. b",
        "x{a. b",
    ],
)
def test_closed_markup_is_cut_behind(head: str) -> None:
    assert len(said(Chunker(hurried=False), f"{head} and")) == 1
