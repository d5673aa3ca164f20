"""English addresses: numbers of houses, kinds of streets, and the saints and doctors that are written like them."""

from __future__ import annotations

import re

from parley.conversation.spoken import numerals
from parley.conversation.spoken.cursor import Cursor, rule
from parley.conversation.spoken.english_words import ABBREVIATIONS

_SHORT = {"Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard", "Ln": "Lane", "Hwy": "Highway", "Pkwy": "Parkway"}
_DIRECTIONS = {"N": "North", "S": "South", "E": "East", "W": "West"}
_NAME = r"(?:[A-Z][\w'’.-]*|\d{1,3}(?:st|nd|rd|th))\s+"
_WAYS = "|".join([*_SHORT, *_SHORT.values(), *"St Street Dr Drive Square Way Place".split()])
_BEGINNINGS = "And|But|The|It|He|She|They|We|This|That|Then|In|On|At|If|So|There|You|I|When|What"
_SENTENCE_STARTS = set("in the at on to from near and or but with by for a an of via visit see saint".split())
_BEFORE_YEARS = frozenset("in since by until till of from after before during".split())


def _house(match: re.Match[str], cursor: Cursor) -> str | None:
    """1012 Elmwood Road: "ten twelve"; no year ("in 2008 Wall Street ...")."""
    written, number = match["n"], int(match["n"])
    if len(written) == 4 and cursor.word() in _BEFORE_YEARS:
        return None
    if len(written) == 5:
        said = numerals.digits(written, "en")
    elif len(written) < 4 or number % 1000 == 0:
        said = numerals.cardinal(number, "en")
    else:
        first, last = numerals.cardinal(number // 100, "en"), numerals.cardinal(number % 100, "en")
        said = f"{first} {'hundred' if number % 100 == 0 else f'oh {last}' if number % 100 < 10 else last}"
    return f"{said} {match['letter']}".strip()


def _way(match: re.Match[str], cursor: Cursor) -> str | None:
    """A street behind its name, without a full stop: "Fifth Ave"."""
    named = cursor.last[:1].isdigit() or (cursor.last[:1].isupper() and cursor.word() not in _SENTENCE_STARTS)
    follows = re.match(r"\s[A-Z][a-z]", cursor.following(match.end()))
    return _SHORT[match["way"]] if named and not follows else None


def _title(match: re.Match[str], cursor: Cursor) -> str:
    """Doctor or drive, saint or street: by the name beside it."""
    named_after = re.match(rf"[ \t]+(?!(?:{_BEGINNINGS})\b)[A-Z]", cursor.following(match.end()))
    behind_a_name = _behind_a_name(cursor)
    stop = "." if cursor.ends(match.end()) and behind_a_name else ""
    if match["title"] == "Dr":
        return "Doctor" if named_after or not behind_a_name else f"Drive{stop}"
    if behind_a_name or cursor.last[:1].isdigit():
        return f"Street{stop}" if not named_after or behind_a_name else "Saint"
    return "Saint"


def _behind_a_name(cursor: Cursor) -> bool:
    return cursor.last[:1].isupper() and cursor.last[-1:].isalpha() and cursor.word() not in _SENTENCE_STARTS


def title_or_way(match: re.Match[str], cursor: Cursor) -> str | None:
    """St and Dr without a full stop: before a name, or behind one (Main St, 7th St)."""
    if re.match(r"\s[A-Z][a-z]", cursor.following(match.end())):
        return ABBREVIATIONS[match.group()]
    behind = re.search(r"\d(?:st|nd|rd|th)$", cursor.last) or _behind_a_name(cursor)
    return {"St": "Street", "Dr": "Drive"}[match.group()] if behind else None


def _direction(match: re.Match[str], _: Cursor) -> str:
    return _DIRECTIONS[match["side"]]


DIRECTION = rule(rf"(?P<side>[NSEW])\.?(?=\s+(?:{_NAME}){{1,2}}(?:{_WAYS})(?!\w))", _direction, "a")
HOUSE = rule(rf"(?P<n>\d{{1,5}})(?P<letter>[A-Z]?)(?=\s+(?:{_NAME}){{1,3}}(?:{_WAYS})(?!\w))", _house, "9")
WAY = rule(rf"(?P<way>{'|'.join(_SHORT)})(?![\w.])", _way, "a")
TITLE = rule(r"(?P<title>Dr|St)\.(?=[\s,;:)]|$)", _title, "a")
