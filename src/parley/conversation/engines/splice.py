"""An answer that broke off and is asked for anew: its new text is joined where the old one ended, said once.

Asked to go on, some models continue the old text, some repeat its last words, some begin again from the front. Which
it is shows when the new text is compared with the old, so that its beginning is held back until that is clear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"\w[\w'’]*")
_OPEN_WORD = re.compile(r"[\w'’-]+$")
_SURE_WORDS = 3  # that both begin with: then it begins again
_OVERLAP_WORDS = 8
_MOST_HELD_CHARS = 4000


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    end: int


def _words(text: str) -> list[_Word]:
    return [_Word(m.group().lower(), m.end()) for m in _WORD.finditer(text)]


def prefix(old: str) -> str:
    """What a model is given to continue: the old text without a last word that may be a part of one."""
    return _OPEN_WORD.sub("", old).rstrip() if not old[-1:].isspace() else old.rstrip()


class Splice:
    """Feed the new text with `push`, end with `flush`; each returns what is to be added to the old text."""

    def __init__(self, old: str) -> None:
        self._old = old
        self._words = _words(old)
        self._held: str | None = ""

    def push(self, text: str) -> str:
        """Take more of the new text."""
        if self._held is None:
            return text
        self._held += text
        joined = self._joined(self._held, last=len(self._held) > _MOST_HELD_CHARS)
        if joined is not None:
            self._held = None
        return joined or ""

    def flush(self) -> str:
        """There is no more of it."""
        held, self._held = self._held, None
        return (self._joined(held, last=True) or "") if held else ""

    def _joined(self, new: str, *, last: bool) -> str | None:
        """What `new` adds to the old text; None while that is open."""
        words = _words(new) if last else _words(new)[:-1]  # the last one may still grow
        alike = next((i for i, (a, b) in enumerate(zip(self._words, words, strict=False)) if a.text != b.text), None)
        if alike is None:
            alike = min(len(words), len(self._words))
            if len(words) <= alike < len(self._words) and not last:
                return None  # so far it is what the old text began with
        if alike >= min(_SURE_WORDS, len(self._words) - 1) and alike > 0:
            return self._begun_again(new, words, alike)
        return self._continued(new, words, last=last)

    def _begun_again(self, new: str, words: list[_Word], alike: int) -> str:
        """What is behind the old text's end, or, where it took another turn, what follows from the place they part."""
        rest = new[words[alike - 1].end :]
        if alike == len(self._words):
            return self._after(rest)
        if alike == len(self._words) - 1 and (completed := self._completed(rest)) is not None:
            return completed
        return self._spaced(rest)

    def _completed(self, rest: str) -> str | None:
        """What `rest` adds to the old text's last word, if it begins with that word as a whole."""
        part, found = _OPEN_WORD.search(self._old), _WORD.search(rest)
        if part and found and found.group().lower().startswith(part.group().lower()):
            return rest[found.start() + len(part.group()) :]
        return None

    def _continued(self, new: str, words: list[_Word], *, last: bool) -> str | None:
        """It goes on, perhaps from some words before the end, or from the beginning of the last one."""
        for count in range(min(_OVERLAP_WORDS, len(self._words)), 0, -1):
            tail = [w.text for w in self._words[-count:]]
            head = [w.text for w in words[:count]]
            if head == tail and len(head) == count:
                return self._after(new[words[count - 1].end :])
            if len(words) < count and tail[: len(words)] == head and not last and words:
                return None
        if not words and not last:
            return None
        completed = self._completed(new)
        return self._spaced(new) if completed is None else completed

    def _after(self, rest: str) -> str:
        """`rest` follows words that the old text ends with; marks that both have are said once."""
        marks = re.search(r"[^\w\s]*\s*$", self._old)
        own = marks.group().rstrip() if marks else ""
        if own and rest.startswith(own):
            rest = rest[len(own) :]
        return rest.lstrip() if self._old[-1:].isspace() else rest

    def _spaced(self, text: str) -> str:
        """With one blank between the old text and this."""
        if not self._old or self._old[-1:].isspace():
            return text.lstrip()
        return text if not text or text[0].isspace() or text[0] in ".,;:!?)’'…" else f" {text}"
