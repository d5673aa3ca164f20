"""German only: ordinals behind an article, decades."""

from __future__ import annotations

import re
from collections.abc import Sequence

from parley.conversation.spoken import numerals
from parley.conversation.spoken.cursor import Cursor, Rule, rule

_STRONG = frozenset("der die das".split())
_WEAK = frozenset("den dem des am im vom zum beim ins seit ab bis einem einen eines".split())


def number_rules() -> Sequence[Rule]:
    """Rules for what begins with a digit."""
    return [
        rule(r"(?P<n>\d{1,4})\.(?=\s+[^\W\d_])", _ordinal, "9"),
        rule(r"(?P<n>\d{0,2}\d0)er(?!\w)", lambda m, _: f"{numerals.cardinal(int(m['n']), 'de')}er", "9"),
    ]


def _ordinal(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "der zweite Weltkrieg", "im zweiten Stock"; without an article it may as well end a sentence."""
    word = cursor.word()
    if word not in _STRONG | _WEAK:
        return None
    said = numerals.ordinal(int(match["n"]), "de")
    return f"{said}n" if word in _WEAK else said
