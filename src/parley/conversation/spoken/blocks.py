"""What spans lines and is read as one: code, tables, formulas, hidden HTML. Found while the text still comes."""

from __future__ import annotations

import re

FENCE = r"(?:^[ \t>]{0,16}(?:[-*+] {1,4})?|(?<=[ :]))(?P<fence>`{3,}+|~{3,}+)[^\n`]*+"
"""The line that opens a block of code, at the beginning of a line or behind words."""
FENCE_END = r"{fence}[`~]*[ \t]*$"
_FENCE = re.compile(FENCE, re.MULTILINE)
_INLINE_FENCE = re.compile(r"(?<=[ :])(?:`{3,}|~{3,})[\w+-]{0,20}\n")
_OPENERS = (
    (re.compile(r"\s{0,8}\$\$"), "$$", 2000),
    (re.compile(r"\s{0,8}\\\["), "\\]", 400),
    (re.compile(r"\s{0,8}\\begin\{"), "\\end{", 2000),
    (re.compile(r"\s{0,8}<!--"), "-->", 20_000),
    (re.compile(r"\s{0,8}<script\b", re.IGNORECASE), "</script>", 20_000),
    (re.compile(r"\s{0,8}<style\b", re.IGNORECASE), "</style>", 20_000),
    (re.compile(r"\s{0,8}<pre\b", re.IGNORECASE), "</pre>", 20_000),
)
"""What opens a block at the beginning of a line, what closes it, and within how many characters it must."""
_BAR = re.compile(r"[ \t]*\|")
_HEAD = re.compile(r"[^\n|]{0,200}(?: \| |\|[^\n|]{0,200}\|)")
_DASHES = re.compile(r"[ \t]*[:|-][ \t:|-]*")
_LONGEST_LINE = 2000
_LONGEST_HEAD = 300
_LONGEST_CELL = 60
"""Text waits no longer for the bar that would make a row, or a head, of it."""


class Blocks:
    """Whether text that waits to be said begins with a block. A block is looked through once."""

    def __init__(self) -> None:
        """At the beginning of a text."""
        self._line_begins = True
        self._looked = 0

    def passed(self, text: str) -> None:
        """The beginning of what waits was taken away."""
        self._line_begins = text.endswith("\n") or (self._line_begins and not text.strip(" \t"))
        self._looked = 0

    def at(self, text: str, *, final: bool) -> int | None:
        """Length of the block that `text` begins with; 0 while its end is not there; None for no block.

        `final`: nothing follows, so that its end is the end of the text.
        """
        if text.startswith(("```", "~~~")) or self._line_begins:
            fence = _FENCE.match(text)
            if fence and (
                text[fence.end() : fence.end() + 1] == "\n"
                or (fence.end() == len(text) and (final or self._line_begins))
            ):
                return self._fenced(text, fence, final=final)
        if not self._line_begins:
            return None
        for opener, close, within in _OPENERS:
            if opened := opener.match(text):
                return self._closed(text, opened.end(), close, within, final=final)
        if _BAR.match(text):
            return self._rows(text, _BAR, final=final)
        return self._headed(text, final=final)

    def before(self, text: str) -> int | None:
        """Where a block begins that stands behind words in their line."""
        for found in _INLINE_FENCE.finditer(text):
            if text[text.rfind("\n", 0, found.start()) + 1 : found.start()].strip(" \t>"):
                return found.start()
        return None

    def _fenced(self, text: str, fence: re.Match[str], *, final: bool) -> int:
        closing = re.compile(FENCE_END.format(fence=re.escape(fence["fence"])), re.MULTILINE)
        end = closing.search(text, max(fence.end(), self._looked))
        if end and (end.end() < len(text) or final):
            return min(len(text), end.end() + 1)
        self._looked = max(fence.end(), text.rfind("\n") + 1)
        return len(text) if final else 0

    def _closed(self, text: str, begun: int, close: str, within: int, *, final: bool) -> int | None:
        end = text.lower().find(close, max(begun, self._looked)) if len(text) <= 2 * within else -1
        if end >= 0:
            end += len(close)
            if close.endswith("{"):
                brace = text.find("}", end, end + 40)
                end = brace + 1 if brace >= 0 else end
            return end
        self._looked = max(begun, len(text) - len(close))
        return None if final or len(text) > within else 0

    def _rows(self, text: str, row: re.Pattern[str], *, final: bool) -> int | None:
        at = self._looked
        while (end := text.find("\n", at)) >= 0:
            if end + 1 == len(text) or not text[end + 1 :].strip(" \t")[:1]:
                return len(text) if final else 0
            if not row.match(text, end + 1):
                if row is not _BAR and not final and "\n" not in text[end + 1 :] and len(text) - end < _LONGEST_CELL:
                    return 0  # the bar may still come
                return end + 1
            at = self._looked = end + 1
        if len(text) - at > _LONGEST_LINE:
            return at or None
        return len(text) if final else 0

    def _headed(self, text: str, *, final: bool) -> int | None:
        """A table whose rows do not begin with a bar: known by the line of dashes below its head."""
        if not _HEAD.match(text):
            return None
        end = text.find("\n")
        if end < 0:
            return None if final or len(text) > _LONGEST_HEAD else 0
        second, newline, _ = text[end + 1 :].partition("\n")
        if not newline and not final:
            return 0 if not second or _DASHES.fullmatch(second) else None
        if not _DASHES.fullmatch(second) or "--" not in second:
            return None
        self._looked = max(self._looked, end + 1)
        return self._rows(text, _ROW, final=final)


_ROW = re.compile(r"[^\n|]{0,500}\|")
