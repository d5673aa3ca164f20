"""Shares and scores: fractions in digits and in one sign, so many out of so many, one thing to another."""

from __future__ import annotations

import re

from parley.conversation.spoken.amounts import read, say, say_vulgar
from parley.conversation.spoken.cursor import Cursor
from parley.conversation.spoken.english_words import SCRIPTURES
from parley.conversation.spoken.formulas import parts_of
from parley.conversation.spoken.units import ENGLISH_UNITS, UNITS

_COMMON = {12, 16, 20, 24, 32, 50, 64, 100}
"""Denominators above ten that people say as ordinals."""
_RATED = {"scored", "rated", "rating", "score", "got", "gave", "rate"}
_SPECIAL = {
    "24/7": "twenty-four seven",
    "9/11": "nine eleven",
    "50/50": "fifty-fifty",
    "7/11": "seven eleven",
    "20/20": "twenty twenty",
}


def say_written(written: str, cursor: Cursor, following: str = "") -> str:
    """A number in words; `following`: what it counts."""
    return say(read(written, cursor.language), cursor.language, following, before=cursor.two())


def out_of(match: re.Match[str], cursor: Cursor) -> str | None:
    """4.5/5."""
    if not cursor.language.english:
        return None
    return f"{say_written(match['n'], cursor)} out of {say_written(match['n2'], cursor)}"


def fraction(match: re.Match[str], cursor: Cursor) -> str | None:
    """1/2, 2 1/4, 85/100, 3/4 tsp."""
    said, unit = _quotient(match, cursor), match["unit"]
    if said is None or not unit:
        return said
    name = cursor.language.unit(UNITS.get(unit, ""), said, one=not match["w"])
    return name or f"{said} {ENGLISH_UNITS.get(unit, unit)}"


def _quotient(match: re.Match[str], cursor: Cursor) -> str | None:
    language = cursor.language
    if not language.counts:
        return None
    if language.english and not match["w"] and match.group() in _SPECIAL:
        return _SPECIAL[match.group()]
    above, below = int(match["a"]), int(match["b"])
    if not match["w"] and cursor.following(match.end()).lstrip()[:1] == "=":
        return f"{say_written(match['a'], cursor)} {language.words.divided} {say_written(match['b'], cursor)}"
    after = cursor.following(match.end())
    scored = (below == 100 and not after.startswith(" of ")) or (below == 10 and not re.match(r"\s\w", after))
    if language.english and not match["w"] and above <= below and (cursor.word() in _RATED or scored):
        return f"{say_written(match['a'], cursor)} out of {say_written(match['b'], cursor)}"
    said = (
        parts_of(above, below, language)
        if 0 < above < 100 and below > 1 and (below <= 10 or below in _COMMON)
        else None
    )
    if match["w"]:
        if said is None:
            return None
        said = "a half" if said == "one half" else said
        return f"{say_written(match['w'], cursor)} {language.words.conjunction} {said}"
    over = "over" if language.english else language.words.divided
    if said is None and not over:
        return match.group()
    return said or f"{say_written(match['a'], cursor)} {over} {say_written(match['b'], cursor)}"


def vulgar(match: re.Match[str], cursor: Cursor) -> str | None:
    """1½ km."""
    said = say_vulgar(match["v"], cursor.language) if cursor.language.counts else None
    if said is None:
        return None
    if match["w"]:
        said = "a half" if said == "one half" else said
        said = f"{say_written(match['w'], cursor)} {cursor.language.words.conjunction} {said}"
    if not match["unit"]:
        return said
    return cursor.language.unit(UNITS.get(match["unit"], ""), said, one=not match["w"]) or f"{said} {match['unit']}"


def ratio(match: re.Match[str], cursor: Cursor) -> str | None:
    """10:1; of books, chapter and verse."""
    language = cursor.language
    if not language.counts:
        return None
    parts = [p for p in (match["n"], match["n2"], match["n3"]) if p]
    if not language.words.ratio:
        return match.group() if not language.words.plus else None
    between = " " if language.english and cursor.word() in SCRIPTURES else f" {language.words.ratio} "
    return between.join(say_written(part, cursor) for part in parts)
