"""What the turn-taker remembers of each participant and each response."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from parley.turns.policies.busy_machine import Load
from parley.turns.policies.endpointing import Evidence, grace_after_s, had_not_finished
from parley.turns.settings import TurnSettings
from parley.turns.tables import RESPONSE, SPEECH, Response, Speech, step


@dataclass(frozen=True, slots=True)
class EarlierTurn:
    """One that is over."""

    turn: int
    onset_s: float
    last_voiced_s: float
    hesitated: bool = False
    """Whether the last voice was no word: a hesitation over the answer, which came too early."""


@dataclass(slots=True)
class ParticipantRecord:
    """One participant's voice and the turn that it is forming."""

    name: str
    settings: TurnSettings
    has_own_settings: bool = False
    speech: Speech = Speech.SILENT
    turn: int = 0
    revision: int = 0
    """Grows whenever the speaker goes on after a pause; results of older revisions are stale."""
    media_s: float = 0.0
    arrived: float = 0.0
    """Wall time of the last media."""
    live: bool = True
    load: Load = "free"
    """How busy the machine was when it came."""
    words_looked_at: float = 0.0
    """Wall time at which the words were last asked for."""
    onset_s: float = 0.0
    last_voiced_s: float = 0.0
    scores: list[float] = field(default_factory=list)
    """The turn model's verdicts on this pause."""
    heard_finished: float | None = None
    """The recogniser's verdict on it."""
    transcript: str | None = None
    lost: bool = False
    """Whether the words of this pause could not be had; the transcript is empty then."""
    scored_text: str | None = None
    """The words of this turn that were last given to the sentence model."""
    sentence_end_probability: float | None = None
    """Probability that they can end there."""
    sentence_end_asked: float | None = None
    """Wall time at which that was asked; None when nothing is awaited."""
    prepared: str | None = None
    """The words that an answer was last prepared for: one that failed is not tried again before the commit."""
    partial: str = ""
    partial_asked_s: float | None = None
    looked_at_fade: bool = False
    """Whether the words were last looked at because the voice faded: not in the middle of one of them."""
    final_asked: float | None = None
    """Wall time at which the final transcript of this revision was asked for."""
    scores_asked: int = 0
    pause_before_s: float = 0.0
    """Between the last turn and this one."""
    committed: EarlierTurn | None = None
    """The turn that was committed last."""
    unfinished: EarlierTurn | None = None
    """The one that this turn seems to go on: it began so soon over its answer. Words of this turn are to say so."""
    grace_s: float = 0.0
    """Silence owed to a speaker who was answered too early; it fades from turn to turn."""
    announced: bool = False
    interrupted: bool = False
    """This turn cut an answer off."""
    paused_responses: list[str] = field(default_factory=list)
    """Responses that are paused because of this speech and await the verdict."""
    talked_with: str | None = None
    """The agent that answered last."""
    reply_due: bool = False
    """A committed turn is unanswered because older audio is still queued."""

    @property
    def holds_floor(self) -> bool:
        """Whether this participant is in a turn."""
        return self.speech is not Speech.SILENT

    @property
    def closed(self) -> bool:
        """Whether the turn is over whatever comes."""
        return self.speech is Speech.CLOSED

    @property
    def awaits_verdict(self) -> bool:
        """Whether the voice is silent and what that means is not decided, or its words are not known."""
        return self.speech in (Speech.PAUSING, Speech.CLOSED)

    @property
    def anticipates(self) -> bool:
        """Whether answers are prepared while this person still speaks."""
        return self.settings.mode == "semantic" and self.settings.anticipate

    @property
    def silence_s(self) -> float:
        """Seconds of media since the last voiced sample, while pausing."""
        return max(0.0, self.media_s - self.last_voiced_s)

    @property
    def voiced_s(self) -> float:
        """Seconds from the first voiced sample to the last (or to now, while speaking)."""
        end = self.media_s if self.speech is Speech.SPEAKING else self.last_voiced_s
        return max(0.0, end - self.onset_s)

    @property
    def evidence(self) -> Evidence:
        """For the endpointing policy."""
        last = self.scores[-1] if self.scores else None
        return Evidence(last, self.transcript, self.sentence_end_probability, self.grace_s, self.heard_finished)

    def step(self, cause: str) -> None:
        """Move in the speech table."""
        self.speech = step(SPEECH, self.speech, cause)

    def begin_turn(self, at: float, number: int) -> None:
        """Reset everything that belongs to one turn."""
        self.turn = number
        self.revision = 0
        self.pause_before_s = at - self.last_voiced_s
        self.onset_s = self.last_voiced_s = at
        self.announced = False
        self.interrupted = False
        self.unfinished = None
        self.paused_responses = []
        self.partial = ""
        self.partial_asked_s = None
        self.looked_at_fade = False
        self.prepared = None
        self.scored_text = self.sentence_end_probability = self.sentence_end_asked = None
        self.forget_pause()

    def interrupt(self) -> None:
        """This turn cuts an answer off: perhaps the answer came too early."""
        self.interrupted = True
        if self.unfinished is not None or had_not_finished(self.pause_before_s):
            self.grace_s = max(self.grace_s, grace_after_s(self.pause_before_s))

    def hesitate(self) -> None:
        """Nothing was said by who had not finished yet: he has not now, and his pause begins anew, once."""
        if self.unfinished is not None and not self.unfinished.hesitated:
            self.committed = replace(self.unfinished, last_voiced_s=self.last_voiced_s, hesitated=True)

    def take_up(self, earlier: EarlierTurn) -> None:
        """This turn began with the earlier one: what is known of its words is not all of them."""
        self.unfinished = self.prepared = None
        self.partial = ""
        self.onset_s = earlier.onset_s
        self.revision += 1
        self.forget_pause()

    def forget_pause(self) -> None:
        """Reset everything that belongs to one pause."""
        self.scores = []
        self.heard_finished = None
        self.transcript = None
        self.lost = False
        self.final_asked = None
        self.scores_asked = 0

    def is_current(self, turn: int, revision: int) -> bool:
        """Whether a result belongs to the pause or speech that is running."""
        return self.holds_floor and turn == self.turn and revision == self.revision


@dataclass(slots=True)
class ResponseRecord:
    """One response on its way."""

    id: str
    agent: str
    """Who gives it."""
    participant: str
    """To whom."""
    turn: int | None
    transcript: str
    """What it answers, as far as it was understood when it was started."""
    state: Response
    since: float
    """Wall time of its commit (of its start, while speculative)."""
    request: int = 0
    """The driver's number of what it was asked for with; 0: nothing in particular."""
    progressed_at: float = 0.0
    """When its model last gave a sign of life."""
    heard_since: float | None = None
    """Wall time at which its first sound left."""
    starved_since: float | None = None
    awaits_text: bool = False
    """Whether its voice has said all that is written."""
    voice_since: float = 0.0
    """When the voice was last given something to say after it had nothing."""
    revivals: int = 0
    """How often it was begun anew where it broke off."""
    revived_at: float | None = None
    """When that was, while nothing has come of it."""

    def step(self, cause: str) -> None:
        """Move in the response table."""
        self.state = step(RESPONSE, self.state, cause)

    @property
    def active(self) -> bool:
        """Committed and not ended."""
        return self.state in (Response.COMMITTED, Response.PLAYING, Response.PAUSED)
