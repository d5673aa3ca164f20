"""What the turn-taker remembers of each participant and each response."""

from __future__ import annotations

from dataclasses import dataclass, field

from parley.turns.endpointing import Evidence, patience_after_s
from parley.turns.tables import RESPONSE, SPEECH, Response, Speech, step


@dataclass(slots=True)
class ParticipantRecord:
    """One participant's voice and the turn that it is forming."""

    name: str
    speech: Speech = Speech.SILENT
    turn: int = 0
    revision: int = 0
    """Grows whenever the speaker goes on after a pause; results of older revisions are stale."""
    media_s: float = 0.0
    arrived: float = 0.0
    """Wall time of the last media."""
    live: bool = True
    onset_s: float = 0.0
    last_voiced_s: float = 0.0
    scores: list[float] = field(default_factory=list)
    """The turn model's verdicts on this pause."""
    transcript: str | None = None
    lost: bool = False
    """Whether the words of this pause could not be had; the transcript is empty then."""
    judged: str | None = None
    """The words of this turn that were last given to the sentence model."""
    sentence: float | None = None
    """Probability that they can end there."""
    sentence_asked: float | None = None
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
    pauses_s: list[float] = field(default_factory=list)
    pause_before_s: float = 0.0
    """Between the last turn and this one."""
    patience_s: float = 0.0
    """Silence owed to a speaker who was answered too early; it fades from turn to turn."""
    closed: bool = False
    """The pause is over by decree: push to talk, or a microphone that went away."""
    announced: bool = False
    interrupted: bool = False
    """This turn cut an answer off."""
    over: list[str] = field(default_factory=list)
    """Responses that are paused because of this speech and await the verdict."""
    reply_due: bool = False
    """A committed turn is unanswered because older audio is still queued."""

    @property
    def holds_floor(self) -> bool:
        """Whether this participant is in a turn."""
        return self.speech is not Speech.SILENT

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
        mean = sum(self.scores) / len(self.scores) if self.scores else None
        return Evidence(mean, self.transcript, self.sentence, tuple(self.pauses_s), self.patience_s)

    def step(self, cause: str) -> None:
        """Move in the speech table."""
        self.speech = step(SPEECH, self.speech, cause)

    def begin_turn(self, at: float) -> None:
        """Reset everything that belongs to one turn."""
        self.turn += 1
        self.revision = 0
        self.pause_before_s = at - self.last_voiced_s
        self.onset_s = self.last_voiced_s = at
        self.announced = False
        self.closed = False
        self.interrupted = False
        self.over = []
        self.partial = ""
        self.partial_asked_s = None
        self.looked_at_fade = False
        self.prepared = None
        self.judged = self.sentence = self.sentence_asked = None
        self.forget_pause()

    def interrupt(self) -> None:
        """This turn cuts an answer off: perhaps the answer came too early."""
        self.interrupted = True
        self.patience_s = max(self.patience_s, patience_after_s(self.pause_before_s))

    def forget_pause(self) -> None:
        """Reset everything that belongs to one pause."""
        self.scores = []
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
    speaker: str
    participant: str
    turn: int | None
    transcript: str
    """What it answers, as far as it was understood when it was started."""
    state: Response
    since: float
    """Wall time of its commit (of its start, while speculative)."""
    progressed_at: float = 0.0
    """When its model last gave a sign of life."""
    heard_any: bool = False
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
