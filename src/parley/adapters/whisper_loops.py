"""Whisper's loops told from repetitions that were spoken.

In a short window Whisper tends to begin again when it has written everything: "book a room book a room book a room".
Its own alignment tells them apart: a repetition that was spoken lasts as long as its words take, one that was not is
squeezed into a few hundredths of a second, or stands behind the end of the sound. Where some copies are of the one
kind and some of the other, it is not to be trusted, and the window that the model was made for has to tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from parley.models.interfaces import TimedText

_LONGEST_PHRASE = 112  # words: twice as many are all that Whisper writes at a time
_LEAST_S = 0.08
_LEAST_S_PER_LETTER = 0.02
_LETTERS_OF_DIGIT = 4
_STAMMER = re.compile(r"([^\W\d]{1,6}?)\1{4,}")
"""A syllable five times and more within a word."""


def repeats(words: Sequence[str]) -> bool:
    """Whether something in a text stands twice in a row, or its end is the beginning of what stands before it."""
    keys = [_key(w) for w in words if _key(w)]
    if any(_copies(keys, at) for at in range(len(keys))) or any(_STAMMER.search(w) for w in words):
        return True
    return bool(_tail([TimedText(key, 0.0, 0.0) for key in keys])[0])


def without_loops(words: Sequence[TimedText], end_s: float) -> tuple[list[TimedText], bool]:
    """The words of sound up to `end_s` without those that were written again and not said again; whether that is sure.

    `words` have the blanks and marks that stand around them; what has no letter belongs to the word before it.
    """
    found, sure = joined(words), True
    size, begin = _tail(found)
    if size:
        copies = [found[at : at + size] for at in range(begin, len(found), size)]
        said = [_was_said(copy, end_s) for copy in copies if len(copy) == size or len(copies) == 1]
        sure = not any(said) or (all(said) and len(copies[0]) == size)
        kept = len(copies) if all(said) else said.index(False)
        del found[begin + kept * size :]
    return [_without_stammer(word, end_s) for word in _without_copies(found, end_s)], sure


def _tail(words: Sequence[TimedText]) -> tuple[int, int]:
    """The phrase that the end of a text repeats: its words, and where its first repetition begins; 0 if there is none.

    The last copy may be broken off.
    """
    keys = [_key(word.text) for word in words]
    best = (0, len(keys))
    for size in range(1, min(_LONGEST_PHRASE, len(keys) - 1) + 1):
        at = len(keys)
        while at > size and (keys[at - 1] == keys[at - 1 - size] or _begins(keys, at - 1, size)):
            at -= 1
        if len(keys) - at >= min(size, 2) and at < best[1]:
            best = (size, at)
    return best


def _begins(keys: Sequence[str], at: int, size: int) -> bool:
    """Whether the last word is the beginning of the one that stands there in the phrase."""
    return at == len(keys) - 1 and len(keys) > 2 * size and keys[at - size].startswith(keys[at])


def _without_copies(rest: list[TimedText], end_s: float) -> list[TimedText]:
    """Copies further in front that were not said."""
    kept: list[TimedText] = []
    while rest:
        size, count = _copies([_key(word.text) for word in rest], 0) or (1, 0)
        kept += rest[:size]
        del rest[:size]
        while count:
            if _was_said(rest[:size], end_s):
                kept += rest[:size]
            del rest[:size]
            count -= 1
    return kept


def _copies(keys: Sequence[str], at: int) -> tuple[int, int] | None:
    """Length of the shortest phrase that is repeated from `at` on, and how often."""
    for size in range(1, min(_LONGEST_PHRASE, (len(keys) - at) // 2) + 1):
        phrase, count = keys[at : at + size], 0
        while keys[at + (count + 1) * size : at + (count + 2) * size] == phrase:
            count += 1
        if count:
            return size, count
    return None


def _was_said(words: Sequence[TimedText], end_s: float) -> bool:
    """Whether words last as long as saying them takes."""
    if not words:
        return False
    lasts = min(words[-1].end_s, end_s) - min(words[0].start_s, end_s)
    letters = sum(_LETTERS_OF_DIGIT if c.isdigit() else c.isalpha() for word in words for c in word.text)
    return lasts >= max(_LEAST_S, _LEAST_S_PER_LETTER * letters)


def _without_stammer(word: TimedText, end_s: float) -> TimedText:
    return word if _was_said([word], end_s) else replace(word, text=_STAMMER.sub(r"\1", word.text))


def joined(words: Sequence[TimedText]) -> list[TimedText]:
    """Marks that stand alone belong to the word before them."""
    found: list[TimedText] = []
    for word in words:
        if found and not _key(word.text):
            found[-1] = replace(found[-1], text=found[-1].text + word.text)
        else:
            found.append(word)
    return found


def _key(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()
