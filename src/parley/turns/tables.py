"""The transition tables of turn-taking: all states and every legal step between them.

House rules: a state changes only through `step`, which raises `IllegalTransition` for a pair that is not
listed and leaves the state untouched. The diagrams in the documentation are drawn from these tables.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeVar


class Speech(Enum):
    """What one participant's voice does."""

    SILENT = "silent"
    SPEAKING = "speaking"
    PAUSING = "pausing"
    CLOSED = "closed"
    """The turn is over by decree (push to talk, a microphone that went away): only its words are awaited."""


class Response(Enum):
    """Where one response is."""

    SPECULATIVE = "speculative"
    COMMITTED = "committed"
    PLAYING = "playing"
    PAUSED = "paused"
    ENDED = "ended"


class Holder(Enum):
    """Who has the floor."""

    NOBODY = "nobody"
    PERSON = "person"
    AGENT = "agent"
    CONTESTED = "contested"
    """Somebody speaks over an answer, and it is not decided yet whether that takes the floor."""


SPEECH: dict[tuple[Enum, str], Speech] = {
    (Speech.SILENT, "voice started"): Speech.SPEAKING,
    (Speech.SPEAKING, "voice stopped"): Speech.PAUSING,
    (Speech.PAUSING, "voice started"): Speech.SPEAKING,
    (Speech.PAUSING, "turn committed"): Speech.SILENT,
    (Speech.PAUSING, "turn discarded"): Speech.SILENT,
    (Speech.SPEAKING, "turn discarded"): Speech.SILENT,
    (Speech.SILENT, "input committed"): Speech.CLOSED,
    (Speech.SPEAKING, "input committed"): Speech.CLOSED,
    (Speech.PAUSING, "input committed"): Speech.CLOSED,
    (Speech.SPEAKING, "media lost"): Speech.CLOSED,
    (Speech.PAUSING, "media lost"): Speech.CLOSED,
    (Speech.CLOSED, "turn committed"): Speech.SILENT,
    (Speech.CLOSED, "turn discarded"): Speech.SILENT,
}

RESPONSE: dict[tuple[Enum, str], Response] = {
    (Response.SPECULATIVE, "turn committed"): Response.COMMITTED,
    (Response.SPECULATIVE, "user went on"): Response.ENDED,
    (Response.SPECULATIVE, "failed"): Response.ENDED,
    (Response.COMMITTED, "first frame"): Response.PLAYING,
    (Response.COMMITTED, "voice over it"): Response.PAUSED,
    (Response.COMMITTED, "completed"): Response.ENDED,
    (Response.COMMITTED, "cut"): Response.ENDED,
    (Response.COMMITTED, "failed"): Response.ENDED,
    (Response.PLAYING, "voice over it"): Response.PAUSED,
    (Response.PLAYING, "completed"): Response.ENDED,
    (Response.PLAYING, "cut"): Response.ENDED,
    (Response.PLAYING, "failed"): Response.ENDED,
    (Response.PAUSED, "resumed audible"): Response.PLAYING,
    (Response.PAUSED, "resumed unheard"): Response.COMMITTED,
    (Response.PAUSED, "cut"): Response.ENDED,
    (Response.PAUSED, "completed"): Response.ENDED,
    (Response.PAUSED, "failed"): Response.ENDED,
}

FLOOR: dict[tuple[Enum, str], Holder] = {
    (Holder.NOBODY, "person speaks"): Holder.PERSON,
    (Holder.NOBODY, "agent answers"): Holder.AGENT,
    (Holder.PERSON, "agent answers"): Holder.AGENT,
    (Holder.PERSON, "spoken over"): Holder.CONTESTED,
    (Holder.PERSON, "all silent"): Holder.NOBODY,
    (Holder.AGENT, "person speaks"): Holder.PERSON,
    (Holder.AGENT, "spoken over"): Holder.CONTESTED,
    (Holder.AGENT, "all silent"): Holder.NOBODY,
    (Holder.CONTESTED, "person speaks"): Holder.PERSON,
    (Holder.CONTESTED, "agent answers"): Holder.AGENT,
    (Holder.CONTESTED, "all silent"): Holder.NOBODY,
}


class IllegalTransition(RuntimeError):
    """A step that the tables do not list: a fault in the turn-taker, never of its caller."""


State = TypeVar("State", bound=Enum)


def step(table: dict[tuple[Enum, str], State], state: State, cause: str) -> State:
    """Return the state that follows, or raise `IllegalTransition`."""
    try:
        return table[state, cause]
    except KeyError:
        raise IllegalTransition(f"state '{state.value}' does not know '{cause}'") from None
