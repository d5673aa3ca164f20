"""Arguments of function calls as models write them, made into JSON where that can be done."""

from __future__ import annotations

import json
from typing import Any

from json_repair import repair_json

MOST_CHARS = 64 * 1024


def as_object(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is; None when it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def mended(arguments: str) -> str | None:
    """Arguments as a JSON object: as they are, or mended (a comma too many, a brace too few); None if they are none."""
    if not arguments.strip():
        return "{}"
    if as_object(arguments) is not None:
        return arguments
    try:
        twice = json.loads(arguments)
        if isinstance(twice, str) and (inner := as_object(twice)) is not None:
            return json.dumps(inner)
    except (ValueError, RecursionError):
        pass
    if len(arguments) > MOST_CHARS or "{" not in arguments:
        return None
    try:
        found = repair_json(arguments, return_objects=True)
    except (ValueError, RecursionError):
        return None
    return json.dumps(found) if isinstance(found, dict) and found else None
