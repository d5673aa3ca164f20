"""Where the reader of a text stands, and what a rule is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from parley.conversation.spoken.amounts import VULGAR
from parley.conversation.spoken.languages import TOUCHING, Language

LETTER = rf"[^\W{TOUCHING}]"
"""Of a word, in patterns; in scripts that set no blanks, words may stand right behind a number."""
_LONGEST_WORD = 64


@dataclass(slots=True)
class Cursor:
    """The text, and what was read before the place that a rule looks at."""

    text: str
    language: Language
    last: str = ""
    """The written word before it."""
    before: str = ""
    """The written word before that."""
    years: bool = False
    """Whether the last number was a year: "1999 and 2008"."""

    def passed(self, start: int, end: int) -> None:
        """What stands between is read; signs belong to the word before them, some are words of their own."""
        written = self.text[start:end]
        if len(written) > 1 or written.isalnum() or written in ":=#©":
            self.before, self.last = self.last, written
        elif len(self.last) < _LONGEST_WORD:
            self.last += written

    def word(self) -> str:
        """The written word before it, lower case, without what encloses it."""
        return _bare(self.last)

    def two(self) -> tuple[str, str]:
        """The two written words before it, lower case."""
        return _bare(self.before), _bare(self.last)

    def behind_a_name(self) -> bool:
        """Whether the word before it may be somebody's name: capitalised, and no capitals throughout."""
        return self.last[:1].isupper() and self.last[-1:].isalpha() and not self.last.isupper()

    def following(self, end: int) -> str:
        """What stands behind a match."""
        return self.text[end : end + 24]

    def ends(self, end: int) -> bool:
        """Whether a full stop at the end of an abbreviation ends its sentence too."""
        rest = self.following(end)
        return not rest.strip() or rest[:1] in '\n"”)' or bool(re.match(r"\s+[\"“(]?[A-Z]", rest))


def _bare(word: str) -> str:
    return word.lower().strip(".,;:()\"'“”") or word


Say = Callable[[re.Match[str], Cursor], str | None]
"""The words for a match; None lets the next rule try."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for where the cursor stands, and how it is said."""

    pattern: re.Pattern[str]
    say: Say
    first: str
    """What its matches begin with: "9" any digit, "a" any letter, else signs as they are; empty for anything."""


def rule(pattern: str, say: Say, first: str, flags: int = 0) -> Rule:
    """A rule from the source of its pattern."""
    return Rule(re.compile(pattern, flags), say, first)


def kind(char: str) -> str:
    """How `Rule.first` names a character."""
    return "9" if char.isdecimal() or char in VULGAR else "a" if char.isalpha() else char
