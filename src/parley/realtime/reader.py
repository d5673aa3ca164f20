"""Reading untrusted JSON objects field by field, with errors that name the field at fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from parley.errors import ProtocolError

_DEEPEST = 64
_LONGEST_NAME = 64


def decoded(text: str | bytes, field: str | None = None) -> Any:
    """JSON as a value; raises `ProtocolError` that says why it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        where = f"'{field}'" if field else "the message"
        raise ProtocolError(f"{where} is not JSON: {fault}", field=field, code="invalid_json") from fault


class Reader:
    """A JSON object and the path that leads to it."""

    def __init__(self, data: Any, path: str = "") -> None:
        if not isinstance(data, dict):
            raise ProtocolError(f"'{path or 'event'}' must be an object", field=path or None, code="invalid_type")
        self.data: dict[str, Any] = data
        self.path = path

    def __contains__(self, name: str) -> bool:
        """Whether the field was given (null counts as given)."""
        return name in self.data

    def name(self, field: str) -> str:
        """Full path of a field."""
        return f"{self.path}.{field}" if self.path else field

    def fail(self, field: str, message: str, code: str = "invalid_value") -> ProtocolError:
        """An error about a field, to be raised."""
        return ProtocolError(f"'{self.name(field)}' {message}", field=self.name(field), code=code)

    def text(self, field: str, default: str | None = None, *, longest: int = 100_000) -> str | None:
        """A string, or the default when absent or null."""
        value = self.data.get(field)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.fail(field, "must be a string", "invalid_type")
        if len(value) > longest:
            raise self.fail(field, f"is longer than {longest} characters", "string_too_long")
        return value

    def need_text(self, field: str, *, longest: int = 100_000) -> str:
        """A string that must be there."""
        value = self.text(field, longest=longest)
        if value is None:
            raise self.fail(field, "is required", "missing_required_parameter")
        return value

    def number(self, field: str, default: float | None, low: float, high: float) -> Any:
        """A number within bounds, or the default when absent or null."""
        value = self.data.get(field)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(field, "must be a number", "invalid_type")
        if not low <= value <= high:
            raise self.fail(field, f"must be between {low:g} and {high:g}, not {_shown(value)}")
        return float(value)

    def integer(self, field: str, default: int | None, low: int, high: int) -> Any:
        """A whole number within bounds, or the default."""
        value = self.number(field, default, low, high)
        if value is not None and value != int(value):
            raise self.fail(field, "must be a whole number", "invalid_type")
        return None if value is None else int(value)

    def flag(self, field: str, default: bool) -> bool:
        """True or false, or the default."""
        value = self.data.get(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.fail(field, "must be true or false", "invalid_type")
        return value

    def choice(self, field: str, choices: Sequence[str], default: str | None = None) -> Any:
        """One of some words, or the default."""
        value = self.text(field, default)
        if value is not None and value not in choices:
            raise self.fail(field, f"must be one of {', '.join(choices)}, not '{value}'")
        return value

    def identifier(self, field: str, *, longest: int = 64) -> str | None:
        """A name that machines give things, or None when absent or null: what cannot be printed is none."""
        value = self.text(field, longest=longest)
        if value is not None and not (value and value.isprintable()):
            raise self.fail(field, "must be printable characters")
        return value

    def need_identifier(self, field: str, *, longest: int = 64) -> str:
        """Such a name that must be there."""
        value = self.identifier(field, longest=longest)
        if value is None:
            raise self.fail(field, "is required", "missing_required_parameter")
        return value

    def texts(self, field: str, *, most: int, longest: int) -> dict[str, str] | None:
        """An object of strings by name, or None when absent or null."""
        found = self.object(field)
        if found is None:
            return None
        if len(found.data) > most:
            raise self.fail(field, f"has more than {most} entries")
        if any(len(name) > _LONGEST_NAME for name in found.data):
            raise self.fail(field, f"has a name longer than {_LONGEST_NAME} characters")
        return {name: found.need_text(name, longest=longest) for name in found.data}

    def schema(self, field: str) -> dict[str, Any] | None:
        """An object that is passed on as it is, or None when absent or null; its depth is bounded."""
        found = self.object(field)
        if found is not None and _depth(found.data) > _DEEPEST:
            raise self.fail(field, f"is nested deeper than {_DEEPEST} levels")
        return found.data if found else None

    def object(self, field: str) -> Reader | None:
        """A nested object, or None when absent or null."""
        value = self.data.get(field)
        return None if value is None else Reader(value, self.name(field))

    def need_object(self, field: str) -> Reader:
        """A nested object that must be there."""
        found = self.object(field)
        if found is None:
            raise self.fail(field, "is required", "missing_required_parameter")
        return found

    def objects(self, field: str, *, most: int = 256) -> list[Reader]:
        """A list of objects; empty when absent or null."""
        value = self.data.get(field)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.fail(field, "must be a list", "invalid_type")
        if len(value) > most:
            raise self.fail(field, f"has more than {most} entries")
        return [Reader(entry, f"{self.name(field)}[{i}]") for i, entry in enumerate(value)]


def _shown(value: int | float) -> str:
    """A number in a few characters, however many digits it has."""
    try:
        return f"{value:g}"
    except OverflowError:
        return "a number of hundreds of digits"


def _depth(value: Any) -> int:
    """Levels of objects and lists; what is deeper than is allowed is not followed further."""
    depth, level = 0, [value]
    while level and depth <= _DEEPEST:
        inner = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        depth += bool(inner)
        level = [entry for entries in inner for entry in entries]
    return depth
