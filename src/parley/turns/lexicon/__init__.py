"""What the words of a language say about a turn, as data: one file a language, named by its code (ISO 639-1)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import msgspec


class Lexicon(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one language. Words and phrases are in the form that `words.normalise` gives, with one blank between words."""

    backchannels: frozenset[str]
    """Phrases that show listening and do not claim the floor; an utterance must consist of them."""
    hesitations: frozenset[str] = frozenset()
    """Sounds and words of somebody who is about to speak: alone, or among signs of listening, they say nothing yet."""
    trailing: frozenset[str] = frozenset()
    """A turn that stops after one of these is not finished; words that may close a sentence ("that") are not here."""
    hush: frozenset[str] = frozenset()
    """Phrases that, said into an answer, want silence and nothing else."""
    again: frozenset[str] = frozenset()
    """Phrases that want the last answer once more, word for word."""
    finite_endings: tuple[str, ...] = ()
    """Endings of the verb that a sentence of the language ends in; empty where sentences need not end in one."""
    not_finite: frozenset[str] = frozenset()
    """Words that end like such a verb and are none: pronouns, numbers, adverbs."""


def _read() -> Mapping[str, Lexicon]:
    files = (f for f in resources.files(__name__).iterdir() if f.name.endswith(".yaml"))
    return {f.name.removesuffix(".yaml"): msgspec.yaml.decode(f.read_bytes(), type=Lexicon) for f in files}


LEXICONS = _read()
"""By language."""
_USUAL = LEXICONS["en"]


def lexicon(language: str) -> Lexicon:
    """That of a language; of one without a file only the sounds of listening are known, taken to be English."""
    return LEXICONS.get(language) or Lexicon(backchannels=_USUAL.backchannels, hesitations=_USUAL.hesitations)
