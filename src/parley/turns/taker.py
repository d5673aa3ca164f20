"""The turn-taker: who has the floor, when a turn is over, what becomes of an interrupted answer.

House rules: `handle` is the only way in and the list it returns the only way out; the same events at the
same times always give the same actions. Silence is judged in media time; wall time serves only to notice
that something never came (media, a transcript, a first frame). States move in `tables.py` alone; policies
(`policies/`) give verdicts and keep no state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Action
from parley.turns.context import TurnContext
from parley.turns.floor import Floor
from parley.turns.overlap import Overlap
from parley.turns.policies.floor import FLOORS, AddressedFloor, FloorPolicy
from parley.turns.records import ParticipantRecord
from parley.turns.responses import Deadline, Responses
from parley.turns.settings import TurnSettings
from parley.turns.speech import SpeechRules
from parley.turns.tables import Holder, Response, Speech


@dataclass(frozen=True, slots=True)
class _Asked:
    """What may still be answered about somebody's turn."""

    turn: int
    revision: int | None
    """None: the turn is over."""
    scored_text: str | None


@dataclass(frozen=True, slots=True)
class Awaited:
    """Which answers to questions would still be looked at. A snapshot: any thread may ask it."""

    people: Mapping[str, _Asked] = field(default_factory=dict)

    def awaits(self, order: act.Question) -> bool:
        """Whether the answer to a question that was ordered would still be looked at."""
        asked = self.people.get(order.participant)
        if asked is None or asked.turn != order.turn:
            return False
        if isinstance(order, act.ScoreEndOfSentence):
            return asked.scored_text == order.text
        return asked.revision == order.revision


