"""Sums of money in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from parley.conversation.spoken import agreement, numerals
from parley.conversation.spoken.amounts import Amount, number, read, say
from parley.conversation.spoken.cursor import Cursor, Rule, rule
from parley.conversation.spoken.languages import Language
from parley.conversation.spoken.quantities import attributive
from parley.conversation.spoken.units import CENTS, CURRENCIES, NAMED, PER

_DIGITS_OF_CENTS = 2
_END = r"(?![\dA-Za-z_]|[.,]\d)"
_CONTINENTAL = r"(?:\d{1,3}(?:\.\d{3}){2,4}(?:,\d\d)?|\d{1,3}(?:\.\d{3})+,\d\d|\d{1,6},\d\d)(?![\d.,]*\d)"
"""1.234,56 and 12,50: sums as much of Europe writes them, where the language has a point and they mean nothing else."""
_MOST_DIGITS = 15
_PLACES = {
    "AUD": "Australian",
    "CAD": "Canadian",
    "NZD": "New Zealand",
    "SGD": "Singapore",
    "HKD": "Hong Kong",
    "TWD": "Taiwan",
}


def money_rules(language: Language) -> Sequence[Rule]:
    """A currency before or behind a number, a range of numbers or a scaled number."""
    num = number(language) if language.comma_decimals else rf"(?:{_CONTINENTAL}|{number(language)})"
    signs = "|".join(sorted(map(re.escape, [*CURRENCIES, *NAMED]), key=len, reverse=True))
    scales = "|".join(sorted(map(re.escape, language.words.scales), key=len, reverse=True)) or "(?!)"
    pers = "|".join(
        sorted(
            [*map(re.escape, PER), "person", "user", "seat", "item", "piece", "word", "token"], key=len, reverse=True
        )
    )
    tail = rf"(?:\s?/\s?(?P<per>{pers})(?!\w))?"
    scaled = rf"(?:\s?(?P<scale>{scales})(?!\w))?"
    second = rf"(?:(?P<scale1>{scales})?\s?[-–—]\s?(?:{signs})?\s?(?P<n2>{num}))?"
    return [
        rule(
            rf"(?P<sign>[-−+])?(?P<currency>{signs})\s?(?P<n>{num}|\.\d+){second}{scaled}{_END}{tail}",
            _money,
            "a-−+" + "".join(c for c in CURRENCIES if len(c) == 1),
        ),
        rule(
            rf"(?P<sign>(?!))?(?P<n>{num}){second}{scaled}\s?(?P<currency>{signs})(?!\$)(?![\dA-Za-z_]){tail}",
            _money,
            "9",
        ),
        rule(r"(?P<n>\d{1,3})¢", _cents, "9"),
    ]


def _money(match: re.Match[str], cursor: Cursor) -> str | None:
    language = cursor.language
    if not language.counts:
        return None
    written = match["currency"]
    iso = NAMED.get(written) or CURRENCIES[written]
    if iso == "JPY" and language.code == "zh":
        iso = "CNY"  # both are written ¥
    amount = _amount(match["n"], language)
    one = attributive(cursor, match.end())
    if match["scale"] or match["n2"]:
        name = _name(iso, written, language, one=one)
        scale = language.scale(match["scale"], one=amount.one and not match["n2"]) if match["scale"] else ""
        said = say(amount, language, scale or name, counts=True, before=cursor.two())
        if match["n2"]:
            if match["scale1"] and match["scale1"] != match["scale"]:
                said += f" {language.words.scales[match['scale1']]}"
            last = say(_amount(match["n2"], language), language, scale or name, counts=True)
            said += f" {language.words.to} {last}"
        if scale:
            said = agreement.bound(agreement.joined(said, scale), name, language.code)
        said = agreement.joined(said, name)
    else:
        said = _exact(amount, iso, written, cursor, one=one)
    if match["sign"]:
        said = f"{language.words.minus if match['sign'] in '-−' else language.words.plus} {said}"
    if match["per"]:
        said += f" {language.words.per} {PER.get(match['per'], match['per'])}"
    return said


def _amount(written: str, language: Language) -> Amount:
    if language.comma_decimals or not re.fullmatch(_CONTINENTAL, written):
        return read(written, language)
    whole, _, part = written.replace(".", "").partition(",")
    return Amount(whole, part)


def _exact(amount: Amount, iso: str, written: str, cursor: Cursor, *, one: bool) -> str:
    """Units and their hundredths, each by its name."""
    language, before = cursor.language, cursor.two()
    name = _name(iso, written, language, one=one or amount.one)
    if len(amount.part) != _DIGITS_OF_CENTS or len(amount.whole) > _MOST_DIGITS:
        return agreement.joined(say(amount, language, name, counts=True, before=before), name)
    major = amount.value
    name = _name(iso, written, language, one=one or major == 1)
    said = say(Amount(amount.whole, "", amount.lakhs), language, name, counts=True, before=before)
    cents = int(amount.part)
    if not cents:
        return agreement.joined(said, name)
    minor = numerals.cardinal(cents, language.code)
    if language.english:
        one_cent, cent = CENTS.get(iso, ("", ""))
        if not cent:
            return f"{say(amount, language)} {_name(iso, written, language, one=False)}"
        minor_name = one_cent if cents == 1 else cent
        if not major:
            return f"{minor} {minor_name}"
        return language.words.cents.format(major=said, name=name, minor=minor, cents=minor_name)
    return language.words.cents.format(
        major=said, name=name, minor=minor, cents=language.words.hundredths.get(iso, "")
    ).strip()


def _name(iso: str, written: str, language: Language, *, one: bool) -> str:
    name = language.currency(iso, one=one)
    if not language.english or written in CURRENCIES:
        return name
    if iso in _PLACES:
        return f"{_PLACES[iso]} {'dollar' if one else 'dollars'}"
    return f"U-S {name}" if iso == "USD" else name


def _cents(match: re.Match[str], cursor: Cursor) -> str | None:
    if not cursor.language.english:
        return None
    amount = read(match["n"], cursor.language)
    return f"{say(amount, cursor.language)} {'cent' if amount.one else 'cents'}"
