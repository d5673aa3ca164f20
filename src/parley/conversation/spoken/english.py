"""English only: abbreviations, Roman numbers, initials and acronyms, ordinals, chemical formulas, keys."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from parley.conversation.spoken import numerals
from parley.conversation.spoken.capitals import say_capitals, spelled
from parley.conversation.spoken.cursor import Cursor, Rule, rule
from parley.conversation.spoken.english_words import (
    ABBREVIATIONS,
    BEFORE_NUMBERS,
    ELEMENTS,
    ENDING,
    KEYS,
    NUMBERED,
    RULERS,
)
from parley.conversation.spoken.formulas import say_decimal
from parley.conversation.spoken.streets import DIRECTION, HOUSE, TITLE, WAY, title_or_way

_CENTURIES = ("century", "centuries", "dynasty", "Dynasty", "Olympic", "Olympiad", "Congress", "Corps")
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAYS = "Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun"
_OF_YEARS = frozenset(("b.", "d.", "c."))
"""Born, died, about: before years."""


def letter_rules() -> Sequence[Rule]:
    """Rules for what begins with a letter."""
    keys = "|".join(sorted(KEYS, key=len, reverse=True))
    dotted, bare = (
        "|".join(sorted((re.escape(a) for a in ABBREVIATIONS if (a[-1] == ".") == stopped), key=len, reverse=True))
        for stopped in (True, False)
    )
    return [
        rule(rf"(?P<keys>(?:(?:{keys})\s?[+-]\s?){{1,4}})(?P<last>[A-Za-z0-9]\w{{0,9}})(?!\w)", _keys, "a"),
        rule(rf"(?P<from>{_DAYS})\.?\s?[-–]\s?(?P<to>{_DAYS})(?!\w)\.?", _days, "a"),
        rule(r"(?!N/A)[A-Z](?:/[A-Z]){1,3}(?![\w/])", lambda m, _: spelled(m.group().replace("/", "")), "a"),
        rule(r"(?P<a>[A-Z]{1,4})&(?P<b>[A-Z]{1,4})(?![A-Z])", _and, "a"),
        TITLE,
        DIRECTION,
        rule(rf"(?:{dotted})(?![^\W\d]|/)|(?:{bare})(?![\w/])", _abbreviation, "a&"),
        WAY,
        rule(r"(?:[A-Za-z]\.){2,8}(?![\w])", _dotted, "a"),
        rule(r"[A-Z]\.(?=\s?[A-Z])", _initial, "a"),
        rule(r"[α-ωΑ-Ω](?!\w)", lambda m, _: unicodedata.name(m.group()).split()[-1].lower(), "a"),
        rule(r"[b-df-hj-np-tv-xz]{2,3}(?=[²³^])", lambda m, _: spelled(m.group()), "a"),
        rule(r"(?P<base>[A-GJ])#(?!\w)", lambda m, _: f"{m['base']} sharp", "a"),
        rule(rf"(?P<from>{_DAYS})\.?(?=,?\s+(?:\d|{_MONTHS}))", lambda m, _: ABBREVIATIONS[f"{m['from']}."], "a"),
        rule(r"(?P<zone>GMT|UTC)\s?(?P<sign>[-+−])(?P<n>\d{1,2})(?!\w)", _zone, "a"),
        rule(r"(?P<roman>[ivx]{1,6})(?!\w)", _small_roman, "a"),
        rule(r"(?P<roman>[IVXLCDM]{1,10})(?P<tail>['’]s)?(?![\w'’+&]|\.\w)", _roman, "a"),
        rule(r"(?:[A-Z][a-z]?[\d₀-₉]{0,3}){2,12}(?:[⁺⁻]|[+-](?=[\s.,)]|$))?(?!\w)", _chemical, "a"),
        rule(r"(?:(?:he|him|his)/(?:she|hers?)|(?:she|her)/(?:he|him|his))(?!/|\w)",
             lambda m, _: m.group().replace("/", " or "), "a"),
        rule(r"(?P<grade>[A-DF])[-−](?![\w-])", _grade, "a"),
        rule(r"(?P<w>[A-Za-z]{1,12})-?(?P<parts>\d{1,4}(?:\.\d{1,2})?[A-Za-z]?(?:-\d{1,5}(?:\.\d{1,2})?[A-Za-z]?){1,2})"
             r"(?![\w/:-]|[.,]\d)", _model, "a"),
        rule(r"(?P<w>[A-Za-z]{1,12})(?P<gap>-?)(?!\d{2,4}s)(?P<n>\d{1,4})(?P<rest>[a-zA-Z]?(?:-?\d{1,2})?)"
             r"(?!\w|[.,:/]\d)", _with_number, "a"),
        rule(r"(?P<caps>[A-Z]{2,12})(?P<tail>s|['’]s|['’]d)?(?![\w])", _capitals, "a"),
        rule(r"(?P<camel>[a-z]{2,20}(?:[A-Z][a-z]{1,20}){1,6})(?!\w)", _humps, "a"),
    ]  # fmt: skip


def number_rules() -> Sequence[Rule]:
    """Rules for what begins with a digit."""
    return [
        rule(r"(?P<n>\d{1,3}(?:,\d{3}){1,3}|\d{1,9})(?:st|nd|rd|th)(?!\w)", _ordinal, "9"),
        rule(r"['’]?(?P<n>\d{2}|100|\d{3}0)['’]?s(?!\w)", _decade, "9'’"),
        rule(
            r"['’](?P<n>\d\d)(?!\w)",
            _short_year,
            "'’",
        ),
        HOUSE,
        rule(r"401\(?k\)?(?!\w)", lambda m, _: "four oh one K", "9"),
        rule(r"(?P<n>\d{1,3})(?P<letters>[A-Z]{1,2})(?!\w|[-+]\d)", _number_and_letters, "9"),
        rule(r"\.NET(?!\w)", lambda m, _: "dot net", "."),
    ]


def _and(match: re.Match[str], _: Cursor) -> str:
    """R&D."""
    return f"{spelled(match['a'])}-and-{spelled(match['b'])}"


def _zone(match: re.Match[str], _: Cursor) -> str:
    """GMT-5."""
    sign = "plus" if match["sign"] == "+" else "minus"
    return f"{spelled(match['zone'])} {sign} {numerals.cardinal(int(match['n']), 'en')}"


def _humps(match: re.Match[str], _: Cursor) -> str:
    """Names of code: getUserName."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", match["camel"])


