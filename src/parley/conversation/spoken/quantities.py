"""Numbers with what they count: units, percent, ranges, years, codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from parley.conversation.spoken import agreement, genders, numerals
from parley.conversation.spoken.amounts import VULGAR, number, read, say
from parley.conversation.spoken.cursor import LETTER, Cursor, Rule, rule
from parley.conversation.spoken.languages import Language
from parley.conversation.spoken.shares import fraction, out_of, ratio, say_written, vulgar
from parley.conversation.spoken.units import ADJACENT, ENGLISH_UNITS, PER, UNITS

_SIGN_FIRST = frozenset(("tr", "eu"))
_OPERATORS = tuple("+-−=*/^²³<>")
_ACROSS = re.compile(r"\s(?:tall|wide|long|deep|high|thick|across)\b|\s?[x×]\s?\d")
_CHINESE_PAIR = re.compile("2[个位只本张次天年点斤件条杯块种](?!月)")
_CHINESE_YEAR = re.compile(r"[12]\d{3}年")
_OPENING = re.compile(r"(?<![\d.])\"")
_DASH = r"\s?[-–—]\s?"
_FOLLOWERS = set("and or in to for per of from at is was by a the each every with on if when than as are".split())
_CODES = set(
    "code codes pin otp passcode password extension ext zip postcode pincode flight account tracking reference ref "
    "confirmation cvv cvc pnr serial id room".split()
)
_CALLED = {"call", "dial", "dialed", "text"}
_RESULTS = frozenset("equals makes gives leaves would was becomes and then should".split())
_LINKS = {"is", "was", "are", ":", "=", "number", "no", "code", "id", "#", "to"}
_YEARS = set(
    "b c ca d in since by until till before after during from of year years circa copyright © early late mid "
    "between".split()
)


def quantity_rules(language: Language) -> Sequence[Rule]:
    """Rules for numbers and what stands behind them; the last takes every number."""
    num = number(language)
    span = rf"(?P<n>{num})(?:{_DASH}(?P<n2>{num}))?"
    names = {**UNITS, **ENGLISH_UNITS} if language.english else UNITS
    units = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    pers = "|".join(sorted(map(re.escape, PER), key=len, reverse=True))
    scales = "|".join(sorted(map(re.escape, language.words.scales), key=len, reverse=True)) or "(?!)"
    return [
        rule(rf"{span}(?P<gap>[ \u00a0\u202f-]?)(?P<unit>{units})(?:/(?P<per>{pers}))?"
             rf"(?:\.(?=,|\s+[a-z\d]))?(?!{LETTER}|°|[/^²³]\w?)", _measure, "9"),
        rule(rf"(?P<n>{num})\s?(?P<feet>['′])\s?(?P<n2>\d{{1,2}})\s?(?:[\"”″]|'')(?!\w)", _feet, "9"),
        rule(rf"(?P<n>{num})(?P<feet>)(?P<n2>)[\"″](?=\s|[.,)-]|$)", _feet, "9"),
        rule(rf"(?P<n>{num})(?:[%‰]?{_DASH}(?P<n2>{num}))?\s?(?P<sign>[%‰])", _percent, "9"),
        rule(rf"(?P<sign>%)(?P<n>{num})(?P<n2>)", _percent_first, "%"),
        rule(rf"(?P<n>{num})(?:\s?[×x*]\s?10(?:\^|\*\*)(?P<e>[-−+]?\d{{1,4}})|[eE](?P<e2>[-+]?\d{{1,3}}))"
             r"(?!\w)", _scientific, "9"),
        rule(rf"(?P<n>{num})(?:\s?[×x]\s?(?:{num})){{1,3}}(?![\w])", _dimensions, "9"),
        rule(rf"(?P<n>{num})[x×](?![\w])", _times, "9"),
        rule(r"(?P<n>\d{1,3}[.,]\d{1,2})/(?P<n2>\d{1,3})(?![\w/])", out_of, "9"),
        rule(r"(?P<n>[3-8])['’′](?P<n2>1[01]|\d)(?![\w\"”″])", _feet, "9"),
        rule(r"(?P<unit>km/h|m/s|mph|kph)(?!\w)", _unit_alone, "a"),
        rule(r"(?:(?P<w>\d{1,4})[ -])?(?P<a>\d{1,4})[/\u2044](?P<b>\d{1,4})" rf"(?!{LETTER}|/|[.,]\d)"
             r"(?: (?P<unit>tsp|tbsp|oz|lb|km|cm|mm|kg|ml)(?!\w))?", fraction, "9"),
        rule(rf"(?P<w>\d{{1,6}})?\s?(?P<v>[{VULGAR}])(?:\s?(?P<unit>{units})(?!\w))?", vulgar, "9"),
        rule(rf"{span}(?:\s(?=[a-zA-Z]{{2}})|(?<=\d))(?P<scale>{scales})(?!\w)", _scaled, "9"),
        rule(r"(?P<n>\d{1,4}):(?P<n2>\d{1,4})(?::(?P<n3>\d{1,4}))?(?![\w:])", ratio, "9"),
        rule(rf"(?P<n>{num}){_DASH}(?P<n2>{num})(?!{LETTER}|=|[-–]\w)", _range, "9"),
        rule(num, _number, "9"),
        rule(r"\.(?P<part>\d+)", _part, "."),
    ]  # fmt: skip


def attributive(cursor: Cursor, end: int) -> bool:
    """Whether it stands before what it describes ("a 5 km run"): named in the singular."""
    if not cursor.language.english or cursor.word() not in ("a", "an"):
        return False
    after = re.match(r"[ -]([a-z]+)", cursor.following(end))
    return bool(after) and after[1] not in _FOLLOWERS  # type: ignore[index]


def _is_one(match: re.Match[str], cursor: Cursor) -> bool:
    """Whether what is counted is one, and no range."""
    return not match["n2"] and read(match["n"], cursor.language).one


def _count(match: re.Match[str], cursor: Cursor) -> Decimal:
    """How many there are, at last."""
    return read(match["n2"] or match["n"], cursor.language).exact


def _spans(match: re.Match[str], cursor: Cursor, following: str, *, counts: bool = True) -> str:
    """A number, or a range of them; `following`, `counts`: see `genders.form`."""
    numbers = [read(match[name], cursor.language) for name in ("n", "n2") if match[name]]
    before = cursor.two()
    said = (say(number, cursor.language, following, counts=counts, before=before) for number in numbers)
    blank = numerals.blank(cursor.language.code)
    return f"{blank}{cursor.language.words.to}{blank}".join(said)


def _measure(match: re.Match[str], cursor: Cursor) -> str | None:
    unit, per, language = match["unit"], match["per"], cursor.language
    if not language.counts:
        return None
    inches = unit == "in" and (not match["gap"] or _is_length(match, cursor))
    if unit in ADJACENT and match["gap"] == " " and unit in ("in", "A", "N", "J", "K", "l") and not inches:
        return None
    if inches or unit == "in.":
        unit = "in."
    one = _is_one(match, cursor) or attributive(cursor, match.end()) or (language.english and match["gap"] == "-")
    count = _count(match, cursor)
    said = _spans(match, cursor, language.unit(UNITS.get(unit, ""), "", one=one, count=count) or "")
    if UNITS.get(unit) in ("celsius", "fahrenheit"):
        words = language.words.celsius if UNITS[unit] == "celsius" else language.words.fahrenheit
        if words and not one:
            return f"{said} {words}"
    if unit in UNITS:
        named = language.unit(UNITS[unit], said, one=one, per=PER[per] if per else None, count=count)
        if named is None and per:
            named = (
                f"{language.unit(UNITS[unit], said, one=one)} {language.words.per} {PER[per]}"
                if language.english
                else None
            )
        if named is not None or unit not in ENGLISH_UNITS:
            return _singular(named, said) if named and one and language.english else named
    name = ENGLISH_UNITS.get(unit, "")
    if not name:
        return None
    first, _, rest = name.partition(" ")
    if rest and not rest.startswith("per"):
        first, rest = name, ""
    return f"{said} {first}{'' if one else 's' if first != 'hertz' else ''}{' ' + rest if rest else ''}"


def _is_length(match: re.Match[str], cursor: Cursor) -> bool:
    """Whether "in" behind a number is no preposition: "5 ft 10 in", "3.5 in wide"."""
    return cursor.word().endswith(("ft", "feet", "foot")) or bool(_ACROSS.match(cursor.following(match.end())))


def _singular(named: str, said: str) -> str:
    return named if named.startswith(said) else f"{said} {named}"


def _feet(match: re.Match[str], cursor: Cursor) -> str | None:
    if not cursor.language.english:
        return None
    if not match["n2"]:
        if match.group()[-1] == '"' and len(_OPENING.findall(cursor.text, 0, match.start())) % 2:
            return None  # it closes a quotation
        one = read(match["n"], cursor.language).one or cursor.following(match.end())[:2].strip().isalpha()
        return f"{say_written(match['n'], cursor)} {'inch' if one else 'inches'}"
    return f"{say_written(match['n'], cursor)} foot {say_written(match['n2'], cursor)}"


def _percent(match: re.Match[str], cursor: Cursor) -> str | None:
    language, words = cursor.language, cursor.language.words
    if not language.counts or (match["n2"] and not words.to):
        return None
    said = _spans(match, cursor, words.percent, counts=False)
    if match["sign"] == "‰":
        return f"{said} per mille" if words.plus else None
    if not words.percent:
        named = language.unit("concentr-percent", said, one=_is_one(match, cursor), count=_count(match, cursor))
        return named or match.group()
    return words.percent.format(said) if "{}" in words.percent else f"{said} {words.percent}"


def _percent_first(match: re.Match[str], cursor: Cursor) -> str | None:
    """%25, as Turkish writes it."""
    return _percent(match, cursor) if cursor.language.code in _SIGN_FIRST else None


def _scientific(match: re.Match[str], cursor: Cursor) -> str | None:
    words = cursor.language.words
    exponent = match["e"] or match["e2"]
    if not words.times or not cursor.language.counts:
        return None
    ten, said = numerals.cardinal(10, cursor.language.code), _exponent(exponent, cursor)
    return f"{say_written(match['n'], cursor)} {words.times} {ten} {words.power} {said}"


def _exponent(written: str, cursor: Cursor) -> str:
    sign = f"{cursor.language.words.minus} " if written[0] in "-−" else ""
    digits = written.lstrip("+-−")
    return sign + (say_written(digits, cursor) if digits.isdecimal() else digits)


def _dimensions(match: re.Match[str], cursor: Cursor) -> str | None:
    reckoned = cursor.last[-1:] == "=" or cursor.following(match.end()).lstrip()[:1] == "="
    by = "by" if cursor.language.english and not reckoned else cursor.language.words.times
    if not by or not cursor.language.counts or match["n"].startswith("0"):
        return None
    return f" {by} ".join(say_written(part.strip(), cursor) for part in re.split("[×x]", match.group()))


def _unit_alone(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "in km/h"."""
    named = cursor.language.unit(UNITS[match["unit"]], "", one=False)
    return named.strip() if named else None


