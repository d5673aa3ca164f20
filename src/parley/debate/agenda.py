"""Who speaks next: the order of a format, kept through interruptions, failures, and people who come and go.

House rules: no clock, no I/O; what it decides follows from the calls alone. It holds one place in the order, and what
is asked of it never skips or repeats one by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from parley.debate.format import EACH, MODERATOR, PEOPLE, Format, Round

_MOST_FAILURES = 2


@dataclass(frozen=True, slots=True)
class Debater:
    """One who argues."""

    name: str
    side: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the order."""

    round: str
    number: int
    """Of the round's repetitions, from 1."""
    speaker: str
    """A debater's name, `MODERATOR`, or `PEOPLE`."""
    task: str
    seconds: float
    opens_round: bool = False
    whom: str = ""
    """Of people: who has raised a hand for it; empty: whoever wants to."""


class Agenda:
    """Of one debate."""

    def __init__(self, rules: Format, debaters: Sequence[Debater]) -> None:
        self._rules = rules
        self.debaters = {debater.name: debater for debater in debaters}
        self._muted: set[str] = set()
        self._failures: dict[str, int] = {}
        self.people_here = True
        """Whether people may take the places that are theirs."""
        self._slots = self._order()
        self._next: Slot | None = next(self._slots, None)
        self._extra: list[Slot] = []
        self.closed = False
        """Whether nothing of the order follows any more."""

    def _order(self) -> Iterator[Slot]:
        for one in self._rules.rounds:
            number = 0
            while (not one.repeat or number < one.repeat) and self._somebody_speaks(one):
                number += 1
                opens = True
                for place in one.order:
                    for speaker in self._speakers(place):
                        yield Slot(one.name, number, speaker, one.task_of(place), one.seconds, opens)
                        opens = False

    def _somebody_speaks(self, one: Round) -> bool:
        """Else it is passed over: a round without an end would be looked through for ever."""
        return any(self.speaks(speaker) for place in one.order for speaker in self._speakers(place))

    def _speakers(self, place: str) -> list[str]:
        if place in (PEOPLE, MODERATOR):
            return [place]
        return [d.name for d in self.debaters.values() if place in (EACH, d.side)]

    # -- who is there ---------------------------------------------------------------------------------

    def speaks(self, name: str) -> bool:
        """Whether somebody may be given the floor."""
        if name in (PEOPLE, MODERATOR):
            return name == MODERATOR or self.people_here
        return name in self.debaters and name not in self._muted and not self.unavailable(name)

    def unavailable(self, name: str) -> bool:
        """Whether a debater has failed so often that nobody waits for it any more."""
        return self._failures.get(name, 0) >= _MOST_FAILURES

    def mute(self, name: str, *, muted: bool) -> None:
        """Let a debater have no place in the order, or its own again."""
        (self._muted.add if muted else self._muted.discard)(name)

    def is_muted(self, name: str) -> bool:
        """Whether somebody is passed over."""
        return name in self._muted

    def failed(self, name: str) -> bool:
        """A speech failed; whether that was the one after which the debater counts as unavailable."""
        self._failures[name] = self._failures.get(name, 0) + 1
        return self._failures[name] == _MOST_FAILURES

    def spoke(self, name: str) -> None:
        """A speech went well: failures before it are forgotten."""
        self._failures.pop(name, None)

    # -- the order ------------------------------------------------------------------------------------

    @property
    def next(self) -> Slot | None:
        """Whose turn it is after who speaks now; None: the order is at its end, or nobody of it may speak."""
        if self.closed:
            return None
        if self._extra:
            return self._extra[0]
        while self._next is not None and not self.speaks(self._next.speaker):
            opened, self._next = self._next.opens_round, next(self._slots, None)
            if opened and self._next is not None:
                self._next = replace(self._next, opens_round=True)
        return self._next

    def take(self) -> Slot | None:
        """The next place is given to its speaker."""
        slot = self.next
        if slot is None:
            return None
        if self._extra:
            self._extra.pop(0)
        else:
            self._next = next(self._slots, None)
        return slot

    def extend(self, name: str, task: str, seconds: float) -> None:
        """Give somebody the next place beside the order, which goes on behind it."""
        self._beside(Slot("", 1, name, task, seconds))

    def call(self, name: str, seconds: float) -> None:
        """Somebody of the people has the next place beside the order: a hand was raised."""
        self._beside(Slot("", 1, PEOPLE, "", seconds, whom=name))

    def uncall(self, name: str) -> None:
        """Who had raised a hand does not wait for the floor any more."""
        self._extra = [slot for slot in self._extra if slot.whom != name]

    def _beside(self, slot: Slot) -> None:
        """Have a place next, in the round of the one that would have followed."""
        following = self.next
        at = following.round if following is not None else self._rules.rounds[-1].name
        number = following.number if following is not None else 1
        self._extra.append(replace(slot, round=at, number=number))

    def close(self) -> None:
        """Nothing of the order follows: the time is over, or somebody ended it."""
        self.closed = True
