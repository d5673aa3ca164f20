"""Word error rate: edit distance over words, after lower-casing, punctuation and number normalisation."""

from __future__ import annotations

import re

_NUMBERS = {w: str(i) for i, w in enumerate("zero one two three four five six seven eight nine ten".split())} | {
    "oh": "0"
}


def words(text: str) -> list[str]:
    plain = re.sub(r"(?<=\w)[-.,](?=\d)", " ", text.lower().replace("’", "'"))
    found = re.findall(r"[\w']+", plain)
    spelled = [_NUMBERS.get(w, w) for w in found]
    return [c for w in spelled for c in (w if w.isdigit() else [w])]


def distance(reference: str, heard: str) -> tuple[int, int]:
    """Errors and words of the reference."""
    a, b = words(reference), words(heard)
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1], len(a)


def rate(reference: str, heard: str) -> float:
    errors, count = distance(reference, heard)
    return errors / max(1, count)
