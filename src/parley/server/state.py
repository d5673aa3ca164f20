"""What the routes of the application share."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from aiortc import RTCIceServer

from parley.config import Config
from parley.conversation import notifications as nt
from parley.conversation.conversation import Conversation
from parley.conversation.settings import SessionSettings
from parley.conversation.tools.tool import Tool
from parley.errors import Overloaded
from parley.server.admission import Admission
from parley.server.conversations import Conversations, Resumable, Start
from parley.server.further_voices import FurtherVoices
from parley.server.invitations import ForSeveral
from parley.server.loaded_models import LoadedModels
from parley.server.metrics import Metrics
from parley.server.recordings import recordings_folder
from parley.server.rest import is_loopback
from parley.server.runpod import Pod
from parley.server.security import Gate
from parley.server.tracing import Tracing
from parley.server.upgrade import Upgrade
from parley.server.uploads import Uploads
from parley.transports.pacing import Ticker
from parley.transports.recording import Shelf
from parley.transports.returning import Resume
from parley.transports.webrtc import RtcCall

log = structlog.get_logger("server")

_TURN_S = 3600


def turn_credentials(secret: str, now: float | None = None) -> dict[str, str]:
    """Time-limited TURN credentials, as coturn's ``use-auth-secret`` checks them (the TURN REST API draft)."""
    username = f"{int((time.time() if now is None else now) + _TURN_S)}:parley"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return {"username": username, "credential": base64.b64encode(digest).decode()}


def spoken_clock(now: datetime) -> str:
    """When a conversation began, as a language model is told; `now` knows its time zone."""
    return f"This conversation began on {now:%A}, {now.day} {now:%B %Y}, at {now:%H:%M} ({now:%Z})."


def credentials_of(config: Config) -> dict[str, str]:
    """Those for the TURN servers that are configured; none where they need none."""
    return turn_credentials(config.turn_secret.get_secret_value()) if config.turn_secret else {}


@dataclass(frozen=True, slots=True)
class OngoingCall:
    """A WebRTC call that is going on."""

    call: RtcCall
    owner: str
    """Who began it."""
    task: asyncio.Task[None]


@dataclass(slots=True)
class ServerState:
    """One running server."""

    config: Config
    loaded_models: LoadedModels
    gate: Gate
    log_folder: Path | None = None
    tracing: Tracing | None = None
    tools: tuple[Tool, ...] = ()
    """Those that all conversations have."""
    pod: Pod | None = None
    metrics: Metrics = field(default_factory=Metrics)
    ticker: Ticker = field(default_factory=Ticker)
    uploads: Uploads = field(default_factory=Uploads)
    started: float = field(default_factory=time.time)
    sessions: int = 0
    draining: bool = False
    upgrade: Upgrade | None = None
    """The better language model that is being brought, or was."""
    further_voices: FurtherVoices | None = None
    """Voices that can be brought."""
    calls: dict[str, OngoingCall] = field(default_factory=dict)
    conversations: Conversations = field(default_factory=Conversations)
    admission: Admission = field(init=False)
    recordings: Shelf | None = field(init=False)
    """None: nothing is recorded."""
    _of_address: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Judge by the limits of the configuration, and let in whoever is invited."""
        keeps = self.config.recording_keep_hours > 0
        self.recordings = Shelf(recordings_folder(self.config), self.ticker) if keeps else None
        self.gate.invites = self.conversations.invitations.knows
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

    @asynccontextmanager
    async def talking(self, connection: Resumable, start: Start) -> AsyncIterator[Resume]:
        """A connection while it goes on, see `Conversations.connected`; it takes a place."""
        with self.seat(start.address):
            async with self.conversations.connected(connection, start) as resume:
                yield resume

    def services_for(self, conversation: Conversation) -> ForSeveral:
        """What there is for a conversation of several."""
        return ForSeveral(self.conversations.invitations, conversation, self.recordings)

    @property
    def answering(self) -> bool:
        """Whether an answer is being made or sounds."""
        return self.conversations.answering

    async def wind_up(self, grace_s: float) -> None:
        """Let nobody new in, wait until no answer sounds (at most `grace_s`), then tell everybody and wait for them."""
        self.draining = True
        log.info("stopping", sessions=self.sessions, grace_s=grace_s)
        await self.conversations.wind_up(grace_s)

    async def aclose(self) -> None:
        """End all calls, and all conversations."""
        await self.hang_up()
        await self.conversations.aclose()

    async def hang_up(self) -> None:
        """End all calls."""
        tasks = [ongoing.task for ongoing in self.calls.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def observe(self, session: str, notification: nt.Notification) -> None:
        """Count and trace what a session tells."""
        self.metrics.observe(notification)
        if self.tracing is not None:
            self.tracing.observe(session, notification)

    @property
    def session_settings(self) -> SessionSettings:
        """What a session starts with."""
        config = self.config
        return SessionSettings(
            instructions=config.instructions,
            circumstances=spoken_clock(datetime.now().astimezone()) if config.clock else "",
            delegate=config.delegate,
            language=config.language,
            greeting=config.greeting,
            apology=config.apology,
            not_understood=config.not_understood,
            server_tools=self.tools,
            temperature=config.temperature,
            memory_tokens=config.llm_memory,
            longest_answer_tokens=config.max_output_tokens,
            echo_cancellation=config.echo_cancellation,
            anticipate=config.anticipate,
            evidence_folder=config.evidence_folder,
        )
