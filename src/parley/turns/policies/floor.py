"""Who answers whom, and who may sound beside whom: the assistant's policy is the ordinary case of a table's.

House rules: a policy keeps no state; what it decides on is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

ASSISTANT = "assistant"
"""Name of the agent of a conversation that has but one."""
EVERYBODY = ""
"""To whom words are said that are to nobody in particular."""
FloorName = Literal["addressed", "called", "round", "free"]


class FloorPolicy(Protocol):
    """Decides who answers a turn and which responses may sound together."""

    def answering(self, participant: str, said: str, last: str | None) -> Sequence[str]:
        """Agents that answer a turn of `participant`, in the order in which they do.

        `said`: its words, empty where there are none; `last`: the agent that this participant talked with last.
        """

    def may_play(self, agent: str, holders: Sequence[str], playing: Sequence[str]) -> bool:
        """Whether `agent` may sound while the people `holders` speak and the agents `playing` answer already."""


@dataclass(frozen=True, slots=True)
class _OneAtATime:
    """Nobody sounds while anybody holds the floor, nor beside another."""

    agents: tuple[str, ...] = (ASSISTANT,)

    def may_play(self, agent: str, holders: Sequence[str], playing: Sequence[str]) -> bool:
        """Only when nobody speaks and nothing else sounds."""
        return not holders and not playing


@dataclass(frozen=True, slots=True)
class AddressedFloor(_OneAtATime):
    """Whoever is called by name answers, each after the other; else who was talked with last, else the first."""

    def answering(self, participant: str, said: str, last: str | None) -> Sequence[str]:
        """Those who are called, in the order of the call."""
        if len(self.agents) <= 1:
            return self.agents
        if called := _called(self.agents, said):
            return called
        return (last,) if last in self.agents and last is not None else self.agents[:1]


@dataclass(frozen=True, slots=True)
class CalledFloor(_OneAtATime):
    """Whoever is called by name answers, each after the other; else nobody: people talk with each other."""

    def answering(self, participant: str, said: str, last: str | None) -> Sequence[str]:
        """Those who are called, in the order of the call."""
        return _called(self.agents, said)


@dataclass(frozen=True, slots=True)
class RoundFloor(_OneAtATime):
    """Every agent answers every turn, one after the other, in their order."""

    def answering(self, participant: str, said: str, last: str | None) -> Sequence[str]:
        """All of them."""
        return self.agents


@dataclass(frozen=True, slots=True)
class FreeFloor:
    """The one agent takes turns itself: it speaks when it likes to, also while people do."""

    agents: tuple[str, ...] = (ASSISTANT,)

    def answering(self, participant: str, said: str, last: str | None) -> Sequence[str]:
        """That agent."""
        return self.agents[:1]

    def may_play(self, agent: str, holders: Sequence[str], playing: Sequence[str]) -> bool:
        """Unless it does already."""
        return not playing


FLOORS: dict[FloorName, Callable[[tuple[str, ...]], FloorPolicy]] = {
    "addressed": AddressedFloor, "called": CalledFloor, "round": RoundFloor, "free": FreeFloor,
}  # fmt: skip


def _called(agents: Sequence[str], said: str) -> Sequence[str]:
    places = {agent: place for agent in agents if (place := _called_at(agent, said)) is not None}
    return sorted(places, key=lambda agent: places[agent])


def _called_at(agent: str, said: str) -> int | None:
    """Where an agent's name stands among the words; None where it does not."""
    found = re.search(rf"(?<!\w){re.escape(agent)}(?!\w)", said, re.IGNORECASE)
    return found.start() if found else None
