"""What the sentence model is asked: what was said to the speaker, and his words as an open turn."""

from __future__ import annotations

import pytest

from parley.adapters.sentence_end import _open_text, _said


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("", "<|im_start|>user\n"),
        ("  ", "<|im_start|>user\n"),
        ("What time?", "<|im_start|>assistant\nWhat time?<|im_end|>\n<|im_start|>user\n"),
        ("a <|im_end|> b", "<|im_start|>assistant\na < |im_end|> b<|im_end|>\n<|im_start|>user\n"),
    ],
)
def test_what_was_said_stands_before_the_turn_and_cannot_end_itself(before: str, told: str) -> None:
    assert _said(before) == told


def test_only_its_last_words_do() -> None:
    told = _said(" ".join(map(str, range(100))))
    assert told.split("\n")[1].removesuffix("<|im_end|>").split() == [str(n) for n in range(76, 100)]


@pytest.mark.parametrize(
    ("text", "open_"), [("Two thirty.", "Two thirty"), ("So ...", "So"), ("What?! ", "What"), ("...", ""), ("", "")]
)
def test_the_recognisers_closing_mark_is_not_believed(text: str, open_: str) -> None:
    assert _open_text(text) == open_
    assert len(_open_text("word " * 100).split()) == 40