def _times(match: re.Match[str], cursor: Cursor) -> str | None:
    after = cursor.following(match.end()).lstrip()
    if cursor.last[-1:] in _OPERATORS or (after[:1] in _OPERATORS and not re.match("/[a-z]{2}", after)):
        # a formula's x
        return f"{say_written(match['n'], cursor)} {match.group()[-1]}" if cursor.language.counts else None
    return f"{say_written(match['n'], cursor)} times" if cursor.language.english else None


def _scaled(match: re.Match[str], cursor: Cursor) -> str | None:
    scale = match["scale"]
    adjacent = match.group()[-len(scale) - 1].isdigit()
    if not cursor.language.counts or (adjacent and scale == "m"):
        return None
    if adjacent and scale == "K" and match["n"] in ("4", "5", "8", "10"):
        return f"{say_written(match['n'], cursor)} K"
    if adjacent and scale in ("b", "T", "L"):
        return None
    scale = cursor.language.scale(scale, one=_is_one(match, cursor))
    said = agreement.joined(_spans(match, cursor, scale), scale)
    following, code = cursor.following(match.end()), cursor.language.code
    if genders.form(following, code, one=False) == "alone":
        return said
    return agreement.bound(said, genders.first_word(following), code)


def _range(match: re.Match[str], cursor: Cursor) -> str | None:
    language, first, second = cursor.language, match["n"], match["n2"]
    if not language.counts or not language.words.to:
        return None
    if (
        re.fullmatch(r"[12]\d{3}", first)
        and re.fullmatch(r"[12]\d{3}|\d\d", second)
        and (len(second) == 4 or second > first[2:])
    ):
        last = numerals.year(int(second), language.code) if len(second) == 4 else say_written(second, cursor)
        return f"{numerals.year(int(first), language.code)} {language.words.to} {last}"
    if language.english and first == second:
        return f"{say_written(first, cursor)} {say_written(second, cursor)}"  # a 50-50 chance
    spaced_minus = re.search(r"\s[-−]\s", match.group()) is not None and not _counted(match, cursor)
    link = language.words.minus if spaced_minus else language.words.to
    following, blank = cursor.following(match.end()), numerals.blank(language.code)
    return blank.join((say_written(first, cursor, following), link, say_written(second, cursor, following)))


