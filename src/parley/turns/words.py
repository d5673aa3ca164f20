"""What words say about a turn: backchannels, fillers, sentences that cannot be finished."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from parley.turns.lexicon import lexicon

_WORD = re.compile(r"[\w'’]+", re.UNICODE)
_FOLDED = str.maketrans("’", "'", "\u200b\u200c\u200d\ufeff")
"""Joiners say how letters are drawn, and one writer sets them where another does not."""
_MARKS = ".,!?…;:\"'()-।॥"


def asks_for_silence(text: str, language: str) -> bool:
    """Whether the whole utterance is a word like "stop" or "wait"."""
    return " ".join(normalise(text)) in lexicon(language).hush


def asks_for_repetition(text: str, language: str) -> bool:
    """Whether the whole utterance asks to hear the last answer again."""
    return " ".join(normalise(text)) in lexicon(language).again


def normalise(text: str) -> list[str]:
    """Lower-case words without punctuation, for comparing transcripts ("Mm-hm." gives mm, hm)."""
    folded = unicodedata.normalize("NFC", text).lower().translate(_FOLDED)
    if any("\u0900" <= c <= "\u0dff" for c in folded):  # Indic vowel signs are not \w
        return [word for w in folded.split() if (word := w.strip(_MARKS))]
    return _WORD.findall(folded)


def is_noise(text: str) -> bool:
    """Whether there is nothing in it but what recognisers write for breath, clicks and room noise."""
    return normalise(text) in ([], ["you"])


def is_backchannel(text: str, language: str) -> bool:
    """Whether `text` consists of phrases that only show listening (false for no words at all)."""
    words = normalise(text)
    return bool(words) and _consist_of(words, lexicon(language).backchannels)


def may_be_listening(text: str, language: str) -> bool:
    """Whether `text` could still become a backchannel, or hesitates: who said it may be about to speak, or not."""
    known, words = lexicon(language), normalise(text)
    phrases = known.backchannels | known.hesitations
    begun = [at for at in range(len(words)) if _begins_one(words[at:], known.backchannels)]
    return bool(words) and any(_consist_of(words[:at], phrases) for at in (*begun, len(words)))


def _begins_one(words: list[str], phrases: Collection[str]) -> bool:
    return any(phrase.startswith(" ".join(words) + " ") for phrase in phrases)


def _consist_of(words: list[str], phrases: Collection[str]) -> bool:
    """Whether words are phrases in a row."""
    ends = {0}
    for end in range(1, len(words) + 1):
        if any(" ".join(words[begin:end]) in phrases for begin in ends):
            ends.add(end)
    return len(words) in ends


def trails_off(text: str, language: str) -> bool:
    """Whether the text stops where a sentence cannot stop."""
    if text.rstrip().endswith(("...", "…", "-")):
        return True
    words = normalise(text)
    if not words:
        return False
    if text.rstrip().endswith("?"):
        return False
    return words[-1] in lexicon(language).trailing


def ends_in_its_verb(text: str, language: str) -> bool | None:
    """Whether the last word is a finite verb; None for a language whose sentences need not end in one, and for a word
    in another script: a recogniser that does not know the language well writes any."""
    known, words = lexicon(language), normalise(text)
    if not known.finite_endings or not words or _scripts(words[-1]).isdisjoint(_scripts(*known.finite_endings)):
        return None
    return words[-1].endswith(known.finite_endings) and words[-1] not in known.not_finite


@lru_cache(maxsize=256)
def _scripts(*words: str) -> frozenset[str]:
    """Those of the letters of some words, as Unicode names them."""
    letters = (c for word in words for c in word if c.isalpha())
    return frozenset(unicodedata.name(c, "").partition(" ")[0] for c in letters)


def is_complete(text: str) -> bool:
    """Whether the recogniser closed the sentence (full stop, question or exclamation mark, danda)."""
    return text.rstrip().endswith((".", "?", "!", "।")) and not text.rstrip().endswith("...")
