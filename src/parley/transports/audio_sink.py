"""How an answer's sound reaches the client: as events, binary messages, or on a media track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from parley.audio.pcm import Int16
from parley.conversation.output.playout import PlayoutFrame
from parley.realtime.session_object import WireFormat


@dataclass(frozen=True, slots=True)
class AudioTarget:
    """Where a response's sound belongs."""

    response: str
    item: str
    index: int
    wire: WireFormat
    place: float = 0.0
    """Where its speaker is heard, -1 (left) to 1 (right)."""


class AudioSink(Protocol):
    """Carries the sound of one connection."""

    reports: bool
    """Whether such a client can say what it has played."""

    def deliver(self, frame: PlayoutFrame, target: AudioTarget) -> None:
        """20 ms of an answer, when they are due."""

    def all_sent(self, target: AudioTarget) -> None:
        """Everything of an answer was delivered."""

    def flushed(self) -> None:
        """The answer was cut: what the client has of it is not to be heard."""

    def overhear(self, name: str, samples: Int16, rate_hz: int) -> None:
        """Somebody else of the conversation says something."""

    def finished(self) -> None:
        """The answer that was delivered last was played to its end."""
