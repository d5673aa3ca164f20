"""Who goes first at a shared model: a model's own threads, or its slots, behind a queue with priorities."""

from __future__ import annotations

import asyncio
import atexit
import heapq
import threading
import time
import weakref
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from parley.errors import Overloaded, RequestAbandoned
from parley.models.interfaces import Caller, Priority

T = TypeVar("T")
_LATELY_S = 10.0
_ENDS_S = 5.0
"""A job that still runs when the process ends is waited for no longer."""
MOST_OF_ONE = 32
"""Requests of one owner that may wait for one model: nobody fills the places of all others."""


class Waits:
    """How long requests that somebody waits for stood in one model's queue lately."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._noted: deque[tuple[float, float]] = deque(maxlen=256)
        _all_waits.add(self)

    def note(self, caller: Caller, asked: float) -> None:
        """A request begins that was asked at `asked` (`time.monotonic`)."""
        if caller.priority is Priority.COMMITTED:
            now = time.monotonic()
            self._noted.append((now, now - asked))

    @property
    def usual_s(self) -> float:
        """What four of five waits of the last ten seconds stayed below; 0 when there were fewer than five."""
        since = time.monotonic() - _LATELY_S
        waits = sorted(waited for at, waited in list(self._noted) if at >= since)
        return waits[len(waits) * 4 // 5] if len(waits) >= 5 else 0.0


_all_waits: weakref.WeakSet[Waits] = weakref.WeakSet()


def all_waits() -> list[Waits]:
    """Those of every model that is loaded in this process."""
    return sorted(_all_waits, key=lambda waits: waits.name)


@dataclass(order=True, slots=True)
class _Job:
    key: tuple[int, int, float, int]
    future: Future[Any] = field(compare=False)
    work: Callable[[], Any] = field(compare=False)
    caller: Caller = field(compare=False)
    asked: float = field(compare=False)


def _done_if_wanted(job: _Job) -> Any:
    if not job.caller.wanted():
        raise RequestAbandoned
    return job.work()


def _check_share(name: str, waiting: Counter[str], caller: Caller) -> None:
    """Raise `Overloaded` when as many requests of this owner wait as may."""
    if waiting[caller.owner] >= MOST_OF_ONE:
        raise Overloaded(f"{name}: {MOST_OF_ONE} requests of yours are waiting already")


def _leave(waiting: Counter[str], caller: Caller) -> None:
    """One of an owner's requests waits no longer."""
    waiting[caller.owner] -= 1
    if waiting[caller.owner] <= 0:
        del waiting[caller.owner]


_all_executors: weakref.WeakSet[ModelExecutor] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """Let no thread be in a model's native code when the interpreter goes: that would abort the process."""
    for executor in (executors := list(_all_executors)):
        executor.close()
    for executor in executors:
        executor.join(_ENDS_S)


