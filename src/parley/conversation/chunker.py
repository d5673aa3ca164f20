"""Cuts a stream of tokens into pieces to say: the first as soon as a clause is there, later ones by sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SENTENCE_END = re.compile(r"[.!?…।]+[\"')\]*_]*(?=\s)|\n+")
_CLAUSE_END = re.compile(r"[,;:—–][\"')\]*_]*(?=\s)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|approx|No|Fig|Inc|Ltd|Co|U\.S|a\.m|p\.m)|\b[A-Z]|^\s*\d+|\n\s*\d+)\.$"
)
_FIRST_CLAUSE_WORDS = 2
_FIRST_WORDS = 5
_LONGEST_CHARS = 240


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the answer that is synthesised as one."""

    start: int
    """Its first character in the answer's text."""
    text: str


class Chunker:
    """Feed text as it comes; take the pieces that are ready; `flush` at the end."""

    def __init__(self, start: int = 0) -> None:
        """`start`: characters of the answer that are not given to it."""
        self._text = ""
        self._start = start
        self._first = True

    def push(self, text: str) -> list[Piece]:
        """Add text; return the pieces that it completes."""
        self._text += text
        pieces = []
        while (end := self._boundary()) is not None:
            pieces += self._take(end)
        return pieces

    def flush(self) -> list[Piece]:
        """Return the rest."""
        return self._take(len(self._text))

    def hurry(self, words: int | None) -> list[Piece]:
        """Return what is there up to its last clause, or, where so many `words` are whole, up to the last of them."""
        end = self._last_clause(len(self._text))
        if end is None and words is not None:
            last = self._last_space(len(self._text.rstrip()))
            end = last if last and len(self._text[:last].split()) >= words else None
        return self._take(end) if end else []

    def _take(self, end: int) -> list[Piece]:
        text, self._text = self._text[:end], self._text[end:]
        start, self._start = self._start, self._start + end
        if not text.strip():
            return []
        self._first = False
        return [Piece(start, text)]

    def _boundary(self) -> int | None:
        for match in _SENTENCE_END.finditer(self._text):
            if self._may_cut(match.end()):
                return match.end()
        if self._first:
            return self._first_boundary()
        if len(self._text) > _LONGEST_CHARS:
            return self._last_clause(_LONGEST_CHARS) or self._last_space(_LONGEST_CHARS)
        return None

    def _first_boundary(self) -> int | None:
        for match in _CLAUSE_END.finditer(self._text):
            if len(self._text[: match.end()].split()) >= _FIRST_CLAUSE_WORDS and self._may_cut(match.end()):
                return match.end()
        if len(self._text.split()) > _FIRST_WORDS:
            return self._last_space(len(self._text) - 1)
        return None

    def _last_clause(self, before: int) -> int | None:
        ends = [m.end() for m in _CLAUSE_END.finditer(self._text[:before]) if self._may_cut(m.end())]
        return ends[-1] if ends else None

    def _last_space(self, before: int) -> int | None:
        end = self._text.rfind(" ", 1, before)
        return end if end > 0 and self._may_cut(end) else None

    def _may_cut(self, end: int) -> bool:
        head = self._text[:end]
        if _ABBREVIATION.search(head) and not head.endswith("\n"):
            return False
        balanced = head.count("**") % 2 == 0 and head.count("`") % 2 == 0
        in_link = head.rfind("[") > head.rfind("]") or (head.rfind("](") > head.rfind(")"))
        return (balanced and not in_link) or len(head) > _LONGEST_CHARS
