"""Each said word knows its place in the writing, whatever the writing is."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parley.conversation.output.text_normalizer import SpokenText, speakable

TRICKY = [
    *"5 1,234.56 $ € - – : / . , % °C km am p.m. Dr. St. IV Henry FBI x ^ ** * _ ` ``` | --- [ ] ( ) <".split(),
    *"<b> </b> &amp; & @ #".split(),
    *"[pause=1s] <break/> 1 0 2026 11/26 ½ ² ₂ → ~ ~~ 😀 é あ है తె \\frac { } $$ \\( \\[".split(),
    *"http:// a.b.com +91 98480 v1.2".split(),
    *"No. K ' \" = <= … 。 ٣ ५ Ⅷ ① ʰ µ ﬁ İ ß 1st '90s sha256: 0x1f \\end{a} ^[ [^1] 1e999 1/0".split(),
    *"24:00 99:99 2026-13-45".split(),
    *"$0.00 V I C++ H2O".split(), "\n", "\x00", "\u200d", "\u0301", "Feb 30, 2024", "<break time='2s'/>", "9" * 50,
]  # fmt: skip
ANY_TEXT = st.lists(st.one_of(st.sampled_from(TRICKY), st.text(max_size=4), st.just(" ")), max_size=20).map("".join)
LANGUAGES = st.sampled_from(["en", "de", "es", "hi", "te", "fr", "ja", "ru", "xx", "en-US", ""])
MARKS = set("*_`{}[]\\|^<>~")


def check(written: str, spoken: SpokenText) -> None:
    """Spans go forward, in the text and in the writing, and stay inside of both."""
    said = at = 0
    for end, start, written_end in spoken.spans:
        assert said < end <= len(spoken.text)
        assert at <= start <= written_end <= len(written)
        said, at = end, written_end
    ends = [spoken.written_end(n) for n in range(len(spoken.text) + 1)]
    assert ends == sorted(ends)


@given(ANY_TEXT, LANGUAGES)
@example("1" * 5000, "en")
@example("$" + "9" * 30 + ".50", "en")
@example("$$" + "^" * 900 + "$$", "en")
@example("\\frac{" * 200, "en")
def test_no_text_fails_and_none_leaves_its_marks(written: str, language: str) -> None:
    spoken = speakable(written, language)
    check(written, spoken)
    assert not MARKS & set(spoken.text)


@pytest.mark.parametrize(
    ("written", "said", "heard"),
    [
        ("It costs $12.50 now.", "It costs twelve dollars", "It costs"),
        ("It costs $12.50 now.", "It costs twelve dollars and fifty cents", "It costs $12.50"),
        ("Go **now** please.", "Go now", "Go **now**"),
        ("See [the docs](http://x.y) there.", "See the", "See [the"),
        ("See [the docs](http://x.y) there.", "See the docs", "See [the docs](http://x.y)"),
        ("3*4 is it.", "three times", "3*"),
        ("Run this:\n```\nx = 1\n```\nDone.", "Run this:", "Run this:"),
        ("Run this:\n```\nx = 1\n```\nDone.", "Run this: There is code on the screen.", "Run this:\n```\nx = 1\n```"),
        ("Fine. 😀 [1]\n", "Fine.", "Fine. 😀 [1]"),
        ("On 2026-11-26 then.", "On November", "On"),
    ],
)  # fmt: skip
def test_what_was_said_of_something_written_as_one_counts_when_all_of_it_was(
    written: str, said: str, heard: str
) -> None:
    spoken = speakable(written)
    assert spoken.text.startswith(said)
    assert written[: spoken.written_end(len(said))].strip() == heard


def test_each_cell_of_a_table_has_its_place() -> None:
    written = "| City | Temp |\n|---|---|\n| Paris | 15 |"
    spoken = speakable(written)
    for said, cell in {"City": "City", "Temp": "Temp", "Paris": "Paris", "fifteen": "15"}.items():
        end = spoken.written_end(spoken.text.index(said) + len(said))
        assert written[:end].rstrip(" |").endswith(cell)
