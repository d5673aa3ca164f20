"""Written numbers: how they look in a language, and how they are said."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from parley.conversation.spoken import agreement, genders, numerals
from parley.conversation.spoken.formulas import parts_of
from parley.conversation.spoken.languages import Language

POINTS = r"(?:\d{1,3}(?:,\d{2,3}){0,8},\d{3}(?!\d)|\d{1,3}(?:[’'_]\d{3}){1,6}(?!\d)|\d+)(?:\.\d+)?"
"""1,234.56 and 1,50,000.25"""
COMMAS = r"(?:\d{1,3}(?:[.\u00a0\u202f’']\d{3}){1,8}(?!\d)(?:,\d+)?|\d+(?:[,.]\d+)?)"
"""1.234,56 and 1 234,56, with a blank that does not break"""
BLANKS = rf"(?:[1-9]\d{{0,2}}(?: \d{{3}}){{1,8}}(?!\d)(?:,\d+)?|{COMMAS})"
"""1 234,56 as people type it, where blanks group digits"""
_MOST_DIGITS = 40
VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number without sign, as it is written."""

    whole: str
    part: str = ""
    """What stands behind the point."""
    lakhs: bool = False
    """Whether it is grouped as in India."""

    @property
    def one(self) -> bool:
        """Whether a thing so counted is named in the singular."""
        return not self.part and self.whole.lstrip("0") == "1"

    @property
    def exact(self) -> Decimal:
        """With its part."""
        return Decimal(f"{self.whole or 0}.{self.part}")

    @property
    def value(self) -> int:
        """Its whole part."""
        return int(self.whole or 0)


def number(language: Language) -> str:
    """Pattern of a number of the language."""
    if not language.comma_decimals:
        return POINTS
    return BLANKS if language.blank_groups else COMMAS


def read(written: str, language: Language) -> Amount:
    """Take a match of `POINTS` or `COMMAS` apart."""
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in written)
    if not language.comma_decimals:
        whole, _, part = re.sub("[’'_]", "", digits).partition(".")
        groups = whole.split(",")
        lakhs = len(groups) > 2 and all(len(g) == 2 for g in groups[1:-1])
        return Amount("".join(groups), part, lakhs)
    for space in " \u00a0\u202f’'":
        digits = digits.replace(space, "")
    whole, comma, part = digits.partition(",")
    if not comma and whole.count(".") == 1 and len(whole) - whole.index(".") != 4:
        whole, _, part = whole.partition(".")
    return Amount(whole.replace(".", ""), part)


def say(
    amount: Amount, language: Language, following: str = "", *, counts: bool = False, before: tuple[str, str] = ("", "")
) -> str:
    """ "one thousand two hundred thirty-four point five six"; with a leading zero digit by digit.

    `following`, `counts`: what stands behind it, see `genders.form`; `before`: the two words before it. What it counts
    is joined to it by `agreement.joined`.
    """
    code = language.code
    if len(amount.whole) + len(amount.part) > _MOST_DIGITS:
        return language.words.shown_code or amount.whole
    if not language.counts or (amount.part and not language.words.point):
        return amount.whole + (f"{',' if language.comma_decimals else '.'}{amount.part}" if amount.part else "")
    if len(amount.whole) > 1 and amount.whole[0] == "0":
        said = numerals.digits(amount.whole, code)
    else:
        form = genders.form("" if amount.part else following, code, one=amount.value == 1, counts=counts)
        said = numerals.cardinal(amount.value, "en_IN" if amount.lakhs and language.english else code, form)
        if form != "alone":
            said = agreement.bound(said, genders.first_word(following), code, before)
    blank = numerals.blank(code)
    return blank.join((said, language.words.point, numerals.digits(amount.part, code))) if amount.part else said


def say_vulgar(sign: str, language: Language) -> str | None:
    """ "three quarters" for a sign of `VULGAR`."""
    above, _, below = unicodedata.normalize("NFKC", sign).partition("\u2044")
    return parts_of(int(above), int(below), language)
