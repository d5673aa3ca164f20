"""What was heard, to the word: the truth from which history is written.

A response's audio is a time line in seconds from its first sample; every word has its place on it and its
span in the text of the answer. A word counts as heard when `HEARD_SHARE` of its duration was played.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

HEARD_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of an answer and when it sounds."""

    text_end: int
    """End of the word in the answer's text (characters); everything before it is older."""
    start_s: float
    end_s: float

    @property
    def heard_at_s(self) -> float:
        """Position from which the word counts as heard."""
        return self.start_s + HEARD_SHARE * (self.end_s - self.start_s)


@dataclass(slots=True)
class _Line:
    words: list[SpokenWord] = field(default_factory=list)
    sent_s: float = 0.0
    heard_s: dict[str, float] = field(default_factory=dict)


class HeardLedger:
    """One conversation's record of what each listener heard of each response."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def add_words(self, response: str, spoken: list[SpokenWord]) -> None:
        """Append words; their times must not go back."""
        self._lines.setdefault(response, _Line()).words.extend(spoken)

    def sent(self, response: str, until_s: float) -> None:
        """Audio up to `until_s` left for the listeners."""
        line = self._lines.setdefault(response, _Line())
        line.sent_s = max(line.sent_s, until_s)

    def heard(self, listener: str, response: str, until_s: float) -> float:
        """A listener's playout is at `until_s`; believed up to what was sent. Returns what is believed."""
        line = self._lines.setdefault(response, _Line())
        believed = max(0.0, min(until_s, line.sent_s))
        line.heard_s[listener] = max(believed, line.heard_s.get(listener, 0.0))
        return line.heard_s[listener]

    def corrected(self, listener: str, response: str, until_s: float) -> float:
        """Like `heard`, but the listener may also take back (``conversation.item.truncate``)."""
        line = self._lines.setdefault(response, _Line())
        line.heard_s[listener] = max(0.0, min(until_s, line.sent_s))
        return line.heard_s[listener]

    def heard_s(self, response: str) -> float:
        """Position that all listeners have reached."""
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

    def all_heard(self, response: str) -> bool:
        """Whether the last word was heard."""
        line = self._lines.get(response)
        return bool(line and line.words) and self.heard_chars(response) == line.words[-1].text_end if line else False

    def forget(self, response: str) -> None:
        """Drop a response whose outcome is written down."""
        self._lines.pop(response, None)
