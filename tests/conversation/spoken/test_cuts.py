"""A text that comes bit by bit is said as it is as a whole: blocks, pauses and what is read as one are not torn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.conversation.output.text_chunker import Chunker, Piece, chunks_of
from parley.conversation.output.text_normalizer import speakable
from tests.conversation.spoken.test_everyday import EVERYDAY, plain
from tests.conversation.spoken.test_kinds import ROWS
from tests.conversation.spoken.test_places import ANY_TEXT

WRITTEN = [written for written, _ in [*EVERYDAY, *ROWS]]
CARRIERS = [
    "{}",
    "Well, I must say that {} And that is all there is to say about it, really. Yes.",
    "One two three. Four five six.\n{}\nThe end, my friend.",
]


def cut(text: str, step: int) -> list[Piece]:
    chunker = Chunker()
    found = [piece for at in range(0, len(text), step) for piece in chunker.push(text[at : at + step])]
    return [*found, *chunker.flush()]


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_pieces_are_read_as_the_whole_is(carrier: str, step: int) -> None:
    for written in WRITTEN:
        text = carrier.format(written) if "{}" in carrier else written
        pieces = " ".join(speakable(piece.text).text for piece in cut(text, step))
        assert plain(pieces) == plain(speakable(text).text), text


@given(ANY_TEXT, st.integers(1, 9))
def test_pieces_are_the_writing_in_order(text: str, step: int) -> None:
    pieces = cut(text, step)
    for piece in pieces:
        assert text[piece.start : piece.start + len(piece.text)] == piece.text
    assert "".join("".join(piece.text for piece in pieces).split()) == "".join(text.split())


@pytest.mark.parametrize("step", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    "block",
    [
        "```python\nx = 1. Then, y\n\nprint(x)\n```\n",
        "~~~\n```\nx. Y\n~~~\n",
        "  ```\n  a. B\n  ```\n",
        "| a. B | c |\n|---|---|\n| d | e |\n",
        "a | b | c. D\n---|---|---\ne | f | g\n",
        "$$\nE = mc^2. X\n$$",
        "\\[ a. B \\]",
        "<!-- not. This -->",
    ],
)
def test_a_block_is_one_piece_however_it_comes(block: str, step: int) -> None:
    pieces = [piece.text for piece in cut(f"See here, now.\n{block}\nDone, all. Right.", step)]
    assert block in pieces
    assert pieces[0].startswith("See here,")


def test_code_that_never_ends_is_one_piece() -> None:
    assert [piece.text for piece in cut("Look:\n```\na. B\n" + "x = 1\n" * 500, 4)][1:] == [
        "```\na. B\n" + "x = 1\n" * 500
    ]


def test_nothing_is_said_of_a_block_before_it_is_there() -> None:
    chunker = Chunker()
    pieces = chunker.push("Well, see:\n```\nfirst, second, third and so on it goes. Yes")
    assert [piece.text for piece in pieces] == ["Well, see:\n"]
    assert chunker.hurry(1) == []


@pytest.mark.parametrize(
    "together",
    ["$1,234.56", "Dr. Smith", "7:30 p.m. today", "Henry VIII", "chapter IV", "5 km", "November 26, 2026",
     "+91 98480 22338", "No. 5", "https://example.com/a,b. c", "3.5", "e.g. this", "z. B. das", "10 - 5 = 5",
     "code is 4815", "$\\{a, b\\}$",
     "\\frac{a, b}{c}", "\\(a, b\\)", "World War II", "(555) 123-4567"],
)  # fmt: skip
@pytest.mark.parametrize("step", [1, 4])
def test_what_is_read_as_one_is_in_one_piece(together: str, step: int) -> None:
    for before in ("", "one", "one two", "one two three", "one two three four", "one two three four five"):
        pieces = [piece.text for piece in cut(f"{before} {together} and so it goes on and on and on. Then more.", step)]
        whole = together if "https" not in together else "https://example.com/a,b."
        assert any(whole in piece for piece in pieces), pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("今日は雨です。明日は、晴れます！本当？はい", ["今日は雨です。", "明日は、晴れます！", "本当？", "はい"]),
        ("「はい。」と言った。", ["「はい。", "」と言った。"]),
        ("今日はとても、良い日です。", ["今日はとても、", "良い日です。"]),
        ("यह है।वह है॥हाँ", ["यह है।", "वह है॥", "हाँ"]),
        ("ما اسمك؟أنا أحمد۔نعم", ["ما اسمك؟", "أنا أحمد۔", "نعم"]),
        ("ጤና ይስጥልኝ።እንዴት ነህ፧ደህና", ["ጤና ይስጥልኝ።", "እንዴት ነህ፧", "ደህና"]),
        ("ខ្ញុំទៅ។អ្នកនៅ", ["ខ្ញុំទៅ។", "អ្នកនៅ"]),
        ("这是3.5公里，对。好", ["这是3.5公里，", "对。", "好"]),
    ],
)  # fmt: skip
def test_sentences_end_in_every_script_without_a_blank(text: str, pieces: list[str]) -> None:
    assert [piece.text for piece in cut(text, 1)] == pieces


@pytest.mark.parametrize(
    ("text", "pauses"),
    [
        ('Wait <break time="1s"/> now.', [("Wait", 1.0), ("now.", 0.0)]),
        ("Wait <break time='250ms'/> now.", [("Wait", 0.25), ("now.", 0.0)]),
        ("Go [pause=2s] now.", [("Go", 2.0), ("now.", 0.0)]),
        ("Go <break/> on [pause] then.", [("Go", 0.5), ("on", 0.5), ("then.", 0.0)]),
        ('A <break strength="strong"/> b <break strength="none"/>c', [("A", 1.0), ("b", 0.0), ("c", 0.0)]),
        ("Long [pause=99s] pause.", [("Long", 5.0), ("pause.", 0.0)]),
        ("One [pause=4s][pause=4s] pause.", [("One", 4.0), ("", 1.0), ("pause.", 0.0)]),
        ("No ```[pause=1s]``` pause.", [("No [pause", 0.0)]),
    ],
)
@pytest.mark.parametrize("step", [1, 5, 1000])
def test_a_pause_ends_its_piece_and_is_as_long_as_it_says(
    text: str, pauses: list[tuple[str, float]], step: int
) -> None:
    found = [(speakable(piece.text).text.strip(), piece.pause_s) for piece in cut(text, step)]
    if pauses[0][0].startswith("No "):
        assert sum(pause_s for _, pause_s in found) == 0.0
    else:
        assert found == pauses


def test_pauses_of_one_text_are_bounded_together() -> None:
    pieces = cut("word [pause=5s] " * 100, 1000)
    assert sum(piece.pause_s for piece in pieces) == 60.0


@pytest.mark.parametrize("text", ["x" * 600, "あ" * 600, "a1" * 300, "1" * 600, "ab_" * 200, "http://" + "x" * 600])
def test_a_word_of_hundreds_of_letters_is_cut(text: str) -> None:
    pieces = [piece.text for piece in cut(text, 7)]
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= 240


def test_the_first_clause_does_not_wait_for_more_than_it_needs() -> None:
    chunker = Chunker()
    assert chunker.push("Well then, ") == [Piece(0, "Well then,")]
    chunker = Chunker()
    assert [piece.text for piece in chunker.push("one two three four five six seven")] == [
        "one two three four five six"
    ]


def test_counting_is_said_as_it_comes() -> None:
    chunker = Chunker()
    pieces = chunker.push("1, 2, 3, 4, 5, 6, ")
    assert [piece.text for piece in pieces] == ["1, 2,"]


def test_after_a_long_silence_even_a_number_is_said_without_its_unit() -> None:
    chunker = Chunker()
    assert chunker.push("It weighs 5 k") == []
    assert chunker.hurry(3) == []
    assert [piece.text for piece in chunker.hurry(1)] == ["It weighs 5"]


def test_a_table_is_said_although_the_line_behind_it_goes_on() -> None:
    chunker = Chunker()
    text = "a | b\n---|---\n1 | 2\nAnd this is what it means, as far as anybody can tell from here, I think"
    pieces = [piece.text for char in text for piece in chunker.push(char)]
    assert pieces == ["a | b\n---|---\n1 | 2\n"]


def test_code_in_a_line_is_no_block() -> None:
    assert cut("```print(1)``` is how, they say. Yes.", 3)[0].text == "```print(1)``` is how,"


@pytest.mark.parametrize(
    "sentence", ["Das 19. Jahrhundert war lang.", "Der 3. Mann kam.", "Ich bin im 2. Stock.", "Es ist gut, d. h. nah."]
)
def test_a_german_ordinal_ends_no_sentence(sentence: str) -> None:
    assert [piece.text for piece in chunks_of(sentence)] == [sentence]


def test_a_number_without_a_german_article_may_end_one() -> None:
    assert [piece.text.strip() for piece in chunks_of("I am 19. Jack is 20.")] == ["I am 19.", "Jack is 20."]
