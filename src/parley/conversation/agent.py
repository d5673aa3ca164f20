"""One who answers: a persona, and the engine and the voice that it speaks through."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from parley.conversation.settings import SessionModels, SessionSettings
from parley.turns.policies.floor import ASSISTANT


@dataclass(frozen=True, slots=True)
class Persona:
    """What is an agent's own; None: as the conversation's settings say."""

    name: str = ASSISTANT
    instructions: str | None = None
    engine: str | None = None
    """One of `SessionModels.engines`."""
    voice: str | None = None
    """One of `SessionModels.voices`."""
    speed: float | None = None
    emotion: str | None = None
    memory_tokens: int | None = None
    """Most of the conversation that it has in mind when it answers; of what was before that there are no notes then."""

    def over(self, settings: SessionSettings) -> SessionSettings:
        """The settings that its answers go by."""
        own: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "name"}
        return replace(settings, **{name: value for name, value in own.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Agent:
    """A persona with what follows from it; made anew when the conversation's settings change."""

    persona: Persona
    settings: SessionSettings
    models: SessionModels

    @property
    def name(self) -> str:
        """By which people call it."""
        return self.persona.name
