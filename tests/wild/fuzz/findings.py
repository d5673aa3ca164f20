"""What a fuzzer found: each with the seed that makes it again and the last things that were sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

_LAST = 12


@dataclass
class Case:
    """One connection, or one request, of a fuzzer."""

    name: str
    random: Random
    sent: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    """How often the server answered what, to see that the fuzzer gets anywhere."""
    faults: list[str] = field(default_factory=list)

    def send(self, data: object) -> None:
        """Note what is sent."""
        self.sent.append(repr(data)[:600])

    def hear(self, what: str, *, fault: bool = False) -> None:
        """Note an answer."""
        self.told[what] += 1
        if fault:
            self.faults.append(f"{what}; after {self.sent[-_LAST:]}")


@dataclass
class Findings:
    """Of all cases of a run."""

    cases: int = 0
    sent: int = 0
    told: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def take(self, case: Case) -> None:
        """A case is over."""
        self.cases += 1
        self.sent += len(case.sent)
        self.told += case.told
        self.faults += [f"{case.name}: {fault}" for fault in case.faults]

    def to_json(self) -> dict[str, Any]:
        """As the fuzzer's process prints it."""
        return {"cases": self.cases, "sent": self.sent, "told": dict(self.told), "faults": self.faults[:20]}
