"""Reading untrusted JSON objects field by field, with errors that name the field at fault, in the words of OpenAI's.

A reader knows which fields were asked for: what nobody asked for is refused (`Reader.refuse_unknown`), never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from parley.errors import ProtocolError

_DEEPEST = 64
_LONGEST_NAME = 64
_LONGEST_SHOWN = 80


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
            raise ProtocolError(
                f"Invalid type for '{path or 'event'}': expected an object, but got {_kind(data)} instead.",
                field=path or None, code="invalid_type",
            )  # fmt: skip
        self.data: dict[str, Any] = data
        self.path = path
        self._asked: set[str] = set()
        self._inner: list[Reader] = []

    def __contains__(self, name: str) -> bool:
        """Whether the field was given (null counts as given)."""
        return name in self.data

    def name(self, field: str) -> str:
        """Full path of a field."""
        return f"{self.path}.{field}" if self.path else field

    def fail(self, field: str, message: str, code: str = "invalid_value") -> ProtocolError:
        """An error about a field, to be raised."""
        return ProtocolError(f"'{self.name(field)}' {message}", field=self.name(field), code=code)

    def missing(self, field: str) -> ProtocolError:
        """The error about a field that is not there, to be raised."""
        name = self.name(field)
        return ProtocolError(f"Missing required parameter: '{name}'.", field=name, code="missing_required_parameter")

    def wrong_type(self, field: str, wanted: str) -> ProtocolError:
        """The error about a field of another type, to be raised."""
        name, found = self.name(field), _kind(self.data.get(field))
        return ProtocolError(
            f"Invalid type for '{name}': expected {wanted}, but got {found} instead.", field=name, code="invalid_type"
        )

    def value(self, field: str) -> Any:
        """Whatever stands there; None when nothing does."""
        self._asked.add(field)
        return self.data.get(field)

    def refuse_unknown(self, now_called: Mapping[str, str] | None = None) -> None:
        """Raise `ProtocolError` for a field that nobody has asked for, here or further in; null says nothing.

        `now_called`: what fields of older interfaces are called today.
        """
        for field, value in self.data.items():
            if field not in self._asked and value is not None:
                name, now = self.name(field[:_LONGEST_SHOWN]), (now_called or {}).get(field)
                hint = f" It is called '{self.name(now)}' now." if now else ""
                raise ProtocolError(f"Unknown parameter: '{name}'.{hint}", field=name, code="unknown_parameter")
        for reader in self._inner:
            reader.refuse_unknown()

    def text(self, field: str, default: str | None = None, *, longest: int = 100_000) -> str | None:
        """A string, or the default when absent or null."""
        value = self.value(field)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.wrong_type(field, "a string")
        if len(value) > longest:
            raise self.fail(field, f"is longer than {longest} characters", "string_above_max_length")
        return value

    def need_text(self, field: str, *, longest: int = 100_000) -> str:
        """A string that must be there."""
        value = self.text(field, longest=longest)
        if value is None:
            raise self.missing(field)
        return value

    def number(self, field: str, default: float | None, low: float, high: float) -> Any:
        """A number within bounds, or the default when absent or null."""
        value = self.value(field)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong_type(field, "a number")
        if not low <= value <= high:
            raise self.fail(field, f"must be between {low:g} and {high:g}, not {_shown(value)}")
        return float(value)

    def integer(self, field: str, default: int | None, low: int, high: int) -> Any:
        """A whole number within bounds, or the default."""
        value = self.number(field, default, low, high)
        if value is not None and value != int(value):
            raise self.wrong_type(field, "an integer")
        return None if value is None else int(value)

    def flag(self, field: str, default: bool) -> bool:
        """True or false, or the default."""
        value = self.value(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong_type(field, "a boolean")
        return value

    def choice(self, field: str, choices: Sequence[str], default: str | None = None) -> Any:
        """One of some words, or the default."""
        value = self.text(field, default)
        if value is not None and value not in choices:
            raise self.unsupported(field, value, choices)
        return value

    def unsupported(self, field: str, value: str, choices: Sequence[str]) -> ProtocolError:
        """The error about a word that is none of those that are understood, to be raised."""
        known = [f"'{choice}'" for choice in choices]
        listed = known[0] if len(known) == 1 else f"{', '.join(known[:-1])}, and {known[-1]}"
        shown = value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}…"
        name = self.name(field)
        return ProtocolError(
            f"Invalid value: '{shown}'. Supported values are: {listed}.", field=name, code="invalid_value"
        )

    def words(self, field: str, *, most: int, longest: int) -> tuple[str, ...]:
        """A list of strings; empty when absent or null."""
        value = self.value(field)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self.wrong_type(field, "an array of strings")
        if len(value) > most or any(len(entry) > longest for entry in value):
            raise self.fail(field, f"has more than {most} entries, or one longer than {longest} characters")
        return tuple(value)

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
            raise self.missing(field)
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
        value = self.value(field)
        if value is None:
            return None
        found = Reader(value, self.name(field))
        if _depth(found.data) > _DEEPEST:
            raise self.fail(field, f"is nested deeper than {_DEEPEST} levels")
        return found.data

    def object(self, field: str) -> Reader | None:
        """A nested object, or None when absent or null."""
        value = self.value(field)
        if value is None:
            return None
        self._inner.append(Reader(value, self.name(field)))
        return self._inner[-1]

    def apart(self, field: str) -> Reader:
        """A nested object that must be there and is read later: unknown fields in it are for whoever reads it."""
        value = self.value(field)
        if value is None:
            raise self.missing(field)
        return Reader(value, self.name(field))

    def need_object(self, field: str) -> Reader:
        """A nested object that must be there."""
        found = self.object(field)
        if found is None:
            raise self.missing(field)
        return found

    def objects(self, field: str, *, most: int = 256) -> list[Reader]:
        """A list of objects; empty when absent or null."""
        value = self.value(field)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong_type(field, "an array of objects")
        if len(value) > most:
            raise self.fail(field, f"has more than {most} entries")
        found = [Reader(entry, f"{self.name(field)}[{i}]") for i, entry in enumerate(value)]
        self._inner += found
        return found


def _kind(value: Any) -> str:
    """What a value is, as JSON's users call it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a boolean"
    kinds = {str: "a string", int: "an integer", float: "a decimal number", list: "an array", dict: "an object"}
    return kinds.get(type(value), "something else")


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
