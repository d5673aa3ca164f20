"""Telugu only: ordinals, parts, times of day with their cases, codes, and English letters among Telugu words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from parley.conversation.spoken import numerals
from parley.conversation.spoken.cursor import Cursor, Rule, rule

_END = r"(?![\w\u0c00-\u0c7f])"
"""Vowel signs are no letters to Python's patterns."""
_CLOCK = r"(?P<h>[01]?\d|2[0-3])(?::(?P<m>[0-5]\d))?"
_TO = rf"(?:\s?(?P<to>కి|కు){_END})?"
_LETTERS = dict(zip(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ఏ బీ సీ డీ ఈ ఎఫ్ జీ హెచ్ ఐ జే కే ఎల్ ఎమ్ ఎన్ ఓ పీ క్యూ ఆర్ ఎస్ టీ యూ వీ డబ్ల్యూ ఎక్స్ వై జెడ్".split(),
    strict=True,
))  # fmt: skip
_VOWELS = frozenset("AEIOU")
_CODES = frozenset("otp pin code id ఓటీపీ పిన్ పిన్‌కోడ్ కోడ్ కోడు పాస్‌వర్డ్ ఐడీ".split())
_PARTS = {(1, 2): "అర", (1, 4): "పావు", (3, 4): "ముప్పావు"}
_FIRST = "మొదటి"


def rules() -> Sequence[Rule]:
    """What goes before the rules of all languages."""
    return [
        rule(rf"(?P<n>\d{{1,4}})\s?(?:వ|వది){_END}", lambda m, _: ordinal(int(m["n"])), "9"),
        rule(r"(?P<a>[1-9])/(?P<b>[2-9]|10)(?![\d/])", _part, "9"),
        rule(rf"{_CLOCK}\s?(?P<half>[aApP])\.?[mM]\.?{_TO}", _half_day, "9"),
        rule(rf"(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d){_TO}(?![\d:])", lambda m, c: _time(int(m["h"]), m, c), "9"),
        rule(r"(?P<n>\d{3,8})(?![\d,.]?\d)", _code, "9"),
        rule(r"[A-Z](?:\.\s?[A-Z]|[A-Z]){1,4}\b(?:\.(?=\s?[A-Z\u0c00-\u0c7f]))?", _initials, "a"),
    ]


def ordinal(number: int) -> str:
    """రెండవ, పదవ, ఇరవయ్యవ: the ending takes the place of the numeral's last vowel."""
    if number == 1:
        return _FIRST
    said = unicodedata.normalize("NFC", numerals.cardinal(number, "te"))
    if said.endswith("ై"):
        return f"{said[:-1]}య్యవ"
    return f"{said[:-1] if said[-1] in 'ుి' else said}వ"


def _part(match: re.Match[str], cursor: Cursor) -> str | None:
    """ముప్పావు, మూడింట రెండు వంతులు; a number that is larger than its whole is no part."""
    several, whole = int(match["a"]), int(match["b"])
    if several >= whole:
        return None
    if (known := _PARTS.get((several, whole))) is not None:
        return known
    of = numerals.cardinal(whole, "te")
    parts = "వంతు" if several == 1 else "వంతులు"
    return f"{of[:-1] if of[-1] in 'ుి' else of}ింట {numerals.cardinal(several, 'te')} {parts}"


def _half_day(match: re.Match[str], cursor: Cursor) -> str | None:
    hour, late = int(match["h"]), match["half"] in "pP"
    if not 1 <= hour <= 12:
        return None
    of_day = hour % 12 + (12 if late else 0)
    part = next(
        name for until, name in ((4, "తెల్లవారుజామున"), (12, "ఉదయం"), (16, "మధ్యాహ్నం"), (20, "సాయంత్రం"), (24, "రాత్రి"))
        if of_day < until
    )  # fmt: skip
    return f"{part} {_time(hour, match, cursor)}"


def _time(hour: int, match: re.Match[str], _: Cursor) -> str:
    """మూడు గంటలు, మూడు గంటలకు, మూడు గంటల ముప్పై నిమిషాలు, మూడు గంటల ముప్పై నిమిషాలకు."""
    said, minutes = numerals.cardinal(hour, "te"), int(match["m"] or 0)
    one = hour == 1
    if one:
        said = "ఒంటి"
    if not minutes:
        return f"{said} {'గంటకు' if one else 'గంటలకు'}" if match["to"] else f"{said} {'గంట' if one else 'గంటలు'}"
    unit = "నిమిషం" if minutes == 1 else "నిమిషాలు"
    unit = ("నిమిషానికి" if minutes == 1 else "నిమిషాలకు") if match["to"] else unit
    counted = "ఒక" if minutes == 1 else numerals.cardinal(minutes, "te")
    return f"{said} {'గంట' if one else 'గంటల'} {counted} {unit}"


def _code(match: re.Match[str], cursor: Cursor) -> str | None:
    """Digit by digit, behind a word that says that it is one."""
    if not _CODES.intersection(cursor.two()):
        return None
    return numerals.digits(match["n"], "te")


def _initials(match: re.Match[str], _: Cursor) -> str | None:
    """By their Telugu names; what could be said as a word (NASA, ISRO) is left to the voice."""
    letters = "".join(filter(str.isalpha, match.group()))
    if len(letters) > 3 and _VOWELS.intersection(letters):
        return None
    return " ".join(_LETTERS[letter] for letter in letters)
