"""The items of a conversation: what was said, what was called, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

USER = "user"
"""Name of the person, and of the listener, of a conversation that has but one."""
Kind = Literal["message", "function_call", "function_call_output"]
Status = Literal["in_progress", "completed", "incomplete"]


def new_id(prefix: str) -> str:
    """A short unique id, ``prefix_…``."""
    return f"{prefix}_{uuid4().hex[:20]}"


@dataclass(frozen=True, slots=True)
class Item:
    """One item; replaced as a whole when it changes."""

    id: str
    kind: Kind = "message"
    role: Literal["user", "assistant", "system"] | None = None
    text: str = ""
    """Of a spoken turn its transcript, of an answer all that was written."""
    heard: int | None = None
    """Characters of `text` that were heard; None when all of it counts."""
    spoken: bool = False
    """Whether it came as, or went out as, sound."""
    status: Status = "completed"
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""
    speaker: str = ""
    """Name of the person or the agent whose words it is; empty: the client brought it."""
    to: str = ""
    """Of an answer: whom it answers."""

    @property
    def heard_text(self) -> str:
        """What counts: the text up to the last word that was heard."""
        return self.text if self.heard is None else self.text[: self.heard]
