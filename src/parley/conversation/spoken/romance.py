"""French, Italian, Portuguese, Spanish: ordinals in digits ("1er", "3ª"), Roman numbers of kings and centuries."""

from __future__ import annotations

import re
from collections.abc import Sequence

from parley.conversation.spoken import numerals
from parley.conversation.spoken.cursor import Cursor, Rule, rule

LANGUAGES = frozenset("es fr it pt".split())
_COUNTED = frozenset("siglo siglos século séculos capítulo capitolo chapitre tomo tome acto atto acte".split())
"""Words with a Roman number behind them that is a cardinal."""
_CENTURIES = re.compile(r"\s+(?:siècles?|secol[oi])(?!\w)")
_ORDINALS_OF_KINGS = {"es": 10, "pt": 10, "fr": 1, "it": 100}
"""Up to which number a king is counted by an ordinal: "Felipe segundo", but "Luis catorce"."""


def rules(code: str) -> Sequence[Rule]:
    """What goes behind the rules of dates; `code`: ISO 639-1, one of `LANGUAGES`."""
    ends = r"\.?(?P<end>[ºª])(?![CF])" if code != "fr" else r"(?P<end>ers?|res?|ères?|nde?s?|i?[eè]mes?|es?)"
    tail = r"(?P<end>er|re|e|ème)?" if code == "fr" else r"(?P<end>(?!))?"
    return [
        rule(rf"(?P<n>\d{{1,4}}){ends}(?!\w)", _ordinal, "9"),
        rule(rf"(?P<roman>[IVX]{{1,7}}){tail}(?!\w)", _roman, "a"),
        rule(r"n\.?[º°]s?(?=\s?\d)", lambda _, c: c.language.words.number, "a"),
    ]


def _ordinal(match: re.Match[str], cursor: Cursor) -> str:
    """ "premier", "tercera"."""
    feminine = match["end"] in ("ª", "re", "res", "ère", "ères", "nde", "ndes")
    return numerals.ordinal(int(match["n"]), cursor.language.code, feminine=feminine)


def _roman(match: re.Match[str], cursor: Cursor) -> str | None:
    """ "dix-neuvième siècle", "siglo diecinueve", "Luigi quattordicesimo"."""
    value, code = numerals.roman(match["roman"]), cursor.language.code
    if value is None:
        return None
    if _CENTURIES.match(cursor.following(match.end())) or match["end"]:
        return numerals.ordinal(value, code)
    if cursor.word() in _COUNTED:
        return numerals.cardinal(value, code)
    if not cursor.behind_a_name() or (len(match["roman"]) == 1 and match["roman"] != "V"):
        return None
    return numerals.ordinal(value, code) if value <= _ORDINALS_OF_KINGS[code] else numerals.cardinal(value, code)
