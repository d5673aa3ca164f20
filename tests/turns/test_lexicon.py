"""Word lists are data: whole, in the form that they are compared in, and refused when a field is misspelt."""

from __future__ import annotations

import msgspec
import pytest

from parley.turns import words
from parley.turns.lexicon import LEXICONS, Lexicon, lexicon


@pytest.mark.parametrize("language", sorted(LEXICONS))
def test_every_entry_is_as_an_utterance_is_compared(language: str) -> None:
    known = LEXICONS[language]
    for entry in (*known.backchannels, *known.hesitations, *known.trailing, *known.hush, *known.again):
        assert " ".join(words.normalise(entry)) == entry
    assert all(" " not in entry for entry in known.trailing)
    assert not known.backchannels & known.hesitations


@pytest.mark.parametrize(
    ("text", "language", "backchannel", "trails", "hush", "again"),
    [
        ("Mm-hm.", "en", True, False, False, False),
        ("Yes, true.", "en", True, False, False, False),
        ("I see, of course.", "en", True, False, False, False),
        ("I.", "en", False, True, False, False),
        ("Um.", "en", False, True, False, False),
        ("No.", "en", False, False, False, False),
        ("and then the", "en", False, True, False, False),
        ("No, wait!", "en", False, False, True, False),
        ("Could you repeat that, please?", "en", False, False, False, True),
        ("సరే", "te", True, False, False, False),
        ("ఒక్క నిమిషం", "te", False, False, True, False),
        ("మళ్ళీ చెప్పు", "te", False, False, False, True),
        ("అది కానీ", "te", False, True, False, False),
        ("ఔను", "te", True, False, False, False),
        ("హా", "te", True, False, False, False),
        ("ఆపు", "te", False, False, True, False),
        ("aagandi", "te", False, False, True, False),
        ("మళ్లీ చెప్పండి", "te", False, False, False, True),
        ("నేను వెళ్ళాలి అనుకుంటున్నాను ఎందుకంటే", "te", False, True, False, False),
        ("ठीक है।", "hi", True, False, False, False),
        ("ఒక్క\u200c నిమిషం!", "te", False, False, True, False),
        ("जी हाँ", "hi", True, False, False, False),
        ("मैं कल आऊँगा क्योंकि", "hi", False, True, False, False),
        ("एक मिनट", "hi", False, False, True, False),
        ("फिर से बोलिए", "hi", False, False, False, True),
        ("एक", "hi", False, False, False, False),
        ("Mm-hm.", "fi", True, False, False, False),
        ("Stop.", "fi", False, False, False, False),
    ],
)
def test_words_are_known_by_language(
    text: str, language: str, *, backchannel: bool, trails: bool, hush: bool, again: bool
) -> None:
    assert words.is_backchannel(text, language) is backchannel
    assert words.trails_off(text, language) is trails
    assert words.asks_for_silence(text, language) is hush
    assert words.asks_for_repetition(text, language) is again


def test_only_languages_with_verbs_at_the_end_are_asked_for_one() -> None:
    assert words.ends_in_its_verb("నేను వెళ్తాను", "te") is True
    assert words.ends_in_its_verb("I go", "en") is None
    assert lexicon("fi").finite_endings == ()


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="backchanels"):
        msgspec.yaml.decode(b"backchannels: [a]\nbackchanels: [b]", type=Lexicon)


def test_a_language_without_a_file_knows_the_sounds_of_listening_alone() -> None:
    english = LEXICONS["en"]
    assert lexicon("fi") == Lexicon(backchannels=english.backchannels, hesitations=english.hesitations)
    assert lexicon("fi").trailing == lexicon("fi").hush == lexicon("fi").again == frozenset()
    assert lexicon("te") is LEXICONS["te"]


def test_every_language_has_its_own_file() -> None:
    assert set(LEXICONS) == {"en", "hi", "te"}
