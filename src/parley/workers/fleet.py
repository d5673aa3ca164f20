"""The workers that a server knows: found by address or through Redis, each watched over one open call.

A worker is well while its watch brings news every second; silence of 2.5 s, a broken connection or a failed call
makes it unwell until it answers again. One that only Redis named is forgotten once it took its leave or stayed
silent for a minute.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Self

import grpc
import structlog
from grpc.aio import AioRpcError

from parley.errors import ModelError, ParleyError, UsageError
from parley.v1 import worker_pb2 as pb
from parley.workers.announcement import Announcement, from_capabilities
from parley.workers.bindings import Bindings
from parley.workers.credentials import Network, channel, check_announced
from parley.workers.grpc_errors import from_rpc
from parley.workers.registry import Directory
from parley.workers.remote_worker import RemoteWorker
from parley.workers.routing import Choice, Need, Route, Standing, route
from parley.workers.settings import TlsSettings

log = structlog.get_logger("worker")

STREAM_SILENT_S = 0.7  # three heartbeats of a call missed: the worker is gone or frozen
_SILENT_S = 2.5
_FORGET_S = 60.0
_RETRY_S = (0.1, 1.0)
_CALL_S = 5.0
_MOST_WORKERS = 256
_ASK_AGAIN_S = 10.0


class Fleet:
    """Use as ``async with``. `addresses` are fixed; `redis_url` names where others announce themselves.

    Those are believed in `networks` only, unless TLS proves who they are (see `check_announced`). A request waits
    `patience_s` for a worker.
    """

    def __init__(
        self,
        addresses: Sequence[str] = (),
        *,
        redis_url: str | None = None,
        tls: TlsSettings | None = None,
        plaintext: bool = False,
        networks: Sequence[Network] = (),
        patience_s: float = 8.0,  # one that died is back in 2 to 5 s
    ) -> None:
        self._addresses = addresses
        self._redis_url = redis_url
        self._tls = tls
        self._plaintext = plaintext
        self._networks = networks
        self._patience_s = patience_s
        self._by_address: dict[str, RemoteWorker] = {}
        self.bindings = Bindings(lambda: self.workers, self._spawn)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._changed = asyncio.Condition()
        self._stack = AsyncExitStack()
        self._asked_to_load: dict[Choice, float] = {}
        self.failovers = 0

    async def __aenter__(self) -> Self:
        """Begin to watch; raises `UsageError` for an address that would be reached in plain text."""
        for address in self._addresses:
            self.add(address, listed=True)
        if self._redis_url is not None:
            await self._stack.enter_async_context(Directory(self._redis_url, self._arrived, self._left))
        return self

    async def __aexit__(self, *fault: object) -> None:
        """Close everything."""
        await self._stack.aclose()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self._by_address.values():
            await worker.channel.close()
        self._by_address.clear()

    # -- who is there ---------------------------------------------------------------------------------

    @property
    def workers(self) -> dict[str, RemoteWorker]:
        """Those that have said who they are, by name; of two of one name the one that was heard last."""
        known = [w for w in self._by_address.values() if w.announcement is not None]
        return {w.name: w for w in sorted(known, key=lambda w: (w.healthy, w.heard_at))}

    @property
    def standings(self) -> dict[str, Standing]:
        """What routing decides on."""
        return {
            name: Standing(
                w.announcement,
                w.healthy,
                statistics.median(w.latencies) if w.latencies else None,
                w.busy,
            )
            for name, w in self.workers.items()
            if w.announcement is not None
        }

    def add(self, address: str, *, listed: bool = False) -> None:
        """Watch the worker at an address."""
        if address in self._by_address:
            return
        connection = channel(address, self._tls, plaintext=self._plaintext)
        worker = RemoteWorker(address, connection, listed, self._stamp())
        self._by_address[address] = worker
        worker.watch = self._spawn(self._watch(worker), f"watch {address}")

    def _arrived(self, announcement: Announcement) -> None:
        try:
            if self._tls is None:
                check_announced(announcement.addr, self._networks)
            if len(self._by_address) >= _MOST_WORKERS and announcement.addr not in self._by_address:
                raise UsageError(f"{_MOST_WORKERS} workers are known already")
            self.add(announcement.addr)
        except ParleyError as fault:
            log.warning("worker not used", worker=announcement.name, error=str(fault))

    def _left(self, name: str) -> None:
        worker = self.workers.get(name)
        if worker is not None and not worker.listed:
            self._spawn(self._forget(worker), "forget worker")

    async def _forget(self, worker: RemoteWorker) -> None:
        if self._by_address.pop(worker.address, None) is None:
            return
        log.info("worker left", worker=worker.name)
        if worker.watch is not None and worker.watch is not asyncio.current_task():
            worker.watch.cancel()
        await self._tell()
        await worker.channel.close()

    def _spawn(self, work: Any, name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watch(self, worker: RemoteWorker) -> None:
        wait_s, began = _RETRY_S[0], time.monotonic()
        while True:
            try:
                await self._hear(worker)
            except (AioRpcError, TimeoutError) as fault:
                if not worker.broken:
                    reason = fault.details() if isinstance(fault, AioRpcError) else "it says nothing"
                    log.warning("worker lost", worker=worker.name, reason=reason)
                    wait_s = _RETRY_S[0]
                await self._break(worker)
                await self._renew(worker)
            except Exception:
                log.error("a worker's news cannot be used", worker=worker.name, exc_info=True)
                await self._break(worker)
            if not worker.listed and time.monotonic() - max(worker.heard_at, began) > _FORGET_S:
                await self._forget(worker)
                return
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _RETRY_S[1])

    async def _renew(self, worker: RemoteWorker) -> None:
        """Connect anew with this side's certificates when those on disk are others now."""
        try:
            stamp = self._stamp()
            if stamp == worker.certificates:
                return
            fresh = channel(worker.address, self._tls, plaintext=self._plaintext)
        except (OSError, UsageError) as fault:  # in the middle of being replaced: the next attempt looks again
            log.info("certificates not read", worker=worker.name, error=str(fault))
            return
        old, worker.channel, worker.certificates = worker.channel, fresh, stamp
        await old.close()

    def _stamp(self) -> tuple[int, ...]:
        tls = self._tls
        return tuple(p.stat().st_mtime_ns for p in (tls.ca, tls.cert, tls.key)) if tls else ()

    async def _hear(self, worker: RemoteWorker) -> None:
        call = worker.worker.Watch(pb.GetCapabilitiesRequest())
        try:
            while True:
                async with asyncio.timeout(_SILENT_S):
                    answer = await call.read()
                if not isinstance(answer, pb.Capabilities):
                    raise TimeoutError
                before = worker.announcement
                worker.announcement = from_capabilities(answer, worker.address)
                worker.heard_at = time.monotonic()
                if worker.broken:
                    log.info("worker found", worker=worker.name, address=worker.address)
                news = worker.broken or before is None or before.steady != worker.announcement.steady
                worker.broken = False
                if news:
                    await self._tell()
        finally:
            call.cancel()

    async def _break(self, worker: RemoteWorker) -> None:
        if not worker.broken:
            worker.broken = True
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until `ready()` holds, looking again whenever the fleet changes; False when it never did."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(ready)
        return ready()

    # -- choosing -------------------------------------------------------------------------------------

    def route(self, need: Need, session: str) -> Route:
        """See `routing.route`; a model that is to be loaded is, in the background."""
        found = route(need, self.standings, self.bindings.worker_of(session, need.model))
        if found.load is not None and found.load != found.now:
            self._load(found.load)
        return found

    async def loaded(self, model: str, timeout_s: float, kind: str = "tts") -> bool:
        """Have a model in the memory of a worker that offers it; whether it is there in time."""
        need = Need(model, kind, fallback=False)

        def resident() -> bool:
            found = route(need, self.standings)
            if found.load is not None:
                self._load(found.load)
            return found.load is None and found.now is not None

        return await self.until(resident, timeout_s)

    def _load(self, choice: Choice) -> None:
        now = time.monotonic()
        if now - self._asked_to_load.get(choice, -_ASK_AGAIN_S) < _ASK_AGAIN_S:
            return
        self._asked_to_load[choice] = now
        worker = self.workers[choice.worker]
        request = pb.LoadModelRequest(model_id=choice.model, background=True)

        async def ask() -> None:
            try:
                await worker.worker.LoadModel(request, timeout=_CALL_S)
            except AioRpcError as fault:
                log.warning("model not loaded", worker=worker.name, model=choice.model, error=fault.details())

        self._spawn(ask(), "load model")

    async def choose(self, need: Need, session: str, not_these: set[str]) -> Choice:
        """A worker that can take the request now, waiting for one if need be; raises `ModelError` saying why none."""

        def best() -> Choice | None:
            found = self.route(need, session)
            return next((c for c in (found.now, *found.others) if c is not None and c.worker not in not_these), None)

        if (choice := best()) is None:
            not_these.clear()  # whoever failed may be back
            await self.until(lambda: best() is not None, self._patience_s)
            choice = best()
        if choice is None:
            raise ModelError(route(need, self.standings).why or "every worker failed", retryable=True)
        return choice

    @asynccontextmanager
    async def calling(self, choice: Choice) -> AsyncIterator[RemoteWorker]:
        """A call to a worker: counts as its load; a broken connection makes it unwell.

        Raises what the worker raised; `ModelError` with `retryable` where another worker may succeed.
        """
        worker = self.workers.get(choice.worker)
        if worker is None:
            raise ModelError(f"worker {choice.worker} left", retryable=True)
        worker.busy += 1
        try:
            yield worker
        except AioRpcError as fault:
            if fault.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                await self._break(worker)
            raise from_rpc(fault, choice.worker) from fault
        except TimeoutError as fault:
            await self._break(worker)
            raise ModelError(f"worker {choice.worker} says nothing", retryable=True) from fault
        finally:
            worker.busy -= 1