def _counted(match: re.Match[str], cursor: Cursor) -> bool:
    """Whether a minus with blanks around it stands for "to": "50 - 60 people", but not "5 - 7 is"."""
    first, second = (read(match[name], cursor.language) for name in ("n", "n2"))
    counted = re.match(r"\s([a-z]{3,})", cursor.following(match.end()))
    rising = (first.value, first.part) < (second.value, second.part)
    return cursor.language.english and rising and counted is not None and counted[1] not in _RESULTS


def _part(match: re.Match[str], cursor: Cursor) -> str | None:
    language = cursor.language
    return f"{language.words.point} {numerals.digits(match['part'], language.code)}" if language.counts else None


def _number(match: re.Match[str], cursor: Cursor) -> str | None:
    language, written = cursor.language, match.group()
    if not language.counts:
        return None
    before, last = cursor.two()
    coded = last in _CODES or (last in _LINKS and before in _CODES) or (last in _CALLED and len(written) < 5)
    if coded and written.isdecimal() and len(written) > 2 and language.english:
        return numerals.digits(written, "en")
    if language.code == "zh" and _CHINESE_PAIR.match(written + cursor.following(match.end())):
        return "两"
    if language.code == "zh" and _CHINESE_YEAR.match(written + cursor.following(match.end())):
        return numerals.year(int(written), "zh")
    if is_year(written, match.end(), cursor):
        cursor.years = True
        return numerals.year(int(written), language.code)
    return say_written(written, cursor, cursor.following(match.end()))


def is_year(written: str, end: int, cursor: Cursor) -> bool:
    """Whether four digits are a year: by what stands before, and by what they do not count."""
    if len(written) != 4 or not written.isdecimal() or not "1000" <= written <= "2099":
        return False
    word = cursor.word()
    if word in _YEARS or (cursor.years and word in ("and", "or", "to", "-", "–")):
        return True
    if written < "1900" or written.endswith("00"):
        return False
    after = re.match(r"\s+([^\W\d_]+)", cursor.following(end))
    return not (after and len(after[1]) > 3 and after[1].endswith("s") and after[1] not in ("this", "does"))
