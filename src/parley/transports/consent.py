"""Who has agreed that a conversation is recorded: nothing is recorded unless everybody who speaks has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

State = Literal["off", "asking", "on", "kept"]


class Consent:
    """Of one conversation; no clock, no sound. `state` follows from the calls alone."""

    def __init__(self) -> None:
        self.state: State = "off"
        self._agreed: set[str] = set()
        self._present: list[str] = []
        self._heard: set[str] = set()
        """Those who have been recorded."""

    @property
    def asked(self) -> list[str]:
        """Those who have not answered yet."""
        return [name for name in self._present if name not in self._agreed] if self.state == "asking" else []

    @property
    def agreed(self) -> list[str]:
        """Those of the present who have agreed."""
        return [name for name in self._present if name in self._agreed] if self.state in ("asking", "on") else []

    def ask(self, by: str, speakers: Collection[str]) -> None:
        """Somebody wants it recorded, and agrees by that."""
        self._agreed, self._heard, self._present = {by}, set(), list(speakers)
        self.state = "asking"
        self._look()

    def present(self, speakers: Collection[str]) -> None:
        """Others are there now: who comes is asked before anything more is recorded."""
        self._present = list(speakers)
        if self.state in ("asking", "on"):
            self._look()

    def answer(self, name: str, *, agrees: bool) -> bool:
        """Somebody agrees, or no longer; returns whether what was recorded must go."""
        if self.state == "off":
            return False
        if agrees:
            self._agreed.add(name)
            if self.state == "asking":
                self._look()
            return False
        forget = name in self._heard
        self.state = "off" if forget or not self._heard else "kept"
        return forget

    def stop(self) -> None:
        """It is recorded no longer; what was recorded is kept."""
        if self.state in ("asking", "on"):
            self.state = "kept" if self._heard else "off"

    def _look(self) -> None:
        self.state = "on" if self._present and self._agreed.issuperset(self._present) else "asking"
        if self.state == "on":
            self._heard.update(self._present)
