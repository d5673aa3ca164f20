"""Dates and times of day in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from parley.conversation.spoken import numerals
from parley.conversation.spoken.amounts import Amount, say
from parley.conversation.spoken.cursor import Cursor, Rule, rule
from parley.conversation.spoken.languages import Language

_HALF_DAY = r"(?P<half>[aApP])\.?\s?[mM](?![\w])(?P<stop>\.?)"
_RATIOS = set("ratio odds score scored scale won lost beat win aspect lead leads leading ahead verse".split())
_HOURS_WITH_H = frozenset(("fr", "pt"))
"""Languages that write 14h30."""
_BEFORE_TIMES = frozenset("at by until till before after from about around since".split())
_PARTS_OF_DAYS = (
    "tonight|tomorrow|today|yesterday|sharp|this|in the (?:morning|afternoon|evening)|at night|"
    "on (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
)
_BEFORE_DAYS = frozenset("on by until till since before after due from".split())
_CENTURY = 100
_PIVOT = 70
"""Two digits below it are a year of this century."""


def date_rules(language: Language) -> Sequence[Rule]:
    """Rules for dates in digits and with names of months."""
    year = r"(?P<y>\d{4})"
    clock = r"(?:T|,?\s)(?P<h>[01]?\d|2[0-3]):(?P<min>[0-5]\d)(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"
    rules = [
        rule(
            rf"{year}(?P<sep>[-/.])(?P<m>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}})(?:{clock})?(?![\w-]|[./]\d)", _numeric, "9"
        ),
        rule(r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})(?![\w-]|[./]\d)", _numeric, "9"),
    ]
    if language.comma_decimals:
        rules.append(rule(r"(?P<a>\d{1,2})(?P<sep>\.)(?P<b>\d{1,2})\.(?P<y>)(?!\d)", _numeric, "9"))
    if language.english:
        rules.append(rule(r"(?P<m>\d{1,2})/(?P<d>\d{1,2})(?![\w/]|[.,]\d|\s+of\b)", _without_year, "9"))
    names = "|".join(sorted(map(re.escape, language.months()), key=len, reverse=True))
    if not names:
        return rules
    flags = 0 if language.english else re.IGNORECASE
    if language.english:
        names = "|".join(
            sorted({n.capitalize() for n in [*language.months(), "sept"]} - {"Mar", "May"}, key=len, reverse=True)
        )
        names = rf"{names}|Mar|May"
    month = rf"(?P<name>{names})(?![\w])(?:\.(?=,|\s*[\da-z]))?"  # a full stop that ends the sentence stays
    more = r"(?:,?\s+(?:de\s+|of\s+|del\s+)?(?P<y>\d{4})(?![\d,.]*\d|\w|%))?"
    return [
        *rules,
        rule(
            rf"{month}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s?[-–]\s?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?)?(?![\w:/%-]|[.,]\d){more}",
            _month_first, "a", flags,
        ),
        rule(
            rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?(?:\s?[-–]\s?(?P<d2>\d{{1,2}})(?:st|nd|rd|th|\.)?)?(?:\s+(?:of|de))?\s+{month}{more}",
            _day_first, "9", flags,
        ),
        rule(rf"{month}(?:\s+(?:de|of))?\s+(?P<y>1[1-9]\d\d|20\d\d)(?![\w%]|[.,]\d)", _month_year, "a", flags),
    ]  # fmt: skip


def time_rules(language: Language) -> Sequence[Rule]:
    """Rules for times of day."""
    between = r"(?:[:]|\s?[hH]\s?)" if language.code in _HOURS_WITH_H else "[:]"
    clock = rf"(?P<h>[01]?\d|2[0-4]){between}(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?![\d:]|[.,]\d)"
    again = clock.replace("<h>", "<h2>").replace("<m>", "<m2>").replace("<s>", "<s2>")
    span = rule(rf"{clock}\s?[-–]\s?{again}(?!\s?[aApP]\.?[mM])", _clocks, "9")
    rules = [span, rule(clock + r"(?:\s?(?:Uhr|h|बजे)(?![\w]))?", _clock, "9")]
    if language.english:
        half = [
            rule(rf"{clock.replace('[:]', '[:.]')}\s?{_HALF_DAY}", _half_day, "9"),
            rule(rf"(?P<h>1[0-2]|0?[1-9])(?P<m>)(?P<s>)\s?{_HALF_DAY}", _half_day, "9"),
        ]
        return [
            rule(r"(?P<h>1[0-2]|[1-9])(?P<m>)\s?[-–]\s?(?P<h2>1[0-2]|[1-9])\s?" + _HALF_DAY, _half_days, "9"),
            *half,
            rule(rf"(?P<h>1[0-2]|[1-9])\.(?P<m>[0-5]\d)(?P<s>(?!))?(?=\s+(?:{_PARTS_OF_DAYS})(?!\w))", _stopped, "9"),
            *rules,
        ]
    if language.code == "de":
        rules.append(rule(r"(?P<h>[01]?\d|2[0-4])\.(?P<m>[0-5]\d)(?P<s>(?!))?\s?Uhr(?!\w)", _clock, "9"))
    return rules


def _numeric(match: re.Match[str], cursor: Cursor) -> str | None:
    parts, words = match.groupdict(), cursor.language.words
    year = int(match["y"]) if match["y"] else None
    if year is not None and len(match["y"]) == 2:
        if match["sep"] == "-":
            return None
        year += _CENTURY * (20 if year < _PIVOT else 19)
    if "a" in parts:
        first, second = int(match["a"]), int(match["b"])
        months_first = words.months_first and match["sep"] != "." and first <= 12
        month, day = (first, second) if months_first or second > 12 else (second, first)
    else:
        month, day = int(match["m"]), int(match["d"])
    said = _date(cursor, month, day, year)
    if said is None or parts.get("h") is None:
        return said
    return f"{said}, {_hours(int(match['h']), int(match['min']), cursor.language)}"


def _without_year(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "on 12/25"."""
    return _date(cursor, int(match["m"]), int(match["d"]), None) if cursor.word() in _BEFORE_DAYS else None


