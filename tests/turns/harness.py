"""A driver for the turn-taker alone: carries out its orders in an imagined world and checks the invariants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from parley.turns import TurnTaker
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.policies.busy_machine import Load
from parley.turns.policies.floor import FloorPolicy
from parley.turns.replay import Recorded
from parley.turns.settings import TurnSettings

A = TypeVar("A")


@dataclass
class World:
    """Time moves in steps of 20 ms; models answer after given delays; playout is exact."""

    settings: TurnSettings = field(default_factory=TurnSettings)
    text: str = "What time is it?"
    probability: float = 0.9
    sentence: float | None = 0.5
    silent_sentence_model: bool = False
    asr_s: float = 0.1
    answer_s: float = 0.2
    length_s: float = 2.0
    people: tuple[str, ...] = ("user",)
    floor: FloorPolicy | None = None
    load: Load = "free"

    def __post_init__(self) -> None:
        self.taker = TurnTaker(self.settings, self.floor)
        self.now = 100.0
        self.medias = dict.fromkeys(self.people, 0.0)
        self.voices = dict.fromkeys(self.people, False)
        self.away: set[str] = set()
        self.agents: dict[str, str] = {}
        self.may_interrupt: set[str] = set()
        """Whose turn began with settings that let it interrupt: they count for the turn, whatever they become."""
        self.due: list[tuple[float, ev.Event]] = []
        self.state: dict[str, str] = {}
        self.remaining: dict[str, float] = {}
        self.released: set[str] = set()
        self.ended: list[tuple[str, act.EndResponse]] = []
        self.actions: list[act.Action] = []
        self.records = [Recorded(self.now, ev.SettingsChanged(self.settings))]
        self.played_while_floor_held = 0.0
        self.most_at_once = 0

    def send(self, event: ev.Event) -> None:
        self.records.append(Recorded(self.now, event))
        before = {name for name, p in self.taker._context.people.items() if p.holds_floor}
        for action in self.taker.handle(event, self.now):
            self.actions.append(action)
            self.perform(action)
        for person in self.taker._context.people.values():
            if person.holds_floor and person.name not in before:
                (self.may_interrupt.add if person.settings.interrupt_response else self.may_interrupt.discard)(
                    person.name
                )
        deadline = self.taker.next_deadline()
        assert deadline is None or deadline > self.now, "a deadline was missed"

    def perform(self, action: act.Action) -> None:
        match action:
            case act.FinalizeTranscript() | act.TranscribePartial():
                final = isinstance(action, act.FinalizeTranscript)
                heard = ev.Transcribed(action.participant, action.turn, action.revision, self.text, final)
                self.due.append((self.now + self.asr_s, heard))
            case act.ScoreEndOfTurn():
                scored = ev.EndOfTurnScored(action.participant, action.turn, action.revision, self.probability)
                self.due.append((self.now + 0.03, scored))
            case act.ScoreEndOfSentence():
                judged = ev.EndOfSentenceScored(action.participant, action.turn, action.text, self.sentence)
                if not self.silent_sentence_model:
                    self.due.append((self.now + 0.03, judged))
            case act.StartResponse():
                assert action.response not in self.state
                self.state[action.response] = "speculative" if action.speculative else "committed"
                self.agents[action.response] = action.agent
                self.remaining[action.response] = self.length_s
                if not action.speculative:
                    self.released.add(action.response)
                self.due.append((self.now + self.answer_s, ev.PlayoutStarted(action.response)))
            case act.CommitResponse():
                assert self.state[action.response] == "speculative"
                self.state[action.response] = "committed"
                self.released.add(action.response)
            case act.PausePlayout():
                assert self.state[action.response] in ("committed", "playing")
                self.state[action.response] = "paused"
            case act.ResumePlayout():
                assert self.state[action.response] == "paused"
                started = self.remaining[action.response] < self.length_s
                self.state[action.response] = "playing" if started else "ready"
            case act.EndResponse():
                assert self.state[action.response] != "ended"
                if action.ending is act.Ending.DROPPED:
                    assert action.response not in self.released
                self.state[action.response] = "ended"
                self.ended.append((action.response, action))
            case _:
                pass

    def step(self, seconds: float = 0.02) -> None:
        """Time passes; what is due arrives; what may play plays."""
        self.now += seconds
        arrived = [e for t, e in self.due if t <= self.now]
        self.due = [(t, e) for t, e in self.due if t > self.now]
        for event in arrived:
            if isinstance(event, ev.PlayoutStarted):
                self.sound_ready(event.response)
            else:
                self.send(event)
        if (deadline := self.taker.next_deadline()) is not None and deadline <= self.now:
            self.send(ev.Tick())
        self.play(seconds)

    def sound_ready(self, response: str) -> None:
        if self.state[response] == "committed":
            self.state[response] = "ready"
        elif self.state[response] in ("speculative", "paused"):
            self.due.append((self.now + 0.02, ev.PlayoutStarted(response)))

    def play(self, seconds: float) -> None:
        self.most_at_once = max(self.most_at_once, list(self.state.values()).count("playing"))
        for response, state in list(self.state.items()):
            if state == "ready":
                self.state[response] = "playing"
                self.send(ev.PlayoutStarted(response))
            if self.state[response] == "playing":
                people = self.taker._context.people.values()
                if any(p.holds_floor and not p.closed and p.name in self.may_interrupt for p in people):
                    self.played_while_floor_held += seconds
                self.remaining[response] -= seconds
                if self.remaining[response] <= 0:
                    self.send(ev.ResponseCompleted(response))

    def leave(self, who: str) -> None:
        """Somebody takes part no more."""
        self.people = tuple(name for name in self.people if name != who)
        self.away.add(who)
        self.send(ev.ParticipantLeft(who))

    def enter(self, who: str) -> None:
        """He is back, with another microphone."""
        self.away.discard(who)
        self.people = (*self.people, who)
        self.medias[who], self.voices[who] = 0.0, False
        self.send(ev.ParticipantEntered(who))

    @property
    def media(self) -> float:
        """Media time of the first microphone."""
        return self.medias[self.people[0]]

    def voice(self, who: str, *, voiced: bool) -> None:
        """Somebody begins to speak or stops."""
        if voiced and not self.voices[who]:
            self.send(ev.VoiceStarted(who, self.medias[who]))
        if not voiced and self.voices[who]:
            self.send(ev.VoiceStopped(who, self.medias[who]))
        self.voices[who] = voiced

    def go_on(self, seconds: float) -> None:
        """All microphones deliver what they did."""
        for _ in range(round(seconds / 0.02)):
            self.step()
            for who in self.people:
                self.medias[who] += 0.02
                self.send(ev.MediaAdvanced(who, self.medias[who], load=self.load))

    def listen(self, seconds: float, *, voiced: bool, who: str | None = None) -> None:
        """The microphone of `who` (of the first one) delivers `seconds` of voice or silence."""
        self.voice(who or self.people[0], voiced=voiced)
        self.go_on(seconds)

    def fade(self) -> None:
        """The voice becomes quiet for a moment, and what was asked because of it is answered."""
        self.send(ev.VoiceFaded(self.people[0]))
        self.listen(self.asr_s + 0.08, voiced=True)

    def wait(self, seconds: float) -> None:
        """Nothing arrives from the microphone."""
        for _ in range(round(seconds / 0.02)):
            self.step()

    def of(self, kind: type[A]) -> list[A]:
        return [a for a in self.actions if isinstance(a, kind)]