def _days(match: re.Match[str], _: Cursor) -> str:
    return " to ".join(ABBREVIATIONS[f"{match[end]}."] for end in ("from", "to"))


def _keys(match: re.Match[str], _: Cursor) -> str:
    keys = [KEYS[key] for key in re.findall(r"\w+", match["keys"])]
    last = match["last"]
    return " ".join([*keys, KEYS.get(last, last.upper() if len(last) == 1 else last)])


def _abbreviation(match: re.Match[str], cursor: Cursor) -> str | None:
    written = match.group()
    if written in BEFORE_NUMBERS:
        if written == "ed.":
            return ABBREVIATIONS[written] if cursor.last[:1].isdigit() else None
        if not re.match(r"\s?\d{3}" if written in _OF_YEARS else r"\s?\d|\s[IVX]", cursor.following(match.end())):
            return None
    if written in ("St", "Dr"):
        return title_or_way(match, cursor)
    if written in ("vs", "Mr", "Mrs", "aka", "approx") or written[-1] != ".":
        return ABBREVIATIONS[written]
    stop = (
        "."
        if written in ENDING and cursor.ends(match.end()) and written not in ("Inc.", "Co.", "Ltd.", "Corp.")
        else ""
    )
    if not stop and not cursor.following(match.end()).strip():
        stop = "."
    return ABBREVIATIONS[written] + stop


def _dotted(match: re.Match[str], cursor: Cursor) -> str:
    """U.S., p.m., J.R.R.: letters, and the full stop where the sentence ends."""
    letters = spelled(match.group().replace(".", ""))
    return letters + ("." if not cursor.following(match.end()).strip() else "")


def _initial(match: re.Match[str], cursor: Cursor) -> str | None:
    if cursor.word() in NUMBERED:
        return None
    return match.group()[0] if cursor.last[:1].isupper() or not cursor.last else None


def _roman(match: re.Match[str], cursor: Cursor) -> str | None:
    said = _roman_words(match, cursor)
    return said and said + (match["tail"] or "")


def _roman_words(match: re.Match[str], cursor: Cursor) -> str | None:
    written = match["roman"]
    value = numerals.roman(written)
    if value is None:
        return None
    word, capital = cursor.word(), cursor.last[:1].isupper()
    if cursor.following(match.end()).lstrip().startswith(_CENTURIES) and written != "I":
        return numerals.ordinal(value, "en")
    if word in NUMBERED and (capital or written != "I"):
        return numerals.cardinal(value, "en")
    if word in RULERS and capital and value <= 40:
        if (
            written == "I"
            and re.match(r"\s+(?:a|h|w|d|t|l)[a-z']{1,6}\b", cursor.following(match.end()))
            and not _ruled(match, cursor)
        ):
            return None  # "John I know", not "Elizabeth I was queen"
        return f"the {numerals.ordinal(value, 'en')}"
    if capital and len(written) > 1 and value < 40 and set(written) <= set("IVX") and cursor.last[-1:] not in ".!?:,":
        return numerals.cardinal(value, "en")
    if written == "II" or (len(written) > 2 and set(written) <= set("IVX")):
        return numerals.cardinal(value, "en")
    return numerals.year(value, "en") if len(written) > 3 and 1000 < value < 2100 else None


