"""Cuts a stream of tokens into pieces to say: the first as soon as a clause is there, later ones by sentence.

Blocks (code, tables, formulas) stay whole, pauses end a piece, and nothing is cut that is read as one ("$1,234.56").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from parley.conversation.spoken import pauses
from parley.conversation.spoken.blocks import Blocks
from parley.conversation.spoken.joints import holds_together
from parley.conversation.spoken.manners import AS_USUAL, MARK, Manner, Manners

_CLOSERS = r"[\"')\]*_”’»]*+"
_WIDE_CLOSERS = r"[”’」』）】》〉\"')\]]*+"
_SENTENCE_END = re.compile(rf"(?<![.!?…])[.!?…]++{_CLOSERS}(?=\s)|\n++|[。！？｡।॥؟۔።፧។៕။།։]++{_WIDE_CLOSERS}")
_CLAUSE_END = re.compile(rf"[,;:—–]{_CLOSERS}(?=\s)|[，、；：،؛፣፤፥၊]{_WIDE_CLOSERS}")
_OPEN_FORMULA = re.compile(r"(?<![\w$\\])\$(?=[^\s\d$])[^$\n]{0,120}$")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts that have no blanks between words; some three of them are a word."""
_ELEMENT = re.compile(r"<(?P<closes>/?)(?:phoneme|say-as|sub)\b[^<>]{0,400}?(?P<empty>/?)>", re.IGNORECASE)
"""What says how the words inside it are read."""
_FIRST_CLAUSE_WORDS = 2
_FIRST_WORDS = 5
_LONGEST_CHARS = 240
_SEEN_CHARS = 2 * _LONGEST_CHARS
"""No more of the text is looked at for a place to cut: what a push costs does not grow with what waits."""
_LONGEST_CLUSTER = 32
_MOST_SILENCE_S = 60.0
"""Pauses of one text together: what is written in twenty characters must not cost seconds for ever."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the answer that is synthesised as one."""

    start: int
    """Its first character in the answer's text."""
    text: str
    pause_s: float = 0.0
    """Silence that is asked for behind it."""
    manner: Manner = AS_USUAL
    """How it asks to be said."""


class Chunker:
    """Feed text as it comes; take the pieces that are ready; `flush` at the end."""

    def __init__(self, before: str = "", *, hurried: bool = True) -> None:
        """`before`: the answer's beginning, which is not given to it; `hurried`: somebody waits for its first words."""
        self._text = ""
        self._start = len(before)
        self._manners = Manners()
        self._manners.take(before)
        self._first = hurried
        self._blocks = Blocks()
        self._silence_s = 0.0
        self._quiet_s = 0.0
        """Length of the pauses since the last piece with words."""
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
        pieces: list[Piece] = []
        while self._text:
            end = self._boundary(flushed=True)
            if end is None:  # what is left may have no good place to be cut at
                end = _anywhere(self._text) if len(self._text) > _LONGEST_CHARS else len(self._text)
            pieces += self._take(end)
        return pieces

    def hurry(self, words: int | None) -> list[Piece]:
        """Return what is there up to its last clause, or, where so many `words` are whole, up to the last of them."""
        if self._blocks.at(self._text, final=False) is not None:
            return []
        seen = self._text[:_SEEN_CHARS]
        end = _last_clause(seen, len(seen))
        if end is None and words is not None:
            last = _last_space(seen, len(seen.rstrip()), torn=words == 1)
            end = last if last and _count(seen[:last]) >= words else None
        return self._take(end) if end else []

    @property
    def holds_words(self) -> bool:
        """Whether there is text that is no piece yet."""
        return bool(self._text.strip())

    def _take(self, end: int) -> list[Piece]:
        text, self._text = self._text[:end], self._text[end:]
        start, self._start = self._start, self._start + end
        self._refused = 0
        self._blocks.passed(text)
        manner = self._manners.take(text)
        if not text.strip():
            return []
        pause_s, rest = 0.0, text
        if (pause := _pause_at_end(text)) is not None:
            pause_s, rest = pauses.seconds(pause), text[: pause.start()]
        if any(map(str.isalnum, rest)):
            self._first, self._quiet_s = False, 0.0
        pause_s = max(0.0, min(pause_s, pauses.LONGEST_S - self._quiet_s, _MOST_SILENCE_S - self._silence_s))
        self._quiet_s += pause_s
        self._silence_s += pause_s
        return [Piece(start, text, pause_s, manner)]

    def _boundary(self, *, flushed: bool = False) -> int | None:
        block = self._blocks.at(self._text, final=flushed)
        if block is not None:
            return block or None
        seen = self._text[:_SEEN_CHARS]
        mark = _mark_behind_words(seen)
        if mark is not None:
            seen, flushed = seen[:mark], True
        pause = next((p for p in pauses.PAUSE.finditer(seen) if not _open_markup(seen[: p.end()])), None)
        inner = self._blocks.before(seen)
        if inner is not None and (pause is None or pause.end() > inner):
            return inner
        for match in _SENTENCE_END.finditer(seen, self._refused):
            if pause is not None and pause.end() <= match.end():
                break
            if _may_cut(seen, match.end()):
                return match.end()
            if match.end() < len(seen):
                self._refused = match.end()  # what stands before it does not change any more
        if pause is not None:
            return pause.end()
        if flushed:
            return mark
        if self._first:
            end = _first_boundary(seen)
        elif len(seen) > _LONGEST_CHARS:
            end = _last_clause(seen, _LONGEST_CHARS) or _last_space(seen, _LONGEST_CHARS)
        else:
            end = None
        return _anywhere(seen) if end is None and len(self._text) > _SEEN_CHARS else end


