"""A turn-taker that is told event by event, each at its second: nothing happens by itself."""

from __future__ import annotations

from typing import TypeVar

from parley.turns import TurnTaker
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.policies.floor import FloorPolicy
from parley.turns.settings import TurnSettings

A = TypeVar("A")
BEGAN = 100.0
"""What the driver's clock shows at second 0; microphones are at media time 0 then."""


class Exact:
    """`orders` are all since the last look (`of`, `taken`)."""

    def __init__(self, settings: TurnSettings | None = None, floor: FloorPolicy | None = None) -> None:
        self.taker = TurnTaker(settings, floor)
        self.orders: list[act.Action] = []

    def tell(self, at: float, *events: ev.Event) -> list[act.Action]:
        """What is ordered because of events at a second."""
        found = [order for event in events for order in self.taker.handle(event, BEGAN + at)]
        self.orders += found
        return found

    def tick(self, at: float) -> list[act.Action]:
        return self.tell(at, ev.Tick())

    @property
    def due(self) -> float | None:
        """The second of the next deadline."""
        deadline = self.taker.next_deadline()
        return None if deadline is None else round(deadline - BEGAN, 6)

    def hear(self, to: float, who: str = "user", *, live: bool = True) -> list[act.Action]:
        """A microphone has delivered everything up to a second."""
        return self.tell(to, ev.MediaAdvanced(who, to, live))

    def speak(self, begin: float, end: float, who: str = "user") -> list[act.Action]:
        """A voice begins and ends, without a word being asked for in between."""
        return [
            *self.tell(begin, ev.VoiceStarted(who, begin)),
            *self.tell(end, ev.MediaAdvanced(who, end), ev.VoiceStopped(who, end)),
        ]

    def words(self, at: float, text: str, *, turn: int = 1, revision: int = 0, who: str = "user") -> list[act.Action]:
        """The final transcript is there, and it is no end of a sentence that anybody could judge."""
        return self.tell(
            at,
            ev.Transcribed(who, turn, revision, text, True),
            ev.EndOfSentenceScored(who, turn, text, None),
        )

    def answering(self, at: float = 0.0, *, playing: bool = True) -> str:
        """An answer that was asked for, and has begun to sound; returns its id."""
        (start,) = only(act.StartResponse, self.tell(at, ev.ResponseRequested()))
        if playing:
            self.tell(at, ev.PlayoutStarted(start.response))
        return start.response

    def of(self, kind: type[A]) -> list[A]:
        """All orders of a kind so far."""
        return only(kind, self.orders)


def only(kind: type[A], orders: list[act.Action]) -> list[A]:
    """Orders of a kind."""
    return [order for order in orders if isinstance(order, kind)]


def kinds(orders: list[act.Action]) -> list[str]:
    """What is ordered, by name."""
    return [type(order).__name__ for order in orders]
