"""What a recogniser wrote against what was said or written: errors in words, and the place that was reached."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
    a, b = words(reference), words(heard)
    row = list(range(len(b) + 1))
    for x in a:
        _take(row, x, b)
    return row[-1], len(a)


def _take(row: list[int], x: str, b: Sequence[str]) -> None:
    """Go on by `x` in what `b` is compared with: `row` has the edits to each beginning of `b`."""
    previous, row[0] = row[0], row[0] + 1
    for j, y in enumerate(b, 1):
        previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))


def rate(reference: str, heard: str) -> float:
    errors, count = distance(reference, heard)
    return errors / max(1, count)


def words_reached(written: str, heard: str) -> int:
    """How many words of `written` somebody got to, given what a recogniser wrote down of a reading that was cut off.

    The words before the place where the letters and digits of `heard` end best, by edit distance, because recognisers
    join words and guess at cut ones ("a man", "men"). The earliest of places that are equally good.
    """
    tokens, b = [_letters(token) for token in written.split()], _letters(heard)
    row = list(range(len(b) + 1))
    best = (row[-1], 0)
    for reached, token in enumerate(tokens, 1):
        for x in token:
            _take(row, x, b)
        best = min(best, (row[-1], reached))
    return best[1]


def _letters(text: str) -> str:
    return "".join(words(text)).replace("'", "")
