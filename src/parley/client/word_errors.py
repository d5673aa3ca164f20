"""What a recogniser wrote against what was said or written: errors in words, and the place that was reached."""

from __future__ import annotations

import re

from jiwer import process_words
from rapidfuzz.distance import Levenshtein

_NUMBERS = {w: str(i) for i, w in enumerate("zero one two three four five six seven eight nine ten".split())} | {
    "oh": "0"
}


def words(text: str) -> list[str]:
    """Lower-cased and without punctuation; numbers as their digits, one by one."""
    plain = re.sub(r"(?<=\w)[-.,](?=\d)", " ", text.lower().replace("’", "'"))
    found = re.findall(r"[\w']+", plain)
    spelled = [_NUMBERS.get(w, w) for w in found]
    return [c for w in spelled for c in (w if w.isdigit() else [w])]


def distance(reference: str, heard: str) -> tuple[int, int]:
    """Errors and words of the reference."""
    said, count = " ".join(words(reference)), len(words(reference))
    found = process_words(said, " ".join(words(heard)))
    return found.substitutions + found.deletions + found.insertions, count


def rate(reference: str, heard: str) -> float:
    errors, count = distance(reference, heard)
    return errors / max(1, count)


def words_reached(written: str, heard: str) -> int:
    """How many words of `written` somebody got to, given what a recogniser wrote down of a reading that was cut off.

    The words before the place where the letters and digits of `heard` end best, by edit distance, because recognisers
    join words and guess at cut ones ("a man", "men"). The earliest of places that are equally good.
    """
    letters, ends = "", [0]
    for token in written.split():
        letters += _letters(token)
        ends.append(len(letters))
    got = _letters(heard)
    return min(range(len(ends)), key=lambda reached: (Levenshtein.distance(letters[: ends[reached]], got), reached))


def _letters(text: str) -> str:
    return "".join(words(text)).replace("'", "")
