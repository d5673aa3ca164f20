"""A text under change that keeps, for each character, which stretch of the writing it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Part = str | tuple[int, int]
"""What stands in the place of a match: new words, or a stretch of the text that stays (start, end)."""


class Aligned:
    """Text, and where each of its characters begins and ends in the writing."""

    __slots__ = ("ends", "starts", "text")

    def __init__(self, text: str, starts: list[int], ends: list[int]) -> None:
        """`starts`, `ends`: one for each character of `text`; neither goes back."""
        self.text, self.starts, self.ends = text, starts, ends

    @classmethod
    def of(cls, written: str) -> Aligned:
        """The writing itself."""
        return cls(written, list(range(len(written))), list(range(1, len(written) + 1)))

    def sub(self, pattern: re.Pattern[str], parts: Callable[[re.Match[str]], Sequence[Part]]) -> Aligned:
        """Put `parts` in the place of each match; stretches that stay go forward.

        New words stand for all of what was matched, or, beside stretches that stay, for the place between them.
        """
        text: list[str] = []
        starts: list[int] = []
        ends: list[int] = []

        def keep(start: int, end: int) -> None:
            text.append(self.text[start:end])
            starts.extend(self.starts[start:end])
            ends.extend(self.ends[start:end])

        at = 0
        for match in pattern.finditer(self.text):
            keep(at, match.start())
            at = match.end()
            found = parts(match)
            whole = not any(isinstance(part, tuple) for part in found)
            place = self.starts[match.start()]
            for part in found:
                if isinstance(part, tuple):
                    keep(*part)
                    place = ends[-1] if ends else place
                elif part:
                    text.append(part)
                    starts.extend([place] * len(part))
                    ends.extend([self.ends[match.end() - 1] if whole else place] * len(part))
        if not at:
            return self
        keep(at, len(self.text))
        return Aligned("".join(text), starts, ends)

    def drop(self, pattern: re.Pattern[str]) -> Aligned:
        """Without the matches."""
        return self.sub(pattern, lambda _: ())
