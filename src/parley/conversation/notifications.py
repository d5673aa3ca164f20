"""What a session tells the outside, free of any protocol. The transport turns these into events."""

# Above 300 lines: a list.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from parley.conversation.circle import Member
from parley.conversation.items import USER, Item
from parley.models.interfaces import Usage
from parley.turns.actions import Ending
from parley.turns.policies.floor import ASSISTANT, FloorName


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """A participant began a turn (a confirmed one, when an answer was sounding)."""

    item: str
    at_ms: int
    participant: str = USER


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The turn is over."""

    item: str
    at_ms: int
    participant: str = USER


@dataclass(frozen=True, slots=True)
class InputTaken:
    """The turn's audio became an item of the conversation."""

    item: str
    previous: str | None
    participant: str = USER


@dataclass(frozen=True, slots=True)
class InputCleared:
    """Uncommitted audio was thrown away at the client's wish."""

    participant: str = USER


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """An item entered the history."""

    item: Item
    previous: str | None


@dataclass(frozen=True, slots=True)
class ItemDone:
    """An item will not change any more (but for late truth about what was heard)."""

    item: Item
    previous: str | None


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    """An item left the history."""

    item: str


@dataclass(frozen=True, slots=True)
class ItemTruncated:
    """An answer was cut to what was heard, at the client's word."""

    item: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class HeardChanged:
    """How much of an answer was heard is known better now."""

    response: str
    item: str
    text: str
    heard_text: str
    audio_ms: int


@dataclass(frozen=True, slots=True)
class WordsSoFar:
    """What a turn that is still being spoken was understood as; its words may change."""

    item: str
    text: str
    participant: str = USER


@dataclass(frozen=True, slots=True)
class TranscriptDone:
    """The words of a spoken turn."""

    item: str
    text: str
    seconds: float
    participant: str = USER


@dataclass(frozen=True, slots=True)
class TranscriptFailed:
    """The words of a spoken turn could not be had."""

    item: str
    message: str
    participant: str = USER


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """An answer was committed."""

    response: str
    metadata: Mapping[str, str] | None = None
    out_of_band: bool = False
    shown: Any = None
    """See `ResponseOptions.shown`."""
    agent: str = ASSISTANT
    """Who gives it."""
    participant: str = USER
    """To whom."""
    listeners: tuple[str, ...] = ()
    """Those who are there to hear it."""


@dataclass(frozen=True, slots=True)
class ResponseItemStarted:
    """An item of an answer begins."""

    response: str
    index: int
    item: Item
    previous: str | None


@dataclass(frozen=True, slots=True)
class ResponseText:
    """More text of an answer; it may be ahead of the sound."""

    response: str
    item: str
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class ResponseWritten:
    """All of an answer's text is there; it may sound for long yet."""

    response: str
    item: str
    text: str


@dataclass(frozen=True, slots=True)
class ResponseWords:
    """When words of an answer sound: (end in the text, seconds from its first sample) each."""

    response: str
    item: str
    words: tuple[tuple[int, float], ...]
    estimated: bool = False
    """Whether their times are reckoned: the voice tells none."""


@dataclass(frozen=True, slots=True)
class ResponseArguments:
    """More arguments of a function call."""

    response: str
    item: str
    index: int
    call_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class ResponseItemDone:
    """An item of an answer is complete or cut."""

    response: str
    index: int
    item: Item
    previous: str | None


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """An answer is over."""

    response: str
    ending: Ending
    reason: str
    items: tuple[Item, ...]
    usage: Usage
    metadata: Mapping[str, str] | None = None
    out_of_band: bool = False


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Where the time of one answer went; `parts_ms` sum to `total_ms`: from the last voiced sample to the first frame
    sent, or, where there is a part `network`, heard."""

    response: str
    total_ms: int
    parts_ms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreparedResponse:
    """What became of an answer that was begun before its turn was over."""

    used: bool
    spent_ms: int
    """Time that was spent on it until then."""


@dataclass(frozen=True, slots=True)
class PlayoutPaused:
    """Stop playing the response at once, keep what is unplayed."""

    response: str
    item: str


@dataclass(frozen=True, slots=True)
class PlayoutResumed:
    """Go on where it stopped."""

    response: str
    item: str


@dataclass(frozen=True, slots=True)
class PlayoutFlushed:
    """Throw away what is unplayed of the response."""

    response: str
    item: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The derived state of the conversation (LISTENING, USER_SPEAKING, THINKING, SPEAKING, BARGED_IN)."""

    state: str


@dataclass(frozen=True, slots=True)
class VoiceChosen:
    """A voice was chosen that was not in memory; the one before it speaks until it is."""

    voice: str
    state: Literal["coming", "here", "failed"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class ModelKept:
    """Another model was chosen and is not to be had: the one before goes on."""

    why: str


@dataclass(frozen=True, slots=True)
class IdleTimedOut:
    """Nobody spoke for the configured time."""

    item: str
    at_ms: int
    participant: str = USER


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """Who takes part is another circle now."""

    people: tuple[str, ...]
    """Those who speak."""
    agents: tuple[str, ...]
    present: Sequence[str]
    """All connections, those that only listen too."""
    floor: FloorName
    members: tuple[Member, ...] = ()
    """The same connections, with what each is here."""


@dataclass(frozen=True, slots=True)
class RecordingChanged:
    """The conversation is recorded, or is not any more, or somebody was asked."""

    state: Mapping[str, Any]
    """As clients are shown it."""


@dataclass(frozen=True, slots=True)
class DebateChanged:
    """A debate that is held in the conversation stands otherwise now."""

    state: Mapping[str, Any]
    """As clients are shown it."""


Notification = (
    SpeechStarted | SpeechStopped | InputTaken | InputCleared | ItemAdded | ItemDone | ItemDeleted | ItemTruncated
    | HeardChanged | WordsSoFar | TranscriptDone | TranscriptFailed | ResponseStarted | ResponseItemStarted
    | ResponseText | ResponseWritten | ResponseWords | ResponseArguments | ResponseItemDone | ResponseEnded | Waterfall
    | PreparedResponse | PlayoutPaused | PlayoutResumed | PlayoutFlushed | StateChanged | ModelKept | VoiceChosen
    | IdleTimedOut | RoomChanged | DebateChanged | RecordingChanged
)  # fmt: skip
