"""Written text to words that can be said: mark-up, emoji and addresses become speech or vanish."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\S+")
_URL = re.compile(r"(?:https?://|www\.)[^\s)\]>]+", re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\]]{0,240})\]\([^)\s]*\)?")  # bounded: else each bracket is searched to the end of the text
_MARKS = re.compile(r"[*_`~#|>]+|^[-•–—]+$|^\s*[-•]\s")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2190-\u21ff\u2b00-\u2bff\ufe0f\u200d\u20e3\U000e0000-\U000e007f]+"
)
_PUNCTUATION = ".,;:!?"
_SYMBOLS = {"&": "and", "+": "plus", "=": "equals", "@": "at", "→": "to", "≈": "about", "°C": "degrees Celsius"}


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What is said for a stretch of written text, and where each said word stands in the writing."""

    text: str
    spans: tuple[tuple[int, int, int], ...]
    """(end in `text`, start in the writing, end in the writing) of each written word that is said."""

    def written_end(self, spoken_end: int) -> int:
        """End in the writing of the word that covers the said character before `spoken_end`."""
        for end, _, written_end in self.spans:
            if spoken_end <= end:
                return written_end
        return self.spans[-1][2] if self.spans else 0


def speakable(written: str) -> SpokenText:
    """Turn a piece of an answer into speech."""
    said: list[str] = []
    spans: list[tuple[int, int, int]] = []
    length = 0
    for start, end, word in _written_words(written):
        spoken = say_word(word)
        if not spoken:
            continue
        length += len(spoken) + (1 if said else 0)
        said.append(spoken)
        spans.append((length, start, end))
    return SpokenText(" ".join(said), tuple(spans))


def _written_words(written: str) -> list[tuple[int, int, str]]:
    """Words with their span; a Markdown link counts as one word, said by its label."""
    found: list[tuple[int, int, str]] = []
    at = 0
    for link in _LINK.finditer(written):
        found += [(at + m.start(), at + m.end(), m.group()) for m in _TOKEN.finditer(written[at : link.start()])]
        found.append((link.start(), link.end(), link.group(1)))
        at = link.end()
    return found + [(at + m.start(), at + m.end(), m.group()) for m in _TOKEN.finditer(written[at:])]


def say_word(word: str) -> str:
    """How one written word (or link label) is said; empty when it is not."""
    word = _URL.sub(lambda m: _say_url(m.group()), word)
    word = _EMOJI.sub("", word)
    word = _MARKS.sub("", word)
    return _SYMBOLS.get(word.strip(), word.strip())


def _say_url(url: str) -> str:
    tail = url[len(url.rstrip(_PUNCTUATION)) :]
    host = re.sub(r"^(?:https?://)?(?:www\.)?", "", url, flags=re.IGNORECASE).split("/")[0].rstrip(_PUNCTUATION)
    return host.replace(".", " dot ") + tail
