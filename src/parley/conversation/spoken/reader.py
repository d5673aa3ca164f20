"""Reads a text without mark-up from left to right: at each place the first rule that fits says what is said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from parley.conversation.spoken import english, german, romance, telugu
from parley.conversation.spoken.addresses import ADDRESSES, address_rules
from parley.conversation.spoken.aligned import Aligned
from parley.conversation.spoken.calendar import date_rules, time_rules
from parley.conversation.spoken.cursor import Cursor, Rule, kind, rule
from parley.conversation.spoken.english_words import ABBREVIATIONS
from parley.conversation.spoken.identifiers import IDENTIFIERS, identifier_rules
from parley.conversation.spoken.languages import Language, language
from parley.conversation.spoken.money import money_rules
from parley.conversation.spoken.quantities import quantity_rules
from parley.conversation.spoken.signs import sign_rules

Said = tuple[str, int, int]
"""Words, and where what they say begins and ends in the writing."""

_MARKS = "".join(chr(c) for c in range(0x300, 0x1D00) if unicodedata.category(chr(c))[0] == "M")
"""Vowel signs and accents: parts of words that Python's patterns do not take for letters."""
_LETTER = (
    rf"(?:[^\W\d_\u00b2\u00b3\u00b9\u00bc-\u00be\u2070\u2074-\u2089\u2150-\u218b\u2460-\u24ff][{_MARKS}\u200c\u200d]*+)"
)
_WORD = rf"{_LETTER}++(?>(?:['’-]{_LETTER}++)*)"
"""Atomic, for a group that is possessive would take half a match too before Python 3.11.5 (gh-106052)."""
_PLAIN = re.compile(rf"{_WORD}(?=[\s,;!?\"”)…।॥،؟。，、！？]|[.:](?:\s|$)|$)")
_ANY = re.compile(rf"{_WORD}|\d+|.", re.DOTALL)
_SPECIAL = {a.split()[0].rstrip(".").lower() for a in ABBREVIATIONS} | {"dr", "st"}
_BEFORE_NAMES = 8
"""Rules for English words (keys, titles, abbreviations) that come before addresses: "w/o", "e.g."."""
_SAMPLE = "5 km, $5.50, 60 km/h, 1,234.5, 2026-01-31, 7:30, May 5."
_NUMERALS = frozenset("ivx")
_ready: set[str] = set()


@lru_cache
def _rules(code: str) -> tuple[Rule, ...]:
    """All of a language, in the order in which they are tried."""
    spoken = language(code)
    short = sorted(map(re.escape, spoken.words.abbreviations), key=len, reverse=True)
    local = (
        [rule(rf"(?:{'|'.join(short)})(?!\w)", lambda m, c: c.language.words.abbreviations[m.group()], "a")]
        if short
        else []
    )
    first: Sequence[Rule] = telugu.rules() if spoken.code == "te" else ()
    ordinals = romance.rules(spoken.code) if spoken.code in romance.LANGUAGES else ()
    letters = english.letter_rules() if spoken.english else german.letter_rules() if spoken.code == "de" else []
    numbers = english.number_rules() if spoken.english else german.number_rules() if spoken.code == "de" else []
    return (
        *first, *local, *time_rules(spoken), *money_rules(spoken), *date_rules(spoken), *ordinals,
        *letters[:_BEFORE_NAMES],
        *address_rules(spoken), *identifier_rules(spoken),
        *letters[_BEFORE_NAMES:], *numbers, *quantity_rules(spoken), *sign_rules(spoken),
    )  # fmt: skip


@lru_cache(4096)
def _rules_for(code: str, first: str, *, plain: bool) -> tuple[Rule, ...]:
    """Those that may match where such a character stands; a word of nothing but letters is no address."""
    rules = tuple(r for r in _rules(code) if (first in r.first if r.first else first not in ("9", "a")))
    return tuple(r for r in rules if r.say not in ADDRESSES | IDENTIFIERS) if plain else rules


@lru_cache
def _shortened(code: str) -> frozenset[str]:
    """What abbreviations of a language begin with."""
    return frozenset(short.split(".")[0] for short in language(code).words.abbreviations)


def _is_plain(word: str, spoken: Language) -> bool:
    """Whether a word of letters alone is said as it stands, without asking the rules."""
    if not spoken.english:
        return word.islower() and word not in spoken.months() and word not in _shortened(spoken.code)
    return (
        word.islower() and word not in _SPECIAL and (len(word) > 1 or word.isascii()) and not _NUMERALS.issuperset(word)
    )


def prepare(code: str) -> None:
    """Load what a language needs; some tens of milliseconds the first time."""
    if code not in _ready:  # as many as there are codes of three letters, at most
        read_aloud(Aligned.of(_SAMPLE), language(code))
        _ready.add(code)


def prepared(code: str) -> bool:
    """Whether a text can be read without loading anything."""
    return code in _ready


def read_aloud(text: Aligned, spoken: Language) -> list[Said]:
    """What is said, in order; blanks between words are left to who joins them."""
    source = text.text
    cursor = Cursor(source, spoken)
    said: list[Said] = []
    at = 0
    while at < len(source):
        if source[at].isspace():
            at += 1
            continue
        words, end = _next(at, cursor)
        if words:
            said.append((words, at, end))
        cursor.passed(at, end)
        at = end
    return said


def _next(at: int, cursor: Cursor) -> tuple[str, int]:
    """What is said of what stands at `at`, and where it ends."""
    source, code, char = cursor.text, cursor.language.code, cursor.text[at]
    if char.isalpha():
        found = _PLAIN.match(source, at)
        if found and _is_plain(found.group(), cursor.language):
            return found.group(), found.end()
        candidates = _rules_for(code, "a", plain=found is not None)
    else:
        candidates = _rules_for(code, kind(char), plain=False)
    for candidate in candidates:
        match = candidate.pattern.match(source, at)
        if match and match.end() > at and (answer := candidate.say(match, cursor)) is not None:
            return answer, match.end()
    anything = _ANY.match(source, at)
    end = anything.end() if anything else at + 1
    return source[at:end], end
