"""Who may speak: the floor policy. The assistant's is the first case; a debate will be another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class FloorPolicy(Protocol):
    """Decides who answers a turn and which responses may sound together."""

    def answering(self, participant: str) -> Sequence[str]:
        """Speakers that answer a turn of `participant`, in order."""

    def may_play(self, speaker: str, holders: Sequence[str], playing: Sequence[str]) -> bool:
        """Whether `speaker` may sound while `holders` speak and `playing` sound already."""


class AssistantFloor:
    """One assistant answers whoever spoke; it is silent while anybody holds the floor."""

    speaker = "assistant"

    def answering(self, participant: str) -> Sequence[str]:
        """Always the assistant."""
        return (self.speaker,)

    def may_play(self, speaker: str, holders: Sequence[str], playing: Sequence[str]) -> bool:
        """Only when nobody speaks and nothing else sounds."""
        return not holders and not playing
