"""What the routes of the application share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from parley.config import Config
from parley.conversation.settings import SessionSettings
from parley.server.metrics import Metrics
from parley.server.roster import Roster
from parley.server.security import Gate
from parley.transports.pacing import Ticker


@dataclass(slots=True)
class ServerState:
    """One running server."""

    config: Config
    roster: Roster
    gate: Gate
    log_folder: Path | None = None
    metrics: Metrics = field(default_factory=Metrics)
    ticker: Ticker = field(default_factory=Ticker)
    started: float = field(default_factory=time.time)
    sessions: int = 0
    draining: bool = False

    @property
    def session_settings(self) -> SessionSettings:
        """What a session starts with."""
        config = self.config
        return SessionSettings(
            instructions=config.instructions,
            language=config.language,
            greeting=config.greeting,
            temperature=config.temperature,
            longest_answer_tokens=config.max_output_tokens,
            evidence_folder=config.evidence_folder,
        )
