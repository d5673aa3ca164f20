"""What the parts of the turn-taker share: its people, the time of the event that is handled, the orders so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from parley.turns import actions as act
from parley.turns.policies.busy_machine import may_look_at_words
from parley.turns.records import ParticipantRecord
from parley.turns.settings import TurnSettings


@dataclass(slots=True)
class TurnContext:
    """Owned by one `TurnTaker`; replaced by nobody."""

    settings: TurnSettings
    """Of people who come without their own."""
    now: float = 0.0
    """When the event that is being handled came, seconds on the driver's clock."""
    orders: list[act.Action] = field(default_factory=list)
    """What is to be done because of it."""
    turns: int = 0
    """How many have begun: one that comes back forms turns that have other numbers than those before."""
    people: dict[str, ParticipantRecord] = field(default_factory=dict)

    def order(self, action: act.Action) -> None:
        """Add to what is to be done."""
        self.orders.append(action)

    def person(self, name: str) -> ParticipantRecord:
        """The record of somebody, made at the first word about them."""
        if name not in self.people:
            self.people[name] = ParticipantRecord(name, self.settings, arrived=self.now)
        return self.people[name]

    def asking(self, name: str) -> ParticipantRecord:
        """The record of somebody who is to be answered; of who only listens or has left, one that is not kept."""
        return self.people.get(name) or ParticipantRecord(name, self.settings, arrived=self.now)

    @property
    def next_turn(self) -> int:
        """The number of a turn that begins."""
        self.turns += 1
        return self.turns

    def settings_of(self, name: str) -> TurnSettings:
        """How turns are taken with somebody, also with one who has left."""
        return self.people[name].settings if name in self.people else self.settings

    @property
    def holders(self) -> list[str]:
        """People who are in a turn."""
        return [p.name for p in self.people.values() if p.holds_floor]

    def announce(self, person: ParticipantRecord) -> None:
        """Tell the clients that this person has begun a turn, once."""
        if not person.announced:
            person.announced = True
            self.order(act.AnnounceSpeechStarted(person.name, person.turn, person.onset_s))

    def ask_partial(self, person: ParticipantRecord, *, urgent: bool) -> None:
        """Have the words so far looked at: `urgent` when a decision waits for them, else where there is time."""
        person.partial_asked_s = person.media_s
        every_s = person.settings.follow_every_s
        if not urgent and not may_look_at_words(person.load, self.now - person.words_looked_at, every_s=every_s):
            return  # it is asked again
        person.words_looked_at = self.now
        self.order(act.TranscribePartial(person.name, person.turn, person.revision, urgent))
