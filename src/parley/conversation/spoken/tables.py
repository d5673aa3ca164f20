"""Tables: a small one is read cell by cell, a large one is only shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from parley.conversation.spoken.aligned import Part

TABLE = re.compile(
    r"^[ \t]*+\|[^\n]*+(?>(?:\n[ \t]*+\|[^\n]*+)*)"  # rows that begin with a bar
    r"|^[^\n|]{1,200}\|[^\n]{0,1000}\n[ \t]*+:?-{2,}[ \t:|-]*+(?>(?:\n[^\n|]*+\|[^\n]*+)*)",  # or dashes below the head
    re.MULTILINE,
)
_CELL = re.compile(r"(?:\\\||[^|\n])+")
_DASHES = re.compile(r"^[ \t|:+-]*+$")
_MOST_CELLS = 24


def say_table(match: re.Match[str], shown: str) -> Sequence[Part]:
    """Rows as sentences, or `shown` for a large table (where there are words for that)."""
    rows: list[list[tuple[int, int]]] = []
    at = match.start()
    for line in match.group().split("\n"):
        if not _DASHES.match(line):
            cells = [_trimmed(at + c.start(), c.group()) for c in _CELL.finditer(line) if c.group().strip()]
            if cells:
                rows.append(cells)
        at += len(line) + 1
    if shown and sum(map(len, rows)) > _MOST_CELLS:
        return (f"\n{shown}\n",)
    parts: list[Part] = []
    for row in rows:
        for number, cell in enumerate(row):
            parts += [", " if number else "", cell]
        parts.append(".\n")
    return parts


def _trimmed(at: int, cell: str) -> tuple[int, int]:
    return at + len(cell) - len(cell.lstrip()), at + len(cell.rstrip())
