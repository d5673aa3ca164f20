"""What a recogniser wrote against what was said or written: errors in words, and the place that was reached."""

from __future__ import annotations

import re
import unicodedata

from jiwer import process_characters, process_words
from rapidfuzz.distance import Levenshtein

_NUMBERS = {w: str(i) for i, w in enumerate("zero one two three four five six seven eight nine ten".split())} | {
    "oh": "0"
}


_JOINERS = str.maketrans("’", "'", "\u200b\u200c\u200d\ufeff")
"""How letters are drawn together is the writer's choice, not a matter of what was said."""


def words(text: str) -> list[str]:
    """Lower-cased, in the composed form of Unicode (NFC), without punctuation and joiners; numbers as their digits, one
    by one, of whatever script. Signs of vowels belong to their letters."""
    folded = unicodedata.normalize("NFC", text).lower().translate(_JOINERS)
    plain = re.sub(r"(?<=\w)[-.,](?=\d)", " ", folded)
    spaced = "".join(c if unicodedata.category(c)[0] in "LMN" or c == "'" else " " for c in plain)
    spelled = [_NUMBERS.get(w, w) for w in spaced.split()]
    return [c for w in spelled for c in ([str(unicodedata.digit(d)) for d in w] if w.isdigit() else [w])]


def distance(reference: str, heard: str) -> tuple[int, int]:
    """Errors and words of the reference."""
    said, count = " ".join(words(reference)), len(words(reference))
    found = process_words(said, " ".join(words(heard)))
    return found.substitutions + found.deletions + found.insertions, count


def character_distance(reference: str, heard: str) -> tuple[int, int]:
    """Errors and characters of the reference, blanks between words among them: the measure for languages whose words
    are long, or written together or apart."""
    said = " ".join(words(reference))
    found = process_characters(said, " ".join(words(heard)))
    return found.substitutions + found.deletions + found.insertions, len(said)


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
