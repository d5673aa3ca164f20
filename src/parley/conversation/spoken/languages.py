"""What is known of a language: its small words here, its numbers, units, currencies and months from Unicode's data."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from parley.conversation.spoken import agreement, numerals
from parley.conversation.spoken.lexicon import LEXICONS, NO_WORDS, Lexicon

if TYPE_CHECKING:
    from babel import Locale

_SCRIPTS = (  # first and last letter of a script, and the language that is meant when nothing else is known
    ("\u0400", "\u04ff", "ru"), ("\u0370", "\u03ff", "el"), ("\u0590", "\u05ff", "he"), ("\u0600", "\u06ff", "ar"),
    ("\u0900", "\u097f", "hi"), ("\u0980", "\u09ff", "bn"), ("\u0a00", "\u0a7f", "pa"), ("\u0a80", "\u0aff", "gu"),
    ("\u0b00", "\u0b7f", "or"), ("\u0b80", "\u0bff", "ta"), ("\u0c00", "\u0c7f", "te"), ("\u0c80", "\u0cff", "kn"),
    ("\u0d00", "\u0d7f", "ml"), ("\u0e00", "\u0e7f", "th"), ("\u0e80", "\u0eff", "lo"), ("\u1000", "\u109f", "my"),
    ("\u10a0", "\u10ff", "ka"), ("\u1780", "\u17ff", "km"), ("\u3040", "\u30ff", "ja"), ("\uac00", "\ud7af", "ko"),
    ("\u4e00", "\u9fff", "zh"),
)  # fmt: skip
_SEVERAL = 7
_SAMPLES = (_SEVERAL, 3, 2, 25, 11)
"""Of most languages' ways to count: "7 процентов", "3 процента", "25 de procente"."""
_UNSPACED_LANGUAGES = frozenset("zh ja ko yue".split())
TOUCHING = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
UNSPACED = re.compile(f"[{TOUCHING}]")
"""Letters that touch what is said before and behind them: Chinese and Japanese, and Korean's endings of words."""
_YEAR = re.compile(r"\s[гр]\.$")
"""Russian and Ukrainian data end dates so; people write it themselves or leave it out."""
_SIGNS = re.compile("[%٪]")
_UNKNOWN = "und"
_FORMULAS = "el"
"""The language whose letters are names of things in formulas."""
_LONGEST_CODE = 3
_SHARED = {
    "ru": {"uk", "be", "bg", "sr", "mk", "kk", "ky"},
    "ar": {"fa", "ur"},
    "hi": {"mr", "ne"},
    "zh": {"ja", "yue"},
}


