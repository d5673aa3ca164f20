"""What the routes of the application share."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import structlog
from aiortc import RTCIceServer

from parley.config import Config
from parley.conversation import happenings as hp
from parley.conversation.session import Session
from parley.conversation.settings import SessionSettings
from parley.errors import Overloaded
from parley.realtime.session_object import RealtimeSession
from parley.server.admission import Admission
from parley.server.metrics import Metrics
from parley.server.rest import is_loopback
from parley.server.resumption import Kept, Resumption
from parley.server.roster import Roster
from parley.server.runpod import Pod
from parley.server.security import Gate
from parley.server.tracing import Tracing
from parley.server.uploads import Uploads
from parley.transports.bridge import Resume
from parley.transports.pacing import Ticker

log = structlog.get_logger("server")

_TURN_S = 3600
_LOOK_S = 0.05
_GOODBYE_S = 3.0


def turn_credentials(secret: str, now: float | None = None) -> dict[str, str]:
    """Time-limited TURN credentials, as coturn's ``use-auth-secret`` checks them (the TURN REST API draft)."""
    username = f"{int((time.time() if now is None else now) + _TURN_S)}:parley"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return {"username": username, "credential": base64.b64encode(digest).decode()}


def credentials_of(config: Config) -> dict[str, str]:
    """Those for the TURN servers that are configured; none where they need none."""
    return turn_credentials(config.turn_secret.get_secret_value()) if config.turn_secret else {}


class Resumable(Protocol):
    """A connection whose conversation may outlive it."""

    @property
    def session(self) -> Session:
        """The conversation."""

    @property
    def shown(self) -> RealtimeSession:
        """The session object as it stands."""

    @property
    def lost(self) -> bool:
        """Whether it ended without the client's word."""

    def supersede(self) -> None:
        """End it: the client has come back by another one."""

    def server_stops(self) -> None:
        """End it, and tell the client why."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a conversation begins with."""

    shown: RealtimeSession
    kept: Kept | None
    """What it goes on from, if its client has returned with a token."""
    owner: str
    """Who holds its token: nobody else takes it up again."""
    address: str


@dataclass(slots=True)
class ServerState:
    """One running server."""

    config: Config
    roster: Roster
    gate: Gate
    log_folder: Path | None = None
    tracing: Tracing | None = None
    pod: Pod | None = None
    metrics: Metrics = field(default_factory=Metrics)
    ticker: Ticker = field(default_factory=Ticker)
    uploads: Uploads = field(default_factory=Uploads)
    started: float = field(default_factory=time.time)
    sessions: int = 0
    draining: bool = False
    calls: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """WebRTC calls that are going on."""
    _connections: set[Resumable] = field(default_factory=set)
    _one_left: asyncio.Event = field(default_factory=asyncio.Event)
    admission: Admission = field(init=False)
    _of_address: Counter[str] = field(default_factory=Counter)
    resumption: Resumption = field(default_factory=Resumption)

    def __post_init__(self) -> None:
        """Judge by the limits of the configuration."""
        self.admission = Admission(
            max_sessions=self.config.max_sessions,
            longest_wait_s=self.config.admission_wait_s,
            newcomers=self.config.admission_newcomers,
            busiest_cpu=self.config.admission_cpu,
        )

    @property
    def ice_servers(self) -> list[RTCIceServer]:
        """STUN and TURN servers for this side of a call."""
        return [RTCIceServer(**server) for server in self.client_ice_servers]

    @property
    def client_ice_servers(self) -> list[dict[str, Any]]:
        """The same as a browser takes them, TURN with credentials for an hour."""
        servers: list[dict[str, Any]] = [{"urls": url} for url in self.config.stun_servers]
        if self.config.turn_servers:
            servers.append({"urls": self.config.turn_servers, **credentials_of(self.config)})
        return servers

    async def admit(self, address: str) -> None:
        """Let one more conversation of an address begin, perhaps after some seconds in a line.

        Raises `Overloaded` that says why not and when to come back.
        """
        try:
            if self.draining:
                raise Overloaded("the server is about to stop", retry_after_s=60)
            if (taken := self._of_address[address]) >= self._places(address):
                raise Overloaded(f"all {taken} places of your address are taken", retry_after_s=60)
            await self.admission.admit(lambda: self.sessions)
        except Overloaded as fault:
            self.metrics.refused.labels("server_full").inc()
            log.warning(
                "refused", reason=str(fault), retry_after_s=fault.retry_after_s, sessions=self.sessions, address=address
            )
            raise

    def _places(self, address: str) -> int:
        """Conversations that one address may have."""
        if (configured := self.config.max_sessions_per_address) is not None:
            return configured
        most = self.config.max_sessions
        return most if is_loopback(address) else max(1, most * 4 // 5)

    @contextmanager
    def seat(self, address: str) -> Iterator[None]:
        """Count a conversation while it goes on."""
        self.sessions += 1
        self._of_address[address] += 1
        self.metrics.sessions.inc()
        began = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self.admission.left(began)
            self.sessions -= 1
            self._of_address[address] -= 1
            self._of_address += Counter()  # addresses without a conversation are forgotten
            self.metrics.sessions.dec()

    @contextmanager
    def talking(self, connection: Resumable, start: Start) -> Iterator[Resume]:
        """A conversation while it goes on, from its history if it is taken up again; kept if its connection is lost."""
        kept, owner = start.kept, start.owner
        with self.seat(start.address), self.resumption.seat(connection.supersede, kept, owner) as seat:
            connection.session.restore(kept.items if kept else ())
            self._connections.add(connection)
            try:
                yield Resume(seat.token, self.resumption.kept_s, resumed=kept is not None)
            finally:
                self._connections.discard(connection)
                self._one_left.set()
            if not connection.lost:
                self.resumption.forget(seat.token)
            elif connection.shown.extensions and connection.session.history.items:
                self.resumption.keep(seat.token, connection.session.history.items, connection.shown, owner)

    async def wind_up(self, grace_s: float) -> None:
        """Let nobody new in, wait until no answer sounds (at most `grace_s`), then tell everybody and wait for them."""
        self.draining = True
        log.info("stopping", sessions=self.sessions, grace_s=grace_s)
        try:
            async with asyncio.timeout(grace_s):
                while any(c.session.answers for c in self._connections):  # noqa: ASYNC110 - of many, rarely asked
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            log.info("answers are cut", grace_s=grace_s)
        for connection in list(self._connections):
            connection.server_stops()
        try:
            async with asyncio.timeout(_GOODBYE_S):
                while self._connections:
                    self._one_left.clear()
                    await self._one_left.wait()
        except TimeoutError:
            log.warning("connections that do not end are broken off", count=len(self._connections))

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

    def settings_for(self, kept: Kept | None) -> SessionSettings:
        """What a session starts with; one that goes on has been greeted."""
        settings = self.session_settings
        return replace(settings, greeting=None) if kept else settings

    @property
    def session_settings(self) -> SessionSettings:
        """What a session starts with."""
        config = self.config
        return SessionSettings(
            instructions=config.instructions,
            language=config.language,
            greeting=config.greeting,
            temperature=config.temperature,
            memory_tokens=config.llm_memory,
            longest_answer_tokens=config.max_output_tokens,
            echo_cancellation=config.echo_cancellation,
            anticipate=config.anticipate,
            evidence_folder=config.evidence_folder,
        )
