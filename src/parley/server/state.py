"""What the routes of the application share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiortc import RTCIceServer

from parley.config import Config
from parley.conversation import happenings as hp
from parley.conversation.settings import SessionSettings
from parley.errors import Overloaded
from parley.server.admission import Admission
from parley.server.metrics import Metrics
from parley.server.roster import Roster
from parley.server.security import Gate
from parley.server.tracing import Tracing
from parley.transports.pacing import Ticker


@dataclass(slots=True)
class ServerState:
    """One running server."""

    config: Config
    roster: Roster
    gate: Gate
    log_folder: Path | None = None
    tracing: Tracing | None = None
    metrics: Metrics = field(default_factory=Metrics)
    ticker: Ticker = field(default_factory=Ticker)
    started: float = field(default_factory=time.time)
    sessions: int = 0
    draining: bool = False
    calls: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """WebRTC calls that are going on."""
    admission: Admission = field(init=False)

    def __post_init__(self) -> None:
        """Judge by the limits of the configuration."""
        self.admission = Admission(self.config.max_sessions, self.config.admission_wait_s)

    @property
    def ice_servers(self) -> list[RTCIceServer]:
        """STUN and TURN servers for WebRTC."""
        return [RTCIceServer(urls=url) for url in self.config.stun_servers]

    def admit(self) -> None:
        """Let one more conversation begin; raises `Overloaded` that says why not and when to come back."""
        if self.draining:
            raise Overloaded("the server is about to stop", retry_after_s=60)
        self.admission.check(self.sessions)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Count a conversation while it goes on."""
        self.sessions += 1
        self.metrics.sessions.inc()
        try:
            yield
        finally:
            self.sessions -= 1
            self.metrics.sessions.dec()

    async def hang_up(self) -> None:
        """End all calls."""
        for task in self.calls.values():
            task.cancel()
        if self.calls:
            await asyncio.wait(list(self.calls.values()))

    def observe(self, session: str, happening: hp.Happening) -> None:
        """Count and trace what a session tells."""
        self.metrics.observe(happening)
        if self.tracing is not None:
            self.tracing.observe(session, happening)

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
            echo_cancellation=config.echo_cancellation,
            evidence_folder=config.evidence_folder,
        )
