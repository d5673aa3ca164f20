"""What happened: the inputs of the turn-taker. Past facts, immutable.

Two clocks. `at`, `to` are *media time* of that participant (seconds of audio received so far); the `now`
that accompanies an event is the driver's monotonic clock. Silence is judged in media time only.
"""

from __future__ import annotations

from dataclasses import dataclass

from parley.turns.policies.busy_machine import Load
from parley.turns.policies.floor import FloorName
from parley.turns.settings import TurnSettings


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """The participant's voice became active."""

    participant: str
    at: float
    """Media time of the first voiced sample, seconds."""
    below_own_db: float | None = None
    """How much quieter it is than this participant's voice was; None where that is not known."""
    echo_likeness: float | None = None
    """How alike it is to what the answers' sound was, 0 to 1; None where nothing was played or nobody can tell."""
    usual_likeness: float | None = None
    """What that has been of the echoes in this room; None where they are too few to tell."""


@dataclass(frozen=True, slots=True)
class VoiceFaded:
    """The participant's voice became quiet: it may be about to stop, or between two sounds."""

    participant: str


@dataclass(frozen=True, slots=True)
class VoiceStopped:
    """The participant's voice ceased."""

    participant: str
    at: float
    """Media time of the last voiced sample, seconds (energy-refined, so earlier than the detection)."""


@dataclass(frozen=True, slots=True)
class MediaAdvanced:
    """Audio has been examined up to a media time."""

    participant: str
    to: float
    live: bool = True
    """False while older audio is still queued: a file appended at once, a burst after a stall."""
    load: Load = "free"
    """How busy the machine is with others."""


@dataclass(frozen=True, slots=True)
class EndOfTurnScored:
    """A turn model judged the audio so far."""

    participant: str
    turn: int
    revision: int
    probability: float
    """That the speaker is finished, 0 to 1."""


@dataclass(frozen=True, slots=True)
class EndOfSentenceScored:
    """A language model judged the words; None when there is no such model for the language, or it failed."""

    participant: str
    turn: int
    text: str
    """The words that were judged: others may have been understood meanwhile."""
    probability: float | None
    """That nothing follows them, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The recogniser's words for the turn so far."""

    participant: str
    turn: int
    revision: int
    text: str
    final: bool
    """True for the answer to `FinalizeTranscript`, False for a partial."""
    lost: bool = False
    """Whether the recogniser failed: the text is empty because nobody knows it."""
    finished: float | None = None
    """Probability that the speaker is finished, by how he sounded to the recogniser, where it tells."""


@dataclass(frozen=True, slots=True)
class InputCommitted:
    """The client says that the participant's turn is over (push to talk)."""

    participant: str


@dataclass(frozen=True, slots=True)
class InputCleared:
    """The client threw the uncommitted audio away."""

    participant: str


@dataclass(frozen=True, slots=True)
class ResponseRequested:
    """An answer was asked for by other means than speech: typed text, a tool's result, a greeting."""

    participant: str = "user"
    agents: tuple[str, ...] | None = None
    """Who is to answer; None: whoever answers this participant."""
    request: int = 0
    """The driver's number of what it is asked for with; 0: nothing in particular."""
    yields: bool = False
    """Whether another request that waits already does as well: its answer is one to this, too."""
    ahead: bool = False
    """Whether it is made while somebody sounds, so that it is there when that is over."""
    gap_s: float = 0.0
    """How long nobody is to have sounded before it does, seconds."""


@dataclass(frozen=True, slots=True)
class RequestWithdrawn:
    """What was asked for is not wanted any more, unless it is given already."""

    request: int


@dataclass(frozen=True, slots=True)
class ResponseCancelled:
    """The client cancelled one response, or all (None)."""

    response: str | None = None


@dataclass(frozen=True, slots=True)
class PlayoutStarted:
    """The first frame of a response left."""

    response: str


@dataclass(frozen=True, slots=True)
class PlayoutStarved:
    """A response that is not complete has nothing to play."""

    response: str


@dataclass(frozen=True, slots=True)
class PlayoutFed:
    """A starved response has audio again."""

    response: str


@dataclass(frozen=True, slots=True)
class ResponseProgressed:
    """The model behind a response is at work: something of it arrived, to be heard or not."""

    response: str


@dataclass(frozen=True, slots=True)
class TextAwaited:
    """The voice of a response has said all that is written (`awaited`), or has something to say again."""

    response: str
    awaited: bool


@dataclass(frozen=True, slots=True)
class ResponseCompleted:
    """Everything of a response was produced and, if audible, played."""

    response: str


@dataclass(frozen=True, slots=True)
class ResponseFailed:
    """A response cannot go on."""

    response: str
    reason: str


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Turn-taking settings were replaced."""

    settings: TurnSettings
    participant: str | None = None
    """Whose own; None: of everybody who has none of his own, also of those who are yet to come."""


@dataclass(frozen=True, slots=True)
class AgentsChanged:
    """From now on these agents answer."""

    agents: tuple[str, ...]
    floor: FloorName
    """Who of them answers whom, see `policies/floor.py`."""


@dataclass(frozen=True, slots=True)
class ParticipantEntered:
    """Somebody takes part from now on."""

    participant: str


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    """Somebody takes part no more: the turn that he was forming is none, nobody answers him any more."""

    participant: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A deadline that the turn-taker named has come."""


Event = (
    VoiceStarted
    | VoiceFaded
    | VoiceStopped
    | MediaAdvanced
    | EndOfTurnScored
    | EndOfSentenceScored
    | Transcribed
    | InputCommitted
    | InputCleared
    | ResponseRequested
    | RequestWithdrawn
    | ResponseCancelled
    | PlayoutStarted
    | PlayoutStarved
    | PlayoutFed
    | ResponseProgressed
    | TextAwaited
    | ResponseCompleted
    | ResponseFailed
    | SettingsChanged
    | AgentsChanged
    | ParticipantEntered
    | ParticipantLeft
    | Tick
)
