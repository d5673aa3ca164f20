"""Numbers in words, in every language that Unicode's rules (CLDR, through `unicode-rbnf`) or `indic-numtowords` know.

The libraries are imported when the first number is said; `load` does it beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from parley.conversation.spoken.genders import INFLECTED, Form

_MOST_DIGITS = 15
"""Longer numbers are said digit by digit: nobody follows quadrillions, and the rules reckon with floats."""
_INDIC_BELOW = 10**9
"""`indic-numtowords` fails above it."""
_CARDINALS = ("spellout-cardinal-masculine", "spellout-cardinal", "spellout-cardinal-neuter", "spellout-numbering")
_FORMS: dict[Form, tuple[str, ...]] = {
    "alone": ("spellout-numbering", *_CARDINALS),
    "masculine": _CARDINALS,
    "feminine": ("spellout-cardinal-feminine", *_CARDINALS),
}
_ORDINALS = ("spellout-ordinal", "spellout-ordinal-masculine", "spellout-ordinal-r")
_OF_MEN = {"fr": ("spellout-ordinal-masculine",)}
"""Where the plain ordinal is a part of larger ones: "unième"."""
_FIRST_DAYS = frozenset("fr it pt".split())
"""Languages whose months begin with an ordinal."""
_ROMAN = re.compile(r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_YEARS = ("spellout-numbering-year", "spellout-numbering")
_DATIVES = frozenset("am vom zum dem den ab bis seit".split())
_NO_YEARS = frozenset("ja zh ko ru".split())
"""The rules for their years belong to other calendars, or decline for dates alone."""
_JOINED = frozenset("zh ja yue th".split())
"""Languages that write no blanks between words."""
_DATE_DAYS = {"de": ("spellout-ordinal-r",), "en": ("spellout-ordinal",)}


@lru_cache
def _engine(language: str) -> Any:
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language(language)


@lru_cache
def _indic(language: str) -> Callable[[int], str] | None:
    from indic_numtowords import num2words

    try:
        num2words(1, lang=language)
    except (KeyError, ValueError, NameError):
        return None
    return lambda number: str(num2words(number, lang=language))


@lru_cache
def load(language: str) -> bool:
    """Import what says this language's numbers; whether there is such."""
    try:
        _engine(language)
    except ValueError:
        return _indic(language) is not None
    return True


@lru_cache(4096)
def _spell(number: int, language: str, rulesets: tuple[str, ...]) -> str:
    try:
        engine = _engine(language)
    except ValueError:
        indic = _indic(language)
        if indic is None:
            return str(number)
        return indic(number) if number < _INDIC_BELOW else " ".join(indic(int(digit)) for digit in str(number))
    names = [name for name in rulesets if name in engine.rulesets]
    if not names:
        return str(number)
    return str(engine.format_number(number, ruleset_names=names[:1]).text)


def cardinal(number: int, language: str, form: Form = "alone") -> str:
    """A whole number, not negative: "twenty-one"; `form`: by what it counts."""
    if len(str(number)) > _MOST_DIGITS:
        return digits(str(number), language)
    said = _spell(number, language, _FORMS[form] if language in INFLECTED else _CARDINALS)
    if language == "es" and form == "feminine":  # of thousands, too, where CLDR has the masculine
        at = max(said.rfind("illón"), said.rfind("illones"), 0)
        said = said[:at] + said[at:].replace("ientos", "ientas")
    return said


def ordinal(number: int, language: str, *, feminine: bool = False) -> str:
    """ "twenty-first"; the cardinal where the language's rules have no ordinals."""
    if len(str(number)) > _MOST_DIGITS:
        return digits(str(number), language)
    said = _spell(
        number, language, ("spellout-ordinal-feminine", *_ORDINALS) if feminine else _OF_MEN.get(language, _ORDINALS)
    )
    return said if not said.isdigit() else cardinal(number, language)


def day(number: int, language: str, after: str = "") -> str:
    """The day of a month as dates have it; `after`: the word before it, which German declines by."""
    if language == "de" and after in _DATIVES:
        return _spell(number, language, ("spellout-ordinal-n",))
    if language == "de" and after == "der":
        return _spell(number, language, ("spellout-ordinal",))
    if language in _FIRST_DAYS and number == 1:
        return ordinal(number, language)
    if language in _DATE_DAYS:
        return _spell(number, language, _DATE_DAYS[language])
    return cardinal(number, language)


def year(number: int, language: str) -> str:
    """ "nineteen ninety-nine"."""
    if language == "zh":
        return digits(str(number), language)
    return _spell(number, language, _CARDINALS if language in _NO_YEARS else _YEARS)


def digits(text: str, language: str) -> str:
    """Each digit by itself."""
    return blank(language).join(cardinal(int(c), language) for c in text if c.isdecimal())


def blank(language: str) -> str:
    """What stands between the words of a number."""
    return "" if language in _JOINED else " "


@lru_cache
def signs(language: str) -> tuple[str, str]:
    """How the rules of a language call the decimal point and the minus before a number; empty: they do not say."""
    try:
        engine = _engine(language)
        half, minus, zero, five = (str(engine.format_number(n).text) for n in (Decimal("0.5"), -5, 0, 5))
    except ValueError:
        return "", ""
    point = half.removeprefix(zero).removesuffix(five) if half.startswith(zero) and half.endswith(five) else ""
    return point.strip(), minus.removesuffix(five).strip() if minus.endswith(five) else ""


def roman(written: str) -> int | None:
    """Value of a proper Roman number."""
    if not _ROMAN.fullmatch(written):
        return None
    values = [_ROMAN_VALUES[c] for c in written]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))
