"""Pauses that a text asks for: ``<break time="1s"/>`` and ``[pause=2s]``."""

from __future__ import annotations

import re

LONGEST_S = 5.0
"""A pause is no longer than that, however many are written one after the other."""
_USUAL_S = 0.5
_STRENGTHS = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 1.0, "x-strong": 1.5}
_TIME = r"[+]?(?P<{0}>\d{{0,6}}(?:\.\d{{0,6}})?)\s?(?P<{0}_unit>ms|s(?:ec(?:onds?)?)?)?"
PAUSE = re.compile(
    rf"<break\b(?:\s+(?:time\s*=\s*[\"']?{_TIME.format('time')}[\"']?|strength\s*=\s*[\"']?(?P<strength>[a-z-]{{1,10}})[\"']?"
    rf"|[\w:-]{{1,20}}=\"[^\"<>]{{0,40}}\")){{0,4}}\s*/?>(?:\s*</break>)?"
    rf"|\[(?:pause|break|silence)(?:\s?[=: ]\s?{_TIME.format('length')})?\]",
    re.IGNORECASE,
)


def seconds(pause: re.Match[str]) -> float:
    """Length of a match of `PAUSE`."""
    for name in ("time", "length"):
        if (value := pause[name]) is not None:
            number = float(value) if value.strip(".") else 0.0
            return min(LONGEST_S, number / 1000 if pause[f"{name}_unit"] == "ms" else number)
    return _STRENGTHS.get((pause["strength"] or "").lower(), _USUAL_S)
