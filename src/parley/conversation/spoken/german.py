"""German only: ordinals behind an article, decades."""

from __future__ import annotations

import re
from collections.abc import Sequence

from parley.conversation.spoken import numerals
from parley.conversation.spoken.cursor import Cursor, Rule, rule

_PARTS = frozenset("kapitel band teil akt artikel abschnitt klasse anhang stufe phase typ".split())
"""What is counted in Roman numbers."""
_STRONG = frozenset("der die das".split())
_WEAK = frozenset("den dem des am im vom zum beim ins seit ab bis einem einen eines".split())


def number_rules() -> Sequence[Rule]:
    """Rules for what begins with a digit."""
    return [
        rule(r"(?P<n>\d{1,4})\.(?=\s+[^\W\d_])", _ordinal, "9"),
        rule(r"(?P<n>1[1-9]\d0)er(?!\w)", lambda m, _: f"{numerals.year(int(m['n']), 'de')}er", "9"),
        rule(r"(?P<n>\d{0,2}\d0)er(?!\w)", lambda m, _: f"{numerals.cardinal(int(m['n']), 'de')}er", "9"),
    ]


def letter_rules() -> Sequence[Rule]:
    """Rules for what begins with a letter."""
    return [
        rule(r"(?P<roman>[IVXL]{1,8})(?!\w)", _numbered, "a"),
        rule(r"(?P<roman>[IVX]{1,7})\.(?!\w)", _roman, "a"),
        rule(r"(?P<name>[A-ZÄÖÜ][a-zäöüß-]{2,24})str\.(?=\s|,|$)", lambda m, _: f"{m['name']}straße", "a"),
    ]


def _numbered(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "Kapitel IV"."""
    value = numerals.roman(match["roman"])
    return numerals.cardinal(value, "de") if value is not None and cursor.word() in _PARTS else None


def _roman(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "Ludwig der Vierzehnte", "im zwanzigsten Jahrhundert"."""
    value = numerals.roman(match["roman"])
    if value is None:
        return None
    said = numerals.ordinal(value, "de")
    if re.match(r"\s+Jahrhundert", cursor.following(match.end())):
        return f"{said}n" if cursor.word() in _WEAK else said if cursor.word() in _STRONG else f"{said}s"
    return f"der {said.capitalize()}{'.' if cursor.ends(match.end()) else ''}" if cursor.behind_a_name() else None


def _ordinal(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "der zweite Weltkrieg", "im zweiten Stock"; without an article it may as well end a sentence."""
    word = cursor.word()
    if word not in _STRONG | _WEAK:
        return None
    said = numerals.ordinal(int(match["n"]), "de")
    return f"{said}n" if word in _WEAK else said
