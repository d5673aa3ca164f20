"""What words say about a turn, by rule; which words those are is data (`test_lexicon.py`)."""

from __future__ import annotations

import pytest

from parley.turns import words


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Mm-hm.", ["mm", "hm"]),
        ("It’s LATE, isn't it?", ["it's", "late", "isn't", "it"]),
        ("e\u0301te\u0301", ["été"]),  # however an accent is written
        ("", []),
        (" … ", []),
        ("సరే, మంచిది!", ["సరే", "మంచిది"]),  # vowel signs stay on their letters
        ("సరే - ఓకే…", ["సరే", "ఓకే"]),
        ('"అవును" (కాదు)', ["అవును", "కాదు"]),
        ("a\u0900", ["a\u0900"]),
        ("a\u0dff", ["a\u0dff"]),
    ],
)
def test_transcripts_are_compared_without_case_and_marks(text: str, normal: list[str]) -> None:
    assert words.normalise(text) == normal


@pytest.mark.parametrize(
    ("text", "noise"), [("", True), ("...", True), ("You.", True), ("you you", False), ("a", False)]
)
def test_what_recognisers_write_for_breath_is_noise(text: str, *, noise: bool) -> None:
    assert words.is_noise(text) is noise


@pytest.mark.parametrize(
    ("text", "backchannel"),
    [
        ("yeah", True),
        ("Yeah, right.", True),
        ("Oh, I see. Got it.", True),
        ("yeah but", False),
        ("I", False),
        ("I see that", False),
        ("see", False),
        ("um, yeah", False),
        ("", False),
        ("...", False),
    ],
)
def test_a_backchannel_consists_of_phrases_that_show_listening(text: str, *, backchannel: bool) -> None:
    assert words.is_backchannel(text, "en") is backchannel


@pytest.mark.parametrize(
    ("text", "open_"),
    [
        ("Um.", True),
        ("Okay, um", True),
        ("I", True),
        ("Yeah, I", True),
        ("got", True),
        ("Okay, that makes", True),
        ("yeah", True),
        ("I mean", False),
        ("Um, what", False),
        ("got to go", False),
        ("No", False),
        ("makes sense but", False),
        ("", False),
    ],
)
def test_a_hesitation_or_half_a_backchannel_says_nothing_yet(text: str, *, open_: bool) -> None:
    assert words.may_be_listening(text, "en") is open_


@pytest.mark.parametrize(
    ("text", "trails"),
    [
        ("I would like the", True),
        ("I would like the. ", True),
        ("I would like the?", False),
        ("I would like the? ", False),
        ("It is late", False),
        ("It is late...", True),
        ("It is late… ", True),
        ("It is la-", True),
        ("...", True),
        ("", False),
        (".", False),
    ],
)
def test_a_turn_trails_off_where_a_sentence_cannot_stop(text: str, *, trails: bool) -> None:
    assert words.trails_off(text, "en") is trails


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("It is late.", True),
        ("Late? ", True),
        ("Late!", True),
        ("वह घर गया।", True),
        ("It is late", False),
        ("It is late...", False),
        ("It is late... ", False),
        ("", False),
    ],
)
def test_a_sentence_is_complete_when_the_recogniser_closed_it(text: str, *, complete: bool) -> None:
    assert words.is_complete(text) is complete


@pytest.mark.parametrize(
    ("text", "language", "ends"),
    [
        ("నేను వెళ్తాను", "te", True),
        ("నేను ఇంటికి వెళ్తాను", "te", True),
        ("వెళ్తాను రేపు", "te", False),
        ("రేపు meeting", "te", None),
        ("నేను ఇంటికి గ", "te", False),
        ("నీదు గورుని", "te", False),
        ("گوروارم مگی اپنی", "te", None),
        ("vachindi", "te", None),
        ("2024", "te", None),
        ("", "te", None),
        ("I go", "en", None),
    ],
)
def test_a_sentence_may_have_to_end_in_its_verb(text: str, language: str, *, ends: bool | None) -> None:
    assert words.ends_in_its_verb(text, language) is ends


@pytest.mark.parametrize("text", ["రేపు నేను", "అది మీరు", "రేపు వారు", "మేము ఇప్పుడు", "నాకు మూడు", "మా తమ్ముడు"])
def test_words_that_end_like_a_telugu_verb_and_are_none_end_no_sentence(text: str) -> None:
    assert words.ends_in_its_verb(text, "te") is False


def test_a_request_is_the_whole_utterance() -> None:
    assert words.asks_for_silence("Hold on!", "en")
    assert not words.asks_for_silence("Hold on to it.", "en")
    assert words.asks_for_repetition("What did you say?", "en")
    assert not words.asks_for_repetition("What did you say about it?", "en")
