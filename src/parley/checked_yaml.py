"""YAML files that people write: read into a model, each fault named as ``FILE:LINE: field: what is wrong``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from parley.errors import UsageError

LONGEST = 100_000
"""Bytes of a file, at most."""
M = TypeVar("M", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """Leaves dates to the model: YAML's own reader tells no line of one that does not exist."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in known if tag != "tag:yaml.org,2002:timestamp"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path, model: type[M], what: str) -> M:
    """A file as a model; raises `UsageError`. `what` it is to be: "format", "price file"."""
    try:
        if path.stat().st_size > LONGEST:
            raise UsageError(f"{path}: more than {LONGEST} bytes are no {what}")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: cannot be read ({fault})") from None
    return parse(text, str(path), model, what)


def parse(text: str, source: str, model: type[M], what: str) -> M:
    """YAML as a model; raises `UsageError` with one line for each fault."""
    try:
        tree = yaml.compose(text, Loader=_Loader)
        given = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise UsageError(f"{source}:{line}: {getattr(fault, 'problem', None) or fault}") from None
    except RecursionError:
        raise UsageError(f"{source}:1: too deep") from None
    except ValueError as fault:  # a number of thousands of digits
        raise UsageError(f"{source}:1: {fault}") from None
    if not isinstance(given, dict):
        needed = ", ".join(name for name, field in model.model_fields.items() if field.is_required())
        raise UsageError(f"{source}:1: a {what} is a mapping with {needed}")
    try:
        return model.model_validate(given)
    except ValidationError as fault:
        told = (f"{source}:{_line(tree, at)}: {named(at)}: {why}" for at, why in faults(fault))
        raise UsageError("\n".join(told)) from None


def faults(fault: ValidationError) -> Iterator[tuple[list[str | int], str]]:
    """Where each fault is, and what it is; a validator of a whole model names the field before a colon."""
    for error in fault.errors():
        where, message = list(error["loc"]), str(error["msg"])
        if error["type"] == "value_error":
            message = str(error["ctx"]["error"])
            if not where:
                field, _, message = message.partition(": ")
                where = [int(part) if part.isdecimal() else part for part in field.split(".")]
        yield where, message


def named(where: Sequence[str | int]) -> str:
    """The path of a field as people write it."""
    return ".".join(map(str, where))


def _line(node: yaml.Node | None, where: Sequence[str | int]) -> int:
    """The line of a field, or of what it is missing in."""
    line = node.start_mark.line + 1 if node is not None else 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
