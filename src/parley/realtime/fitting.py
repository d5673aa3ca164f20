"""Server events for clients that take messages of a limited size: deltas are split, other long texts shortened."""

from __future__ import annotations

from typing import Any

import msgspec

from parley.realtime import server_events as se

_MARK = " … (shortened)"
_BYTES_PER_CHAR = 6
"""At most, in JSON: ``\\\\u0000``."""
_MOST_CUTS = 200


def fitting(event: se.Event, most_bytes: int) -> list[se.Event]:
    """The event as it is if it fits; else as several, or shortened behind an ``error`` event that says so.

    The first of several keeps the event's id; the others have none.
    """
    size = _size(event)
    if size <= most_bytes:
        return [event]
    if isinstance(delta := event.get("delta"), str):
        room = (most_bytes - (size - _size(delta)) - 64) // _BYTES_PER_CHAR
        if room > 0:
            parts = [delta[at : at + room] for at in range(0, len(delta), room)]
            rest = {name: value for name, value in event.items() if name != "event_id"}
            return [event | {"delta": parts[0]}, *(rest | {"delta": part} for part in parts[1:])]
    kind = str(event.get("type"))
    told = se.error(
        f"'{kind}' has {size} bytes and this connection takes {most_bytes} a message: its longest texts are shortened",
        kind="server_error", code="event_too_long",
    )  # fmt: skip
    shorter = _shortened(event, most_bytes)
    return [told] if shorter is None else [told, shorter]


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value))


def _shortened(event: se.Event, most_bytes: int) -> se.Event | None:
    """A copy whose longest texts are cut until it fits; None when it never does."""
    found: se.Event = msgspec.json.decode(msgspec.json.encode(event))
    for _ in range(_MOST_CUTS):
        if _size(found) <= most_bytes:
            return found
        holder, key = max(_texts(found), key=lambda at: len(at[0][at[1]]), default=(None, None))
        if holder is None or len(holder[key]) < 2 * len(_MARK):
            return None
        text = holder[key].removesuffix(_MARK)
        holder[key] = text[: len(text) // 2] + _MARK
    return None


def _texts(value: Any) -> list[tuple[Any, Any]]:
    """Where texts stand: (list or object, index or name)."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[Any, Any]] = []
    for key, inner in entries:
        found += [(value, key)] if isinstance(inner, str) else _texts(inner)
    return found
