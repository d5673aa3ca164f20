"""Written text becomes words that can be said, and each knows where it is written."""

from __future__ import annotations

import asyncio

import pytest

from parley.conversation.output.text_normalizer import SpokenText, language_of, made_speakable, speakable
from parley.models.fakes import FakeSynthesizer
from parley.models.interfaces import SpeakingStyle


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Hello** _there_ 😀!", "Hello there !"),
        ("See [the docs](https://example.com/a).", "See the docs."),
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


def test_what_is_written_as_one_was_said_with_the_last_of_its_words() -> None:
    spoken = speakable("Pay $5 now.")
    assert spoken.text == "Pay five dollars now."
    ends = {word: spoken.written_end(spoken.text.index(word) + len(word)) for word in ("Pay", "five", "dollars", "now")}
    assert ends == {"Pay": 3, "five": 3, "dollars": 6, "now": 11}
    assert spoken.written_end(0) == 0


def test_nothing_written_is_nothing_said() -> None:
    assert speakable("") == SpokenText("", ())
    assert speakable("").written_end(5) == 0


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("one  two", "one two"),
        ("(one) two", "(one) two"),
        ("one,two", "one,two"),
        ("今日は雨です。", "今日は雨です。"),
        ("so 3, four", "so three, four"),
        ("well-known", "well-known"),
    ],
)
def test_words_are_apart_where_they_are_written_or_said_so(written: str, said: str) -> None:
    assert speakable(written).text == said


def test_the_last_word_takes_all_that_is_silent_behind_it() -> None:
    written = "It is noon. 😀 "
    spoken = speakable(written)
    assert spoken.written_end(len(spoken.text)) == len(written.rstrip())


@pytest.mark.parametrize(
    ("style", "languages", "language"),
    [
        (SpeakingStyle(language="de"), ("en",), "de"),
        (SpeakingStyle(language="Auto"), ("de",), "de"),
        (SpeakingStyle(), ("te",), "te"),
    ],
)
def test_a_voice_speaks_the_wanted_language_or_its_usual_one(
    style: SpeakingStyle, languages: tuple[str, ...], language: str
) -> None:
    voice = FakeSynthesizer()
    voice.languages = languages
    assert language_of(style, voice) == language


@pytest.mark.parametrize("repeat", [1, 400])
async def test_text_of_any_length_is_made_the_same_beside_the_loop(repeat: int) -> None:
    written = "Pay $5. " * repeat
    voice = FakeSynthesizer()
    found, _ = await asyncio.gather(made_speakable(written, SpeakingStyle(language="en"), voice), asyncio.sleep(0))
    assert found == speakable(written, "en")


@pytest.mark.parametrize(
    ("written", "said", "given"),
    [
        ('I eat <phoneme alphabet="ipa" ph="təˈmɑːtəʊ">tomato</phoneme>, too.', "I eat tomato, too.",
         [("tomato", "təˈmɑːtəʊ")]),
        ("<speak>The <PHONEME ph='ˈsɪti ˈhɔl'>City Hall</PHONEME> of $5.</speak>", "The City Hall of five dollars.",
         [("City Hall", "ˈsɪti ˈhɔl")]),
        ('Dr. <phoneme ph="&#x2C8;h&#x251;n">Hahn</phoneme> <phoneme ph="faɪv">5</phoneme>', "Doctor Hahn five",
         [("Hahn", "ˈhɑn"), ("five", "faɪv")]),
        ('<phoneme ph="ɛn eɪ">NASA</phoneme>!', "NASA!", [("NASA", "ɛn eɪ")]),
        ('a <phoneme alphabet="x-sampa" ph="t">b</phoneme>', "a b", []),
        ('a <phoneme ph="">b</phoneme> <phoneme>c</phoneme> <phoneme ph="d"/> <phoneme ph="d">', "a b c", []),
        ('<phoneme ph="d">!</phoneme> a <phoneme ph="d">b', "! a b", []),
    ],
)  # fmt: skip
def test_sounds_that_the_writing_gives_belong_to_what_is_said(
    written: str, said: str, given: list[tuple[str, str]]
) -> None:
    spoken = speakable(written)
    assert spoken.text == said
    assert [(spoken.text[p.start : p.end], p.ipa) for p in spoken.pronounced] == given
