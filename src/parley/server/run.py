"""Starting a server: logs, models, application, uvicorn."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from parley import logs
from parley.config import Config
from parley.conversation.tools import registry
from parley.errors import UnavailableError
from parley.models.catalogue import Model
from parley.models.home import home
from parley.models.store import Progress as Pulling
from parley.models.store import Store
from parley.server import choosing, lan, loaded_models, runpod, security
from parley.server.app import create_app
from parley.server.further_voices import FurtherVoices
from parley.server.hosts import Hosts
from parley.server.http_connection import BoundedHttp
from parley.server.socket_connection import BoundedSocket
from parley.server.state import ServerState
from parley.server.tracing import Tracing
from parley.server.upgrade import Progress, Upgrade

_EVERYWHERE = ("0.0.0.0", "::")
_BACKLOG = 512
_DESCRIPTORS = 65_536


class _Announcing(uvicorn.Server):
    """A uvicorn server that sets an event once it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours (`Server.stop`): uvicorn would close every conversation at once and die of the signal."""
        yield


class Server:
    """One server, in the running loop. `prepare`, then `serve`; `stop` ends it."""

    def __init__(self, config: Config, *, tell_upgrade: Callable[[Progress], None] | None = None) -> None:
        """`tell_upgrade`: bring a better language model where nobody named one, and say how far it is."""
        self.config = config
        self._tell_upgrade = tell_upgrade
        self._store = Store(accept_unpinned=config.accept_unpinned)
        self._uvicorn: uvicorn.Server | None = None
        self._chosen: loaded_models.LoadedModels | None = None
        self.state: ServerState | None = None
        self.ready = asyncio.Event()
        self.port = config.port
        self._socket: socket.socket | None = None
        self._certificate: tuple[Path, Path] | None = None

    async def prepare(
        self,
        *,
        pulling: Callable[[list[Model]], Pulling] = lambda _: lambda *_: None,
        loaded: Callable[[str, float], None] = lambda *_: None,
    ) -> None:
        """Bind, pull what is missing, load and warm up.

        Raises `UsageError` for a bad configuration, `UnavailableError` when a model or the port is not to be had.
        """
        config = self.config
        raise_descriptors()
        key = config.api_key.get_secret_value() if config.api_key else None
        security.check_binding(config.host, has_key=key is not None, insecure=config.insecure)
        if config.tls:
            self._certificate = lan.certificate(home() / "tls", lan.addresses())
        tools = registry.chosen(config.tools)
        tracing = Tracing(config.otlp_endpoint) if config.otlp_endpoint else None
        self._socket = self._bind()
        try:
            chosen, missing = await choosing.choose(config, self._store, own_port=self.port)
            if missing:
                await asyncio.to_thread(loaded_models.pull, missing, self._store, pulling(missing))
            self._chosen = chosen
            await loaded_models.load_all(chosen, tell=loaded)
        except BaseException:
            self._socket.close()
            raise
        pod = runpod.pod(self.port)
        gate = security.Gate(
            key,
            [*config.allowed_origins, *([pod.url] if pod else [])],
            Hosts(config.allowed_hosts, own=[pod.host] if pod else [], needs_key=key is not None),
        )
        self.state = state = ServerState(config, chosen, gate, log_folder(config), tracing, tools, pod)
        state.further_voices = FurtherVoices(chosen, self._store)
        if self._tell_upgrade is not None and chosen.successor is not None:
            state.upgrade = Upgrade(chosen, *chosen.successor, self._store, lambda: state.answering, self._tell_upgrade)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.config.host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.config.host, self.config.port))
        except OSError as fault:
            listener.close()
            raise UnavailableError(
                f"port {self.config.port} on {self.config.host} cannot be had ({fault.strerror}); "
                "end what listens there or choose another with --port"
            ) from fault
        self.port = int(listener.getsockname()[1])
        return listener

    async def serve(self) -> None:
        """Serve until stopped."""
        assert self.state is not None
        listener = self._socket
        assert listener is not None
        settings = uvicorn.Config(
            create_app(self.state),
            log_config=None,
            access_log=False,
            http=BoundedHttp,
            ws=BoundedSocket,
            backlog=_BACKLOG,
            ws_max_size=16 * 1024 * 1024,
            ws_ping_interval=20,
            ws_ping_timeout=20,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=3,
            lifespan="on",
            ssl_certfile=self._certificate[0] if self._certificate else None,
            ssl_keyfile=self._certificate[1] if self._certificate else None,
        )
        self._uvicorn = _Announcing(settings, self.ready)
        upgrading = asyncio.create_task(self._bring_better(self.state.upgrade), name="better language model")
        try:
            await self._uvicorn.serve(sockets=[listener])
        finally:
            upgrading.cancel()
            await asyncio.wait([upgrading])
            if self.state.further_voices is not None:
                await self.state.further_voices.aclose()

    async def _bring_better(self, upgrade: Upgrade | None) -> None:
        await self.ready.wait()
        if upgrade is not None:
            await upgrade.run()

    async def stop(self) -> None:
        """End `serve`: nobody new comes in, answers that sound are finished within the grace, clients are told."""
        if self.state is not None:
            await self.state.wind_up(self.config.stop_grace_s)
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True

    def stop_now(self) -> None:
        """End `serve` without waiting for anybody."""
        if self._uvicorn is not None:
            self._uvicorn.should_exit = self._uvicorn.force_exit = True
            logging.getLogger("uvicorn.error").disabled = True  # that its life is cut off is no fault to be told

    async def abandon(self) -> None:
        """What a preparation that was cancelled has started ends."""
        if self._socket is not None:
            self._socket.close()
        if self._chosen is not None:
            await self._chosen.aclose()

    @property
    def url(self) -> str:
        """Where to reach it."""
        host = self.config.host if self.config.host not in _EVERYWHERE else "localhost"
        return f"{'https' if self._certificate else 'http'}://{host}:{self.port}"

    @property
    def outside_url(self) -> str | None:
        """Where others reach it, by https as their browsers want it; None when they cannot."""
        if self.config.host not in _EVERYWHERE:
            return None
        if self.state is not None and self.state.pod is not None:
            return self.state.pod.url
        found = lan.addresses()
        return f"https://{found[0]}:{self.port}" if self._certificate is not None and found else None


def raise_descriptors() -> None:
    """Let this process open as many files and sockets as the system allows: a conversation takes several."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def log_folder(config: Config) -> Path:
    """Where log files go."""
    return config.log_folder or home() / "logs"


def set_up_logs(config: Config) -> None:
    """As configured."""
    logs.set_up(config.log_level, log_folder(config))
