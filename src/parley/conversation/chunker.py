"""Cuts a stream of tokens into pieces to say: the first as soon as a clause is there, later ones by sentence."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_CLOSERS = r"[\"')\]*_]*+"
_SENTENCE_END = re.compile(rf"(?<![.!?…।])[.!?…।]++{_CLOSERS}(?=\s)|\n++|[。！？]++[”’」』）】》]*+")
_CLAUSE_END = re.compile(rf"[,;:—–]{_CLOSERS}(?=\s)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|approx|No|Fig|Inc|Ltd|Co|U\.S|a\.m|p\.m)|\b[A-Z]|^\s*\d+|\n\s*\d+)\.$"
)
_FIRST_CLAUSE_WORDS = 2
_FIRST_WORDS = 5
_LONGEST_CHARS = 240
_SEEN_CHARS = 2 * _LONGEST_CHARS
"""No more of the text is looked at for a place to cut: what a push costs does not grow with what waits."""
_ABBREVIATION_WITHIN = 64
_LONGEST_CLUSTER = 32


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
        self._refused = 0
        """End of the last sentence that must not be cut at."""

    def push(self, text: str) -> list[Piece]:
        """Add text; return the pieces that it completes."""
        self._text += text
        pieces = []
        while (end := self._boundary()) is not None:
            pieces += self._take(end)
        return pieces

    def flush(self) -> list[Piece]:
        """Return the rest."""
        pieces = []
        while len(self._text) > _LONGEST_CHARS:  # what is left had no good place to be cut at
            pieces += self._take(_anywhere(self._text))
        return pieces + self._take(len(self._text))

    def hurry(self, words: int | None) -> list[Piece]:
        """Return what is there up to its last clause, or, where so many `words` are whole, up to the last of them."""
        seen = self._text[:_SEEN_CHARS]
        end = _last_clause(seen, len(seen))
        if end is None and words is not None:
            last = _last_space(seen, len(seen.rstrip()))
            end = last if last and len(seen[:last].split()) >= words else None
        return self._take(end) if end else []

    def _take(self, end: int) -> list[Piece]:
        text, self._text = self._text[:end], self._text[end:]
        start, self._start = self._start, self._start + end
        self._refused = 0
        if not text.strip():
            return []
        self._first = False
        return [Piece(start, text)]

    def _boundary(self) -> int | None:
        seen = self._text[:_SEEN_CHARS]
        for match in _SENTENCE_END.finditer(seen, self._refused):
            if _may_cut(seen, match.end()):
                return match.end()
            self._refused = match.end()  # what stands before it does not change any more
        if self._first:
            end = _first_boundary(seen)
        elif len(seen) > _LONGEST_CHARS:
            end = _last_clause(seen, _LONGEST_CHARS) or _last_space(seen, _LONGEST_CHARS)
        else:
            end = None
        return _anywhere(seen) if end is None and len(self._text) > _SEEN_CHARS else end


def _first_boundary(text: str) -> int | None:
    for match in _CLAUSE_END.finditer(text):
        if len(text[: match.end()].split()) >= _FIRST_CLAUSE_WORDS and _may_cut(text, match.end()):
            return match.end()
    if len(text.split()) > _FIRST_WORDS:
        return _last_space(text, len(text) - 1)
    return None


def _last_clause(text: str, before: int) -> int | None:
    ends = [match.end() for match in _CLAUSE_END.finditer(text[:before])]
    return next((end for end in reversed(ends) if _may_cut(text, end)), None)


def _last_space(text: str, before: int) -> int | None:
    end = text.rfind(" ", 1, before)
    return end if end > 0 and _may_cut(text, end) else None


def _may_cut(text: str, end: int) -> bool:
    head = text[:end]
    in_link = head.rfind("[") > head.rfind("]") or head.rfind("](") > head.rfind(")")
    balanced = head.count("**") % 2 == 0 and head.count("`") % 2 == 0
    if (in_link or not balanced) and len(head) <= _LONGEST_CHARS:
        return False
    return head.endswith("\n") or not _ABBREVIATION.search(head, max(0, end - _ABBREVIATION_WITHIN))


def _anywhere(text: str) -> int:
    """Where to cut what has no good place: a word of hundreds of letters, a script without blanks, open mark-up."""
    end = text.rfind(" ", 1, _LONGEST_CHARS)
    if end > 0:
        return end
    for end in range(_LONGEST_CHARS, _LONGEST_CHARS - _LONGEST_CLUSTER, -1):
        if text[end] != "\u200d" and not unicodedata.category(text[end]).startswith("M"):
            return end  # no vowel sign or accent is torn from its letter
    return _LONGEST_CHARS