def chunks_of(text: str) -> list[Piece]:
    """The pieces of a text that is there as a whole: its first sentence is not cut, for that is heard."""
    chunker = Chunker(hurried=False)
    return [*chunker.push(text), *chunker.flush()]


def _mark_behind_words(text: str) -> int | None:
    """Where words end that are said otherwise than what follows."""
    at = 0
    for mark in MARK.finditer(text) if "[" in text or "<" in text else ():
        if any(map(str.isalnum, text[at : mark.start()])):
            return mark.start()
        at = mark.end()
    return None


def _pause_at_end(text: str) -> re.Match[str] | None:
    found = None
    for found in pauses.PAUSE.finditer(text):  # noqa: B007 -- the last one
        pass
    return found if found is not None and found.end() == len(text) else None


def _count(text: str) -> int:
    """Words, by blanks, or by letters in scripts without."""
    return len(text.split()) + len(_UNSPACED.findall(text)) // 3


def _first_boundary(text: str) -> int | None:
    for match in _CLAUSE_END.finditer(text):
        if _count(text[: match.end()]) >= _FIRST_CLAUSE_WORDS and _may_cut(text, match.end()):
            return match.end()
    if len(text.split()) > _FIRST_WORDS:
        end = _last_space(text, len(text) - 1)
        return end if end and _count(text[:end]) >= _FIRST_CLAUSE_WORDS else None
    return None


def _last_clause(text: str, before: int) -> int | None:
    ends = [match.end() for match in _CLAUSE_END.finditer(text[:before])]
    return next((end for end in reversed(ends) if _may_cut(text, end)), None)


def _last_space(text: str, before: int, *, torn: bool = False) -> int | None:
    """The last blank that may be cut at; `torn`: if need be one between what belongs together."""
    end = text.rfind(" ", 1, before)
    while end > 0 and not _may_cut(text, end) and not (torn and not _open_markup(text[:end])):
        end = text.rfind(" ", 1, end)
    return end if end > 0 and text[:end].strip() else None


def _may_cut(text: str, end: int) -> bool:
    head = text[:end]
    if not head.endswith("\n") and holds_together(text, end):
        return False
    return len(head) > _LONGEST_CHARS or not _open_markup(head)


def _open_markup(head: str) -> bool:
    """Whether a link, a tag, a formula or what is set off by marks is not closed yet."""
    if head.rfind("[") > head.rfind("]") or head.rfind("](") > head.rfind(")"):
        return True
    tag = head.rfind("<")
    if tag > head.rfind(">") and (head[tag + 1 : tag + 2].isalpha() or head[tag + 1 : tag + 2] in ("/", "!")):
        return True
    if tag >= 0 and _open_element(head):
        return True
    if "$" in head and _OPEN_FORMULA.search(head):
        return True
    if "\\" in head and head.count("{") > head.count("}"):
        return True
    formula = (
        head.rfind("\\(") > head.rfind("\\)") or head.rfind("\\[") > head.rfind("\\]") or head.count("$$") % 2 == 1
    )
    return formula or head.count("**") % 2 == 1 or head.count("`") % 2 == 1 or head.count("~~") % 2 == 1


def _open_element(head: str) -> bool:
    last = None
    for last in _ELEMENT.finditer(head):  # noqa: B007 -- the last one
        pass
    return last is not None and not last["closes"] and not last["empty"]


def _anywhere(text: str) -> int:
    """Where to cut what has no good place: a word of hundreds of letters, a script without blanks, open mark-up."""
    end = text.rfind(" ", 1, _LONGEST_CHARS)
    if end > 0:
        return end
    for end in range(_LONGEST_CHARS, _LONGEST_CHARS - _LONGEST_CLUSTER, -1):
        if text[end] != "\u200d" and not unicodedata.category(text[end]).startswith("M"):
            return end  # no vowel sign or accent is torn from its letter
    return _LONGEST_CHARS
