"""Sounds that a text gives itself, in IPA, in the way in which a voice has learnt to read them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

_STRESSED = re.compile(r"([ˈˌ])([^aeiouyæɑɐɒɔəɚɛɜɝɪɨɯɵøœɤʉʊʌʏᵻᵊˈˌ\s]*)")
_MARKS = str.maketrans(
    {"'": "ˈ", "g": "ɡ", "ʼ": None, ".": None, "/": None, "[": None, "]": None, "‿": None, "\u0361": None}
)
"""Of syllables, of where sounds are written, and ties: voices know none of them."""
_ENGLISH = (("dʒ", "ʤ"), ("tʃ", "ʧ"), ("eɪ", "A"), ("aɪ", "I"), ("aʊ", "W"), ("ɔɪ", "Y"), ("əʊ", "oʊ"), ("r", "ɹ"),
            ("ɫ", "l"), ("ʉ", "u"), ("\u0329", ""))  # fmt: skip
_BRITISH = (("oʊ", "Q"), ("eə", "ɛː"), ("e", "ɛ"), ("ɝ", "ɜː"), ("ɚ", "ə"), ("æ", "a"), ("ɾ", "t"))
_AMERICAN = (("oʊ", "O"), ("e", "ɛ"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɝ", "ɜɹ"), ("ɚ", "əɹ"), ("ɒ", "ɑ"), ("a", "ɑ"),
             ("ɾ", "T"), ("ː", ""))  # fmt: skip


def espeaks(ipa: str, known: Container[str], *, english: bool) -> str:
    """As espeak-ng writes sounds: stress stands right before its vowel. What is not `known` goes."""
    text = _plain(ipa)
    return _only(unicodedata.normalize("NFD", text.replace("r", "ɹ") if english else text), known)


def misakis(ipa: str, known: Container[str], *, british: bool) -> str:
    """As Kokoro and its like were taught English: a letter for each diphthong. What is not `known` goes."""
    text = _plain(ipa)
    for sound, letter in (*_ENGLISH, *(_BRITISH if british else _AMERICAN)):
        text = text.replace(sound, letter)
    return _only(text, known)


def _plain(ipa: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", ipa).translate(_MARKS).split())
    return _STRESSED.sub(r"\2\1", text)


def _only(text: str, known: Container[str]) -> str:
    return "".join(c for c in text if c in known).strip()
