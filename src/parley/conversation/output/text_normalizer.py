"""Written text to words that can be said, and where each of them stands in the writing."""

from __future__ import annotations

import asyncio
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass, replace

from parley.conversation.spoken.agreement import elided
from parley.conversation.spoken.aligned import Aligned
from parley.conversation.spoken.languages import UNSPACED, language, spoken_in
from parley.conversation.spoken.markup import given_sounds, without_markup
from parley.conversation.spoken.reader import Said, prepare, prepared, read_aloud
from parley.languages import usual_language
from parley.models.interfaces import Pronunciation, SpeakingStyle, Synthesizer

_SUFFIXES = frozenset("లో లోని లోపు కి కు తో ని న కే లోనే वाँ वां वीं वें वे".split())
"""What is said without a blank behind figures: Telugu's cases ("2024లో"), the ends of Hindi's ordinals ("10वाँ")."""
_LONG_CHARS = 1000
"""Longer texts take so long (some 20 µs a word) that the loop goes on meanwhile."""


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What is said for a stretch of written text, and where each said word stands in the writing."""

    text: str
    spans: tuple[tuple[int, int, int], ...]
    """(end in `text`, start in the writing, end in the writing) of what is written as one; none goes back."""
    pronounced: tuple[Pronunciation, ...] = ()
    """Parts of `text` whose sounds the writing gives."""

    def written_end(self, spoken_end: int) -> int:
        """How much of the writing was said with the said characters before `spoken_end`.

        What is written as one ("$5") and said in several words is said with the last of them.
        """
        at = bisect_left(self.spans, (spoken_end, -1, -1))
        if at == len(self.spans):
            return self.spans[-1][2] if self.spans else 0
        end, start, written_end = self.spans[at]
        if not any(c.isalnum() for c in self.text[spoken_end:end]):
            return written_end
        return self.spans[at - 1][2] if at else start


def speakable(written: str, wanted: str = "en") -> SpokenText:
    """Turn a piece of an answer into speech; `wanted` is the voice's language (ISO 639-1 or a tag)."""
    spoken = language(spoken_in(written, wanted))
    visible = without_markup(Aligned.of(written), spoken)
    said = _joined(written, visible, read_aloud(visible, spoken))
    return replace(said, pronounced=_pronounced(written, said)) if "<" in written else said


def _pronounced(written: str, said: SpokenText) -> tuple[Pronunciation, ...]:
    """What is said of the parts whose sounds are given, but for the marks around it."""
    found: list[Pronunciation] = []
    for start, end, ipa in given_sounds(written):
        inside = [i for i, (_, begins, _) in enumerate(said.spans) if start <= begins < end]
        if inside:
            begin = said.spans[inside[0] - 1][0] if inside[0] else 0
            part = said.text[begin : said.spans[inside[-1]][0]]
            letters = [i for i, char in enumerate(part) if char.isalnum()]
            if letters:
                found.append(Pronunciation(begin + letters[0], begin + letters[-1] + 1, ipa))
    return tuple(found)


async def made_speakable(written: str, style: SpeakingStyle, voice: Synthesizer) -> SpokenText:
    """`speakable` for a voice, without holding up the loop: neither by data that is not loaded yet nor by long text."""
    wanted = language_of(style, voice)
    if len(written) <= _LONG_CHARS and prepared(spoken_in(written, wanted)):
        return speakable(written, wanted)
    return await asyncio.to_thread(_prepared_speakable, written, wanted)


def _prepared_speakable(written: str, wanted: str) -> SpokenText:
    prepare(spoken_in(written, wanted))
    return speakable(written, wanted)


def language_of(style: SpeakingStyle, voice: Synthesizer) -> str:
    """The language that a voice is to speak: the wanted one, else its usual one."""
    if style.language and style.language.lower() != "auto":
        return style.language
    return usual_language(voice.languages)


def _joined(written: str, visible: Aligned, said: list[Said]) -> SpokenText:
    """One text; each written word takes the marks that touch it, and the last one all that is silent behind it."""
    parts: list[str] = []
    spans: list[tuple[int, int, int]] = []
    length, reached, kept = 0, 0, False
    for words, start, end in said:
        verbatim = visible.text[start:end] == words
        if (
            parts
            and (kept or not elided(parts[-1]))
            and _apart(parts[-1], words, visible.text[reached:start], verbatim=verbatim and kept and reached == start)
        ):
            parts.append(" ")
            length += 1
        parts.append(words)
        length += len(words)
        first, last = visible.starts[start], visible.ends[end - 1]
        if spans and (first < spans[-1][2] or not any(map(str.isalnum, words))):
            spans[-1] = (length, spans[-1][1], max(last, spans[-1][2]))
        elif any(map(str.isalnum, words)):
            spans.append((length, first, last))
        reached, kept = end, verbatim
    if spans:
        ends = [*(start for _, start, _ in spans[1:]), len(written)]
        spans = [(n, start, _with_marks(written, last, end)) for (n, start, last), end in zip(spans, ends, strict=True)]
        spans[-1] = (*spans[-1][:2], max(spans[-1][2], len(written.rstrip())))
    return SpokenText("".join(parts), tuple(spans))


def _apart(before: str, words: str, between: str, *, verbatim: bool) -> bool:
    """Whether there is a blank before `words`; `verbatim`: both stand so, side by side, in the writing."""
    if (words == "," and not verbatim) or (not between and words in _SUFFIXES):
        return False
    if any(map(str.isspace, between)):
        return True
    unspaced = UNSPACED.match(before[-1]) and UNSPACED.match(words[0])
    behind = _letter(before[-1]) or before[-1] in ")]”,;:!?%"
    return not verbatim and not unspaced and _letter(words[0]) and behind


def _letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN"


def _with_marks(written: str, at: int, until: int) -> int:
    """Where the marks end that touch what ends at `at`."""
    while at < until and not written[at].isspace():
        at += 1
    return at