class Language:
    """One language; made once, see `language`."""

    def __init__(self, code: str) -> None:
        """`code`: ISO 639-1."""
        self.words = _words(code)
        self.locale = _locale(code)
        self.counts = numerals.load(code)
        """Whether its numbers can be said."""
        self.code = code if self.locale or self.counts else _UNKNOWN
        symbols = self.locale.number_symbols.get("latn", {}) if self.locale else {}
        self.comma_decimals = symbols.get("decimal") == ","
        self.blank_groups = symbols.get("group", "").isspace()

    @property
    def unspaced(self) -> bool:
        """Whether numbers and what they count are written without a blank."""
        return self.code in _UNSPACED_LANGUAGES

    @property
    def english(self) -> bool:
        """Whether the rules for English apply."""
        return self.code == "en"

    def unit(
        self, name: str, words: str, *, one: bool, per: str | None = None, count: Decimal | None = None
    ) -> str | None:
        """ "five kilometers per hour" of Unicode's names of units; None where it has none.

        `count`: how many there are, where the language has more forms than one and several.
        """
        pattern = self._unit(name, per, 1 if one else self._like(count))
        if pattern and agreement.elided(words):
            pattern = re.sub(r"\0\s", "\0", pattern)
        return pattern.replace("\0", words) if pattern else None

    @lru_cache  # noqa: B019 -- there are as many languages as are spoken here, for the life of the process
    def _unit(self, name: str, per: str | None, sample: int) -> str | None:
        from babel.units import UnknownUnitError, format_compound_unit, format_unit

        if self.locale is None:
            return None
        try:
            if per is None:
                said = format_unit(sample, name, "long", locale=self.locale)
            else:
                said = format_compound_unit(sample, name, denominator_unit=per, length="long", locale=self.locale) or ""
        except UnknownUnitError:
            return None
        if str(sample) not in said or _SIGNS.search(said):
            return None
        said = said.replace(str(sample), "\0")
        return said if self.unspaced else re.sub(r"\0(?=\w)", "\0 ", said)

    def _like(self, count: Decimal | None) -> int:
        """A small number that things are counted with as with this one."""
        if count is None or self.locale is None:
            return _SEVERAL
        wanted = self.locale.plural_form(count)
        return next((n for n in _SAMPLES if self.locale.plural_form(n) == wanted), _SEVERAL)

    def scale(self, written: str, *, one: bool) -> str:
        """ "million" of "M"."""
        said = self.words.scales[written]
        return self.words.one_of_scale.get(said, said) if one else said

    @lru_cache  # noqa: B019
    def currency(self, iso: str, *, one: bool) -> str:
        """Its name as it stands behind a number."""
        if iso in self.words.currencies:
            return self.words.currencies[iso][0 if one else 1]
        from babel.numbers import get_currency_name

        return get_currency_name(iso, 1 if one else 7, locale=self.locale or "en")

    @lru_cache  # noqa: B019
    def months(self) -> dict[str, int]:
        """Names and abbreviations of months, lower case, to their numbers."""
        names: dict[str, int] = {}
        for width in ("abbreviated", "wide"):
            for context in ("format", "stand-alone"):
                table: Any = self.locale.months[context][width] if self.locale else {}
                names.update({str(name).lower().rstrip("."): number for number, name in table.items()})
        return {name: number for name, number in names.items() if not name[:1].isdigit()}

    def date(self, month: int, day: int | None, year: int | None, after: str = "") -> str:
        """A date in words behind the word `after`; `ValueError` when there is no such day."""
        if day is not None:
            date(year or 2000, month, day)
        from babel.dates import format_skeleton

        if day is None and year is None and self.locale is not None:
            return str(self.locale.months["stand-alone"]["wide"][month])

        skeleton = ("y" if year is not None else "") + "MMMM" + ("d" if day is not None else "")
        sample = date(1971, month, 29 if month != 2 else 28)
        pattern = format_skeleton(skeleton, sample, locale=self.locale or "en")
        said_day = numerals.day(day, self.code, after) if day is not None else ""
        said_year = numerals.year(year, self.code) if year is not None else ""
        said = pattern.replace("1971", "\0").replace(f"{sample.day}.", "\1").replace(str(sample.day), "\1")
        said = re.sub(r"\d+", lambda m: numerals.cardinal(int(m.group()), self.code), said)  # a month's number
        said = _YEAR.sub("", said)
        said = re.sub("\x01,(?=\\s*[^\\W\\d])", "\x01", said)  # Telugu's comma between day and month is not heard
        return said.replace("\0", said_year).replace("\1", said_day)


def _words(code: str) -> Lexicon:
    """A language's small words; what Unicode's rules say of its numbers, where nothing is written here."""
    words = LEXICONS.get(code, NO_WORDS)
    point, minus = numerals.signs(code)
    return replace(words, point=words.point or point, minus=words.minus or minus)


def _locale(code: str) -> Locale | None:
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(code)
    except (UnknownLocaleError, ValueError):
        return None


@lru_cache
def language(code: str) -> Language:
    """The language of a tag ("en", "de-AT"). The first of each loads its data, some tens of milliseconds."""
    return Language(_primary(code))


def _primary(tag: str) -> str:
    """The language of a tag without script and country."""
    code = tag.replace("_", "-").split("-")[0].lower()
    return code if code.isascii() and code.isalpha() and len(code) <= _LONGEST_CODE else _UNKNOWN


def spoken_in(text: str, wanted: str) -> str:
    """The language that a text is in: the wanted one, unless its letters are of a script that that has none of."""
    counts: dict[str, int] = {}
    letters = 0
    head = text[:400]
    for at, char in enumerate(head):
        if not char.isalpha():
            continue
        letters += 1
        if char > "\u036f":
            found = next((code for first, last, code in _SCRIPTS if first <= char <= last), "")
            if found == _FORMULAS and not (head[at - 1 : at] + head[at + 1 : at + 2]).strip().isalpha():
                continue  # π alone is a sign of a formula
            counts[found] = counts.get(found, 0) + 1
    if counts.get("ja") and "zh" in counts:
        counts["ja"] += counts.pop("zh")
    code, most = max(counts.items(), key=lambda item: item[1], default=("", 0))
    wanted_code = _primary(wanted)
    if not code or most * 2 < letters or wanted_code in _SHARED.get(code, ()):
        return wanted_code
    return code