def _date(cursor: Cursor, month: int, day: int | None, year: int | None) -> str | None:
    if not cursor.language.counts:
        return None
    try:
        return cursor.language.date(month, day, year, cursor.word())
    except ValueError:
        return None


def _month(match: re.Match[str], cursor: Cursor) -> int:
    return cursor.language.months().get(match["name"].lower(), 9)  # "Sept" is the one that Unicode does not list


def _year(match: re.Match[str]) -> int | None:
    return int(match["y"]) if match["y"] else None


def _month_first(match: re.Match[str], cursor: Cursor) -> str | None:
    said = _date(cursor, _month(match, cursor), int(match["d"]), None if match["d2"] else _year(match))
    if said is None or not match["d2"]:
        return said
    code = cursor.language.code
    year = f", {numerals.year(int(match['y']), code)}" if match["y"] else ""
    return f"{said} {cursor.language.words.to} {numerals.day(int(match['d2']), code)}{year}"


def _day_first(match: re.Match[str], cursor: Cursor) -> str | None:
    language, day = cursor.language, int(match["d"])
    if match["d2"]:
        said = _date(cursor, _month(match, cursor), int(match["d2"]), _year(match))
        if said and language.english:
            month, year = language.date(_month(match, cursor), None, None), _year(match)
            days = f"the {numerals.ordinal(day, 'en')} to the {numerals.ordinal(int(match['d2']), 'en')}"
            return f"{days} of {month}{' ' + numerals.year(year, 'en') if year else ''}"
        return said and f"{numerals.day(day, language.code)} {language.words.to} {said}"
    said = _date(cursor, _month(match, cursor), day, _year(match))
    if said is None or not language.english:
        return said
    month = language.date(_month(match, cursor), None, None)
    article = "" if cursor.word() == "the" else "the "
    said_year = f" {numerals.year(int(match['y']), 'en')}" if match["y"] else ""
    return f"{article}{numerals.ordinal(day, 'en')} of {month}{said_year}"


def _month_year(match: re.Match[str], cursor: Cursor) -> str | None:
    return _date(cursor, _month(match, cursor), None, int(match["y"]))


def _hours(hour: int, minute: int, language: Language) -> str:
    code, words = language.code, language.words
    if not language.counts:
        return f"{hour}:{minute:02}"
    plural = "s" if hour > 1 else ""
    said_hour = say(Amount(str(hour)), language, words.hours and words.hours + plural, counts=True)
    if hour == 1 and words.one_hour:
        said_hour = words.one_hour
    if not minute and words.full_hour:
        if language.english and not 0 < hour <= 12:
            return f"{numerals.cardinal(hour, code)} hundred"
        return words.full_hour.format(hour=said_hour, s=plural)
    if language.english and minute < 10:
        said = f"oh {numerals.cardinal(minute, code)}"
    elif not words.full_hour and minute < 10:
        said = numerals.digits(f"{minute:02}", code)
    else:
        said = numerals.cardinal(minute, code)
    return words.time.format(hour=said_hour, minute=said, s=plural)


def _clock(match: re.Match[str], cursor: Cursor) -> str | None:
    hour, minute, second = int(match["h"]), int(match["m"]), match["s"]
    language = cursor.language
    if second is None and not _RATIOS.isdisjoint(cursor.two()):
        return None
    if second is None:
        return _hours(hour, minute, language)
    if not language.counts:
        return None
    counted = ((hour, "hour"), (minute, "minute"), (int(second), "second"))
    named = [(n, partial(language.unit, unit, one=n == 1, count=Decimal(n))) for n, unit in counted if n]
    said = [unit(words=say(Amount(str(n)), language, unit(words="") or "", counts=True)) for n, unit in named]
    return ", ".join(part for part in said if part) or numerals.cardinal(0, language.code)


def _stopped(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "at 7.30 tonight", as the British write it."""
    return _clock(match, cursor) if cursor.word() in _BEFORE_TIMES else None


def _clocks(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "17:00–19:30"."""
    words = cursor.language.words
    if not words.to or match["s"] or match["s2"]:
        return None
    begin, end = (_hours(int(match[h]), int(match[m]), cursor.language) for h, m in (("h", "m"), ("h2", "m2")))
    return f"{begin} {words.to} {end}"


def _half(match: re.Match[str], cursor: Cursor) -> str:
    stop = "." if match["stop"] and cursor.ends(match.end()) else ""
    return f"{match['half'].upper()}-M{stop}"


def _half_day(match: re.Match[str], cursor: Cursor) -> str | None:
    hour, minute = int(match["h"]), int(match["m"] or 0)
    if hour > 12:
        return None
    said = _hours(hour, minute, cursor.language) if minute else numerals.cardinal(hour, "en")
    return f"{said} {_half(match, cursor)}"


def _half_days(match: re.Match[str], cursor: Cursor) -> str:
    begin, end = (numerals.cardinal(int(match[name]), "en") for name in ("h", "h2"))
    return f"{begin} to {end} {_half(match, cursor)}"