class TurnTaker:
    """Decides about turns; see the module docstring for how to drive it."""

    def __init__(self, settings: TurnSettings | None = None, floor: FloorPolicy | None = None) -> None:
        self._context = TurnContext(settings or TurnSettings())
        self._responses = Responses(self._context, self._response_ended)
        self._floor = Floor(self._context, self._responses, floor or AddressedFloor())
        self._overlap = Overlap(self._context, self._responses, self._floor)
        self._speech = SpeechRules(self._context, self._responses, self._floor, self._overlap)
        self.awaited = Awaited()
        """As of the last event."""
        self._rules: dict[type, Callable[[Any], None]] = {
            ev.VoiceStarted: self._speech.voice_started,
            ev.VoiceFaded: self._speech.voice_faded,
            ev.VoiceStopped: self._speech.voice_stopped,
            ev.MediaAdvanced: self._speech.media_advanced,
            ev.EndOfTurnScored: self._speech.scored,
            ev.EndOfSentenceScored: self._speech.sentence_scored,
            ev.Transcribed: self._speech.transcribed,
            ev.InputCommitted: self._speech.input_committed,
            ev.InputCleared: lambda event: self._speech.input_cleared(event.participant),
            ev.ResponseRequested: self._response_requested,
            ev.RequestWithdrawn: lambda event: self._floor.withdraw(event.request),
            ev.ResponseCancelled: self._response_cancelled,
            ev.PlayoutStarted: self._responses.playout_started,
            ev.PlayoutStarved: self._responses.starved,
            ev.PlayoutFed: self._responses.fed,
            ev.ResponseProgressed: self._responses.progressed,
            ev.TextAwaited: self._responses.text_awaited,
            ev.ResponseCompleted: self._responses.completed,
            ev.ResponseFailed: self._responses.failed,
            ev.SettingsChanged: self._settings_changed,
            ev.AgentsChanged: self._agents_changed,
            ev.ParticipantEntered: self._participant_entered,
            ev.ParticipantLeft: self._participant_left,
            ev.Tick: lambda _: None,
        }

    def handle(self, event: ev.Event, now: float) -> list[Action]:
        """Take one event; return what to do, in order. `now` is the driver's monotonic clock, seconds."""
        self._context.now = max(now, self._context.now)
        orders = self._context.orders = []
        self._rules[type(event)](event)
        self._expire()
        self._floor.start_waiting()
        self._floor.settle()
        self.awaited = Awaited({name: _asked(person) for name, person in self._context.people.items()})
        return orders

    def next_deadline(self) -> float | None:
        """When to send `Tick` if nothing happens before; None when nothing is awaited."""
        return min((at for at, _ in self._deadlines()), default=None)

    @property
    def view(self) -> str:
        """One word for logs, page and protocol: who is doing what."""
        match self._floor.holder:
            case Holder.CONTESTED:
                return "BARGED_IN"
            case Holder.PERSON:
                return "USER_SPEAKING"
            case Holder.AGENT:
                return "SPEAKING" if Response.PLAYING in self._responses.states else "THINKING"
            case _:
                return "LISTENING"

    @property
    def awaits_verdict(self) -> bool:
        """Whether somebody has stopped speaking and it is not decided yet what that means."""
        return any(p.awaits_verdict for p in self._context.people.values())

    @property
    def hears_voice(self) -> bool:
        """Whether somebody speaks right now."""
        return any(p.speech is Speech.SPEAKING for p in self._context.people.values())

    @property
    def active_responses(self) -> list[str]:
        """Committed responses that have not ended."""
        return [r.id for r in self._responses.active]

    def answerer(self, participant: str, said: str) -> str | None:
        """Who would be the first to answer these words of a participant; None: nobody."""
        person = self._context.asking(participant)
        return next(iter(self._floor.answering(person, said)), None)

    def adjust(self, change: Callable[[TurnSettings], TurnSettings]) -> None:
        """Change everybody's settings without any consequence, for `replay`."""
        self._context.settings = change(self._context.settings)
        for person in self._context.people.values():
            person.settings = change(person.settings)

    # -- settings and responses -----------------------------------------------------------------------

    def _settings_changed(self, event: ev.SettingsChanged) -> None:
        if event.participant is None:
            self._context.settings = event.settings
            people = [p for p in self._context.people.values() if not p.has_own_settings]
        else:
            people = [self._context.person(event.participant)]
            people[0].has_own_settings = True
        for person in people:
            person.settings = event.settings
            if person.holds_floor and not person.closed and event.settings.mode == "manual":
                self._speech.input_cleared(person.name)

    def _agents_changed(self, event: ev.AgentsChanged) -> None:
        """Who is no more among them answers nobody; what he says already he says to its end."""
        self._floor.follow(FLOORS[event.floor](event.agents), event.agents)

    def _participant_entered(self, event: ev.ParticipantEntered) -> None:
        self._context.person(event.participant)

    def _participant_left(self, event: ev.ParticipantLeft) -> None:
        self._speech.input_cleared(event.participant)
        self._responses.drop_speculations(event.participant)
        self._floor.forget(event.participant)
        del self._context.people[event.participant]

    def _response_requested(self, event: ev.ResponseRequested) -> None:
        agents = None if event.agents is None else list(event.agents)
        self._floor.ask(
            event.participant, None, agents, event.request, yields=event.yields, ahead=event.ahead, gap_s=event.gap_s
        )

    def _response_cancelled(self, event: ev.ResponseCancelled) -> None:
        self._responses.cancelled(event)
        if event.response is None:
            self._floor.forget_all()

    def _response_ended(self, response: str) -> None:
        self._overlap.response_ended(response)
        if not self._responses:
            self._floor.idle_since = self._context.now

    # -- deadlines ------------------------------------------------------------------------------------

    def _deadlines(self) -> list[Deadline]:
        """Every wait that must not last for ever, with what follows when it does."""
        found = [due for person in self._context.people.values() for due in self._deadlines_of(person)]
        found += self._responses.deadlines() + self._floor.deadlines()
        idle_s = self._context.settings.idle_timeout_s
        if idle_s is not None and self._floor.idle_since is not None:
            found.append((self._floor.idle_since + idle_s, self._floor.speak_up))
        return found

    def _deadlines_of(self, person: ParticipantRecord) -> list[Deadline]:
        settings = person.settings
        found: list[Deadline] = []
        if person.holds_floor and not person.closed:
            found.append((person.arrived + settings.media_timeout_s, partial(self._speech.media_lost, person)))
        if not person.awaits_verdict:
            return found
        if person.transcript is None and person.final_asked is not None:
            long_s = person.voiced_s * settings.transcript_share
            at = person.final_asked + settings.transcript_timeout_s + long_s
            found.append((at, partial(self._speech.transcript_lost, person)))
        if person.sentence_end_asked is not None:
            at = person.sentence_end_asked + settings.sentence_timeout_s
            found.append((at, partial(self._speech.sentence_lost, person)))
        return found

    def _expire(self) -> None:
        for at, rule in self._deadlines():
            if at <= self._context.now:
                rule()


def _asked(person: ParticipantRecord) -> _Asked:
    return _Asked(person.turn, person.revision if person.holds_floor else None, person.scored_text)
