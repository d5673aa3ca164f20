"""A driver for the turn-taker alone: carries out its orders in an imagined world and checks the invariants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from parley.turns import TurnTaker
from parley.turns import actions as act
from parley.turns import events as ev
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

    def __post_init__(self) -> None:
        self.taker = TurnTaker(self.settings)
        self.now = 100.0
        self.media = 0.0
        self.voiced = False
        self.due: list[tuple[float, ev.Event]] = []
        self.state: dict[str, str] = {}
        self.remaining: dict[str, float] = {}
        self.released: set[str] = set()
        self.ended: list[tuple[str, act.EndResponse]] = []
        self.actions: list[act.Action] = []
        self.records = [Recorded(self.now, ev.SettingsChanged(self.settings))]
        self.played_while_floor_held = 0.0
        self.stuck_s = 0.0

    def send(self, event: ev.Event) -> None:
        self.records.append(Recorded(self.now, event))
        for action in self.taker.handle(event, self.now):
            self.actions.append(action)
            self.perform(action)
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
        for response, state in list(self.state.items()):
            if state == "ready":
                self.state[response] = "playing"
                self.send(ev.PlayoutStarted(response))
            if self.state[response] == "playing":
                speaking = any(p.holds_floor and not p.closed for p in self.taker._people.values())
                if speaking and self.settings.interrupt_response:
                    self.played_while_floor_held += seconds
                self.remaining[response] -= seconds
                if self.remaining[response] <= 0:
                    self.send(ev.ResponseCompleted(response))

    def listen(self, seconds: float, *, voiced: bool) -> None:
        """The microphone delivers `seconds` of voice or silence."""
        if voiced and not self.voiced:
            self.send(ev.VoiceStarted("user", self.media))
        if not voiced and self.voiced:
            self.send(ev.VoiceStopped("user", self.media))
        self.voiced = voiced
        for _ in range(round(seconds / 0.02)):
            self.media += 0.02
            self.step()
            self.send(ev.MediaAdvanced("user", self.media))

    def fade(self) -> None:
        """The voice becomes quiet for a moment, and what was asked because of it is answered."""
        self.send(ev.VoiceFaded("user"))
        self.listen(self.asr_s + 0.08, voiced=True)

    def wait(self, seconds: float) -> None:
        """Nothing arrives from the microphone."""
        for _ in range(round(seconds / 0.02)):
            self.step()

    def of(self, kind: type[A]) -> list[A]:
        return [a for a in self.actions if isinstance(a, kind)]
