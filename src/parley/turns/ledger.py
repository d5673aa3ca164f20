"""What was heard, to the word: the truth from which history is written.

A response's audio is a time line in seconds from its first sample; every word has its place on it and its
span in the text of the answer. A word counts as heard when `HEARD_SHARE` of its duration was played.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

HEARD_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of an answer and when it sounds."""

    text_end: int
    """End of the word in the answer's text (characters); everything before it is older."""
    start_s: float
    end_s: float
    estimated: bool = False
    """Whether its times are reckoned: its voice tells none."""

    @property
    def heard_at_s(self) -> float:
        """Position from which the word counts as heard."""
        return self.start_s + HEARD_SHARE * (self.end_s - self.start_s)


@dataclass(slots=True)
class _Line:
    heard_s: dict[str, float]
    """Of those who were there when it was released and still are."""
    words: list[SpokenWord] = field(default_factory=list)
    sent_s: float = 0.0


class HeardLedger:
    """One conversation's record of what each listener heard of each response."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._present: dict[str, None] = {}

    def joined(self, listener: str) -> None:
        """Somebody listens from now on: what begins to sound later counts as heard when he has heard it, too."""
        self._present[listener] = None

    def left(self, listener: str) -> None:
        """Somebody listens no more: the others' positions count, or his last one where there are none."""
        self._present.pop(listener, None)
        for line in self._lines.values():
            if len(line.heard_s) > 1:
                line.heard_s.pop(listener, None)

    def began(self, response: str, listeners: Iterable[str]) -> None:
        """It is for these, also if it has no sound yet."""
        self._line(response).heard_s = dict.fromkeys(listeners, 0.0)

    def _line(self, response: str) -> _Line:
        if response not in self._lines:
            self._lines[response] = _Line(dict.fromkeys(self._present, 0.0))
        return self._lines[response]

    def add_words(self, response: str, spoken: list[SpokenWord]) -> None:
        """Append words; their times must not go back."""
        self._line(response).words.extend(spoken)

    def sent(self, response: str, until_s: float) -> None:
        """Audio up to `until_s` left for the listeners."""
        line = self._line(response)
        line.sent_s = max(line.sent_s, until_s)

    def heard(self, listener: str, response: str, until_s: float) -> float:
        """A listener's playout is at `until_s`; believed up to what was sent. Returns what is believed."""
        line = self._line(response)
        believed = max(0.0, min(until_s, line.sent_s))
        if listener in line.heard_s:
            line.heard_s[listener] = believed = max(believed, line.heard_s[listener])
        return believed

    def corrected(self, listener: str, response: str, until_s: float) -> float:
        """Like `heard`, but the listener may also take back (``conversation.item.truncate``)."""
        line = self._line(response)
        believed = max(0.0, min(until_s, line.sent_s))
        if listener in line.heard_s:
            line.heard_s[listener] = believed
        return believed

    def heard_s(self, response: str) -> float:
        """Position that everybody has reached who was there at its release and still is, whether he reports or not."""
        line = self._lines.get(response)
        return min(line.heard_s.values(), default=0.0) if line else 0.0

    def heard_chars(self, response: str) -> int:
        """Length of the answer's text up to the last word that all listeners heard."""
        line = self._lines.get(response)
        if line is None:
            return 0
        count = bisect_left([w.heard_at_s for w in line.words], self.heard_s(response) + 1e-6)
        return line.words[count - 1].text_end if count else 0

    def spoken_chars(self, response: str) -> int:
        """Length of the answer's text up to the last word that has a sound, heard or not."""
        line = self._lines.get(response)
        return line.words[-1].text_end if line and line.words else 0

    def begun_chars(self, response: str, until_s: float) -> int:
        """Length of the answer's text up to the last word that begins before a position."""
        line = self._lines.get(response)
        count = bisect_left(line.words, until_s, key=lambda word: word.start_s) if line else 0
        return line.words[count - 1].text_end if line and count else 0

    def all_heard(self, response: str) -> bool:
        """Whether the last word was heard."""
        line = self._lines.get(response)
        return bool(line and line.words) and self.heard_chars(response) == line.words[-1].text_end if line else False

    def forget(self, response: str) -> None:
        """Drop a response whose outcome is written down."""
        self._lines.pop(response, None)
