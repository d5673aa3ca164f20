"""Fields of an answer's events, in whatever type a server sends them."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from parley.models.interfaces import Usage


def object_of(line: bytes) -> dict[str, Any] | None:
    """The JSON object that a line is; None when it is none."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def entries_of(value: Any) -> list[Any]:
    """Entries of a list, whether it is sent as one, as a single object or as an object with numbers for names."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or not value:
        return []
    return list(value.values()) if "0" in value else [value]


def text_of(content: Any) -> str:
    """Text of a content: a string, parts of which some are text, or whatever else a server calls so."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text_of(part) for part in content)
    if isinstance(content, dict):
        if content.get("type") in ("thinking", "reasoning", "thought", "redacted_thinking"):
            return ""
        return text_of(content.get("text") or content.get("content") or content.get("refusal"))
    return str(content) if isinstance(content, int | float) and not isinstance(content, bool) else ""


def usage_of(given: Any) -> Usage | None:
    """What an answer cost; None when that is not told."""
    if not isinstance(given, dict):
        return None
    details = given.get("prompt_tokens_details")
    counts = [given.get("prompt_tokens", given.get("input_tokens")),
              given.get("completion_tokens", given.get("output_tokens")),
              details.get("cached_tokens") if isinstance(details, dict) else None]  # fmt: skip
    found = [_count(c) for c in counts]
    return Usage(*found) if any(found) else None


def _count(value: Any) -> int:
    try:
        return max(0, min(int(value), 10**9))
    except (TypeError, ValueError, OverflowError):
        return 0


def kind_of_error(error: Any) -> str:
    """What kind of failure it was, as far as a provider's fixed words tell: its sentences may quote anything."""
    given = error if isinstance(error, dict) else {}
    for value in (given.get("code"), given.get("type")):
        if isinstance(value, int) or (isinstance(value, str) and re.fullmatch(r"[a-z_]{3,40}", value)):
            return f" ({value})"
    return ""
