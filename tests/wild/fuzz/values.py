"""Values that fit nowhere, JSON of any shape, and small damage to what was right."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

_NUMBERS = (
    0,
    -1,
    1,
    2**31,
    2**53 + 1,
    -(2**63),
    2**64,
    int("9" * 400),
    0.5,
    -0.0,
    1e308,
    5e-324,
    1.7976931348623157e308,
)
_TEXTS = (
    "", " ", "\x00", "\ud800", "\uffff", "𝒳" * 50, "\u202ecba", "e\u0301" * 200, "a" * 70_000, "../../etc/passwd",
    "%s%n{0}", "null", "NaN", "<script>", "\r\nx: y", "item_", "auto", "none", "AAAA", "తెలుగు", "?" * 300, "\n" * 300,
)  # fmt: skip
_KEYS = ("type", "id", "item_id", "session", "item", "audio", "", "__class__", "response", "content", "\x00", "name")


def text(random: Random) -> str:
    """A text that somebody might not have thought of."""
    if random.random() < 0.5:
        return random.choice(_TEXTS)
    return "".join(chr(random.choice((random.randrange(32, 127), random.randrange(0xD7FF)))) for _ in range(20))


def absurd(random: Random) -> Any:
    """A value that is right for no field."""
    return random.choice(
        (None, True, False, random.choice(_NUMBERS), random.choice(_NUMBERS), text(random), text(random), [], {}, [[]])
    )


def anything(random: Random, depth: int = 4) -> Any:
    """JSON of any shape."""
    kind = random.random()
    if depth and kind < 0.25:
        return [anything(random, depth - 1) for _ in range(random.randrange(5))]
    if depth and kind < 0.6:
        return {
            random.choice((*_KEYS, text(random)[:30])): anything(random, depth - 1) for _ in range(random.randrange(5))
        }
    if kind < 0.62:
        return deep(random.choice((30, 500, 5000, random.randrange(800, 1000))))
    return absurd(random)


def deep(levels: int) -> Any:
    """Lists in lists."""
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def nearly(random: Random, value: Any) -> Any:
    """The same value with something wrong in one place."""
    changed = copy.deepcopy(value)
    places = list(_places(changed))
    if not places:
        return absurd(random)
    holder, key = random.choice(places)
    how = random.randrange(6)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[text(random)[:50]] = holder.pop(key)
    elif how == 2:
        holder[key] = [holder[key]]
    elif how == 3:
        holder[key] = anything(random, 2)
    elif how == 4 and isinstance(holder[key], int | float):
        holder[key] = random.choice(_NUMBERS)
    else:
        holder[key] = absurd(random)
    return changed


def _places(value: Any) -> Any:
    """Every field of every object and every entry of every list, as its holder and its key."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield value, key
        yield from _places(inner)


def dumped(value: Any) -> str:
    """As JSON that the standard allows, whatever is in it; too deep for that, as text that is none."""
    try:
        return json.dumps(value)
    except RecursionError:
        return "[" * 5000 + "]" * 5000


def mangled(random: Random, data: bytes) -> bytes:
    """Bytes with some of them changed, lost or doubled."""
    found = bytearray(data)
    for _ in range(random.randrange(1, 6)):
        if not found:
            break
        at = random.randrange(len(found))
        how = random.randrange(4)
        if how == 0:
            found[at] ^= 1 << random.randrange(8)
        elif how == 1:
            del found[at : at + random.randrange(1, 40)]
        elif how == 2:
            found[at:at] = found[at : at + random.randrange(1, 200)] * random.randrange(1, 4)
        else:
            found[at:at] = random.randbytes(random.randrange(1, 9))
    return bytes(found)