class ModelExecutor:
    """Runs jobs by priority, then by how many jobs their owner had served lately, then by when they are due.

    The queue is bounded: `run` raises `Overloaded` when `max_waiting` jobs wait, or `MOST_OF_ONE` of one owner. A job
    whose caller is cancelled before it starts never runs; one that runs is abandoned (its result is dropped). One that
    is not wanted any more when its turn comes does not run either: `run` raises `RequestAbandoned`.
    """

    def __init__(self, name: str, *, threads: int = 1, max_waiting: int = 256) -> None:
        self._name = name
        self.waits = Waits(name)
        self._max_waiting = max_waiting
        self._jobs: list[_Job] = []
        self._served: defaultdict[str, int] = defaultdict(int)
        self._owners: Counter[str] = Counter()
        self._count = 0
        self._changed = threading.Condition()
        self._closed = False
        self._busy = 0
        self._threads = [threading.Thread(target=self._serve, name=f"{name}-{i}", daemon=True) for i in range(threads)]
        for thread in self._threads:
            thread.start()
        _all_executors.add(self)

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return len(self._jobs)

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return not self._jobs and not self._busy

    async def run(self, work: Callable[[], T], caller: Caller, *, within_s: float | None = None) -> T:
        """Run `work` in a thread of this model and return its result.

        With `within_s`, the time after which it should have begun, the owner's earlier jobs do not count: part by part
        of something that is being played must not wait the longer the more of it was made.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise Overloaded(f"{self._name} is shutting down")
            if len(self._jobs) >= self._max_waiting:
                raise Overloaded(f"{self._name}: {len(self._jobs)} requests are waiting already")
            _check_share(self._name, self._owners, caller)
            self._owners[caller.owner] += 1
            self._count += 1
            asked = time.monotonic()
            served = self._served[caller.owner] if within_s is None else 0
            key = (int(caller.priority), served, asked + (within_s or 0.0), self._count)
            heapq.heappush(self._jobs, _Job(key, future, work, caller, asked))
            self._changed.notify()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Stop the threads; jobs that wait are cancelled."""
        with self._changed:
            self._closed = True
            for job in self._jobs:
                job.future.cancel()
            self._jobs.clear()
            self._owners.clear()
            self._changed.notify_all()

    def join(self, timeout_s: float) -> None:
        """Wait for the threads of one that was closed, so long for each."""
        for thread in self._threads:
            thread.join(timeout_s)

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._closed:
                    self._served.clear()  # nobody waits: old favours are forgotten
                    self._changed.wait()
                if self._closed:
                    return
                job = heapq.heappop(self._jobs)
                _leave(self._owners, job.caller)
                if not job.future.set_running_or_notify_cancel():
                    continue
                self._served[job.caller.owner] += 1
                self._busy += 1
            try:
                self.waits.note(job.caller, job.asked)
                job.future.set_result(_done_if_wanted(job))
            except BaseException as fault:  # noqa: BLE001 - handed to the caller, whatever it is
                job.future.set_exception(fault)
            finally:
                with self._changed:
                    self._busy -= 1
                del job


class Slots:
    """A bounded number of requests at once for a model that works elsewhere; the order is `ModelExecutor`'s.

    Such a model may have more places than it works on at once, each of which remembers the prompt it was given last: an
    owner gets the place that it had last for what it is about, if that is free, else the one that was left longest ago.
    Used from one event loop. A request whose caller is cancelled while it waits is never made; `take` raises
    `RequestAbandoned` when it is not wanted any more.
    """

    def __init__(self, name: str, count: int, *, places: int = 0, max_waiting: int = 256) -> None:
        self._name = name
        self.waits = Waits(name)
        self._free = count
        self._count = count
        self._max_waiting = max_waiting
        self._waiting: list[tuple[tuple[int, int, int], asyncio.Future[None]]] = []
        self._served: defaultdict[str, int] = defaultdict(int)
        self._owners: Counter[str] = Counter()
        self._asked = 0
        self._places: list[tuple[int, tuple[str, str]]] = [(place, ("", "")) for place in range(max(places, count))]
        """Free ones with their last owners and what it was about, the one left longest ago first."""

    @property
    def idle(self) -> bool:
        """Whether all are free."""
        return self._free == self._count

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return sum(not turn.done() for _, turn in self._waiting)

    @asynccontextmanager
    async def take(self, caller: Caller) -> AsyncIterator[int]:
        """Hold a slot and get its place (from 0); raises `Overloaded` when `max_waiting` requests wait."""
        asked = time.monotonic()
        await self._acquire(caller)
        try:
            self.waits.note(caller, asked)
            if not caller.wanted():
                raise RequestAbandoned
        except BaseException:
            self._release()
            raise
        whose = caller.owner, caller.about
        own = next((i for i in reversed(range(len(self._places))) if self._places[i][1] == whose), 0)
        place, _ = self._places.pop(own)
        try:
            yield place
        finally:
            self._places.append((place, whose))
            self._release()

    async def _acquire(self, caller: Caller) -> None:
        if self._free and not self._waiting:
            self._free -= 1
            return
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(f"{self._name}: {len(self._waiting)} requests are waiting already")
        _check_share(self._name, self._owners, caller)
        self._asked += 1
        turn = asyncio.get_running_loop().create_future()
        key = (int(caller.priority), self._served[caller.owner], self._asked)
        heapq.heappush(self._waiting, (key, turn))
        self._served[caller.owner] += 1
        self._owners[caller.owner] += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()  # it was given in the same moment
            raise
        finally:
            _leave(self._owners, caller)

    def _release(self) -> None:
        while self._waiting:
            _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._served.clear()
        self._free += 1