def _small_roman(match: re.Match[str], cursor: Cursor) -> str | None:
    value = numerals.roman(match["roman"].upper())
    return numerals.cardinal(value, "en") if value is not None and cursor.word() in NUMBERED else None


def _ruled(match: re.Match[str], cursor: Cursor) -> bool:
    return bool(
        re.match(r"\s+(?:was|of|died|ruled|reigned|had|became|and|the|is|who|in)\b", cursor.following(match.end()))
    )


def _chemical(match: re.Match[str], cursor: Cursor) -> str | None:
    written = match.group()
    atoms = re.findall(r"([A-Z][a-z]?)([\d₀-₉]*)", written)
    if not any(count for _, count in atoms) or any(atom not in ELEMENTS for atom, _ in atoms):
        return None
    counts = [(atom, int(count.translate(_LOWERED))) if count else (atom, 0) for atom, count in atoms]
    if all(len(atom) == 1 for atom, _ in counts) and len(counts) == 1:
        return None
    said = "-".join(spelled(atom) + (f" {numerals.cardinal(count, 'en')} " if count else "") for atom, count in counts)
    said = said.replace(" -", " ").strip()
    charge = {"+": " plus", "⁺": " plus", "-": " minus", "⁻": " minus"}.get(written[-1], "")
    return said + charge


_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def _with_number(match: re.Match[str], cursor: Cursor) -> str | None:
    """Letters and digits in one: GPT-4o, MP3, B2B, COVID-19."""
    letters, count = match["w"], match["n"]
    word = say_capitals(letters, cursor) if letters.isupper() and len(letters) > 1 else letters
    spoken = numerals.cardinal(int(count), "en") if len(count) < 3 and count[0] != "0" else numerals.digits(count, "en")
    if len(count) == 4 and count.startswith(("19", "20")):
        spoken = numerals.year(int(count), "en")
    rest = match["rest"]
    tail = " ".join(
        numerals.cardinal(int(p), "en") if p.isdecimal() else p.upper() for p in re.findall(r"\d+|[A-Za-z]", rest)
    )
    return f"{word} {spoken} {tail}".strip()


def _grade(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "a B-"."""
    return f"{match['grade']} minus" if cursor.word() in _BEFORE_GRADES else None


def _model(match: re.Match[str], cursor: Cursor) -> str:
    """Names of models and parts: Qwen2.5-1.5B, i7-9700K."""
    letters = match["w"]
    word = say_capitals(letters, cursor) if letters.isupper() and len(letters) > 1 else letters
    said = []
    for part in match["parts"].split("-"):
        number, letter = part.rstrip(_ASCII), part.lstrip("0123456789.")
        said.append(f"{say_decimal(number, cursor.language)} {letter.upper()}".strip())
    return f"{word} {', '.join(said)}"


def _capitals(match: re.Match[str], cursor: Cursor) -> str:
    said = say_capitals(match["caps"], cursor, match.end())
    tail = match["tail"] or ""
    if tail == "s" and "-" in said:
        tail = "'s"
    return said + tail


def _ordinal(match: re.Match[str], _: Cursor) -> str:
    return numerals.ordinal(int(match["n"].replace(",", "")), "en")


_MANY = {"100": "hundreds", "1000": "thousands"}


def _short_year(match: re.Match[str], _: Cursor) -> str:
    """ "the summer of '69"."""
    said = numerals.cardinal(int(match["n"]), "en")
    return f"oh {said}" if match["n"][0] == "0" else said


def _decade(match: re.Match[str], _: Cursor) -> str | None:
    """ "the nineteen nineties"."""
    written = match["n"]
    if written in _MANY:
        return _MANY[written]
    if written[-1] != "0" or written == "00":
        return None
    tens = numerals.cardinal(int(written[-2:]), "en") if written[-2:] != "00" else ""
    said = f"{tens[:-1]}ies" if tens.endswith("y") else f"{tens}s"
    if len(written) == 2:
        return said
    if not tens:
        return f"{numerals.year(int(written), 'en')}s"
    return f"{numerals.cardinal(int(written[:2]), 'en')} {said}"


def _number_and_letters(match: re.Match[str], cursor: Cursor) -> str | None:
    """5G, 12A, gate 7B: the number, then letters."""
    house = cursor.word() in ("at", "of", "from", "to") and re.match(r"\s[A-Z][a-z]", cursor.following(match.end()))
    if match["letters"] in _COUNTING and cursor.word() not in _PLACES and not (house and match["letters"] == "B"):
        return None
    return f"{numerals.cardinal(int(match['n']), 'en')} {spelled(match['letters'])}"


_COUNTING = frozenset("K M B V W A L N J GB MB TB KB PB GW MW Hz MP PM AM".split())
"""Letters behind a number that are its scale or its unit."""
_BEFORE_GRADES = frozenset("a an grade grades got and or".split())
_ASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PLACES = frozenset("rm room apt apartment gate seat unit flat suite row section block platform table bay".split())
