"""What a tool is; plug-ins make one and name it as an entry point."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _nothing() -> dict[str, Any]:
    return {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Tool:
    """A function of the server's own; raises `ValueError` for a name or parameters that no model could call it by."""

    name: str
    description: str
    """For the model: what it does and when to call it."""
    run: Callable[[dict[str, Any]], Awaitable[Any]]
    """Takes the arguments, gives a text or another JSON value. What it raises is told to the model."""
    parameters: Mapping[str, Any] = field(default_factory=_nothing)
    """JSON schema of the arguments, an object."""
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        """Check what a model is told."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: '{self.name}' is not 1 to 64 letters, digits, _ or -")
        if self.parameters.get("type") != "object":
            raise ValueError(f"parameters of '{self.name}': the schema's type is not 'object'")

    @property
    def shown(self) -> Mapping[str, Any]:
        """In the form of the chat interface."""
        function = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}
