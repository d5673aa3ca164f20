"""Whether one more conversation may begin: running ones keep their latency, new ones are told when to come back."""

from __future__ import annotations

import asyncio
import math
import os
import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

import psutil

from parley.errors import Overloaded
from parley.models.executor import Waits, all_waits

_LOOK_EVERY_S = 0.25
_LOOKS = 40  # ten seconds
_CPU_LOOKS = 20  # five seconds
_LONGEST_LAG_S = 0.1
_FIND_EVERY_S = 5.0
_CALM_AFTER_S = 5.0
_UNKNOWN_S = 5.0
"""A conversation's cost shows after this long: a question and the beginning of its answer."""
_PATIENCE_S = 5.0
"""Who may come in this soon is kept waiting; who may not is told when to come back."""


class Admission:
    """Watches the event loop, the models' queues, the processors and who has just come. Use as ``async with``.

    Of conversations whose cost is unknown yet only a few go on at once (`newcomers`, or half as many as go on, and no
    more than the processors bear if they cost what the others cost): a crowd that comes all together would else be
    inside before its first question is heard.
    """

    def __init__(
        self,
        *,
        max_sessions: int,
        longest_wait_s: float,
        newcomers: int,
        busiest_cpu: float,
        waits: Callable[[], Sequence[Waits]] = all_waits,
        surely: int | None = None,
        cpu_s: Callable[[], tuple[float, float]] | None = None,
    ) -> None:
        """`busiest_cpu`: share of the machine's processor time that parley may use before new ones are refused.

        With 1 nobody is refused for that, and among the first `surely` conversations (one more than there are
        processors) nobody either: a burst of one must not keep the second out.

        `cpu_s` tells the seconds that parley kept the processors busy and that passed on them. What other programs use
        is not counted: where they leave too little, models' queues and the event loop are late.
        """
        self._max_sessions = max_sessions
        self._longest_wait_s = longest_wait_s
        self._newcomers = newcomers
        self._busiest_cpu = busiest_cpu
        self._waits = waits
        self._surely = max(1, (os.cpu_count() or 1) + 1 if surely is None else surely)
        self._own = OwnProcesses()
        self._cpu_s = cpu_s or self._own.cpu_s
        self._cpu: deque[tuple[float, float]] = deque([self._cpu_s()], maxlen=_CPU_LOOKS + 1)
        self._came: deque[float] = deque()  # loop times, those of the line ahead of now, oldest first
        self._lags: deque[float] = deque(maxlen=_LOOKS)
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        self._watching = asyncio.create_task(self._watch(), name="admission")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop watching."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        looks = loop.time()
        while True:
            due = loop.time() + _LOOK_EVERY_S
            await asyncio.sleep(_LOOK_EVERY_S)
            self._lags.append(loop.time() - due)
            self._cpu.append(self._cpu_s())
            if loop.time() >= looks:
                looks = loop.time() + _FIND_EVERY_S
                await asyncio.to_thread(self._own.find)

    @property
    def loop_lag_s(self) -> float:
        """How late the event loop is, nine times out of ten, lately."""
        ordered = sorted(self._lags)
        return ordered[len(ordered) * 9 // 10] if ordered else 0.0

    @property
    def cpu(self) -> float:
        """Share of the machine's processor time that parley used in the last five seconds."""
        (busy, passed), (busy_now, passed_now) = self._cpu[0], self._cpu[-1]
        return (busy_now - busy) / (passed_now - passed) if passed_now > passed else 0.0

    async def admit(self, sessions: Callable[[], int]) -> None:
        """Let one more begin beside `sessions`, perhaps after some seconds in a line.

        Raises `Overloaded` that says why not and when to come back.
        """
        self._check(sessions())
        loop = asyncio.get_running_loop()
        comes = self._turn(sessions(), loop.time())
        if (wait_s := comes - loop.time()) > _PATIENCE_S:
            raise Overloaded("many conversations have just begun", retry_after_s=math.ceil(wait_s - _PATIENCE_S / 2))
        insort(self._came, comes)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
            self._check(sessions())

    def left(self, began: float) -> None:
        """A conversation that began at `began` (loop time) is over: a short one makes room for a newcomer."""
        if self._came and began > asyncio.get_running_loop().time() - _UNKNOWN_S:
            self._came.popleft()

    def _turn(self, sessions: int, now: float) -> float:
        """When the next newcomer may begin; raises `Overloaded`."""
        while self._came and self._came[0] < now - _UNKNOWN_S:
            self._came.popleft()
        room = max(self._newcomers, sessions // 2)
        if sessions >= self._surely and self.cpu and self._busiest_cpu < 1:
            known = max(1, sessions - len(self._came))
            room = min(room, int((self._busiest_cpu - self.cpu) / (self.cpu / known)))
        if room < 1:
            raise self._busy()
        return max(now, self._came[-room] + _UNKNOWN_S) if len(self._came) >= room else now

    def _busy(self) -> Overloaded:
        message = f"the conversations that are going on use {self.cpu:.0%} of this machine's processors"
        return Overloaded(message, retry_after_s=_CALM_AFTER_S)

    def _check(self, sessions: int) -> None:
        if sessions >= self._max_sessions:
            raise Overloaded(f"all {self._max_sessions} places are taken", retry_after_s=60)
        if not sessions:
            return  # whatever is slow, nobody is disturbed
        slowest = max(self._waits(), key=lambda waits: waits.usual_s, default=None)
        if slowest is not None and slowest.usual_s > self._longest_wait_s:
            raise Overloaded(
                f"the conversations that are going on keep this machine busy (waits for {slowest.name}: "
                f"{slowest.usual_s * 1000:.0f} ms)", retry_after_s=_CALM_AFTER_S,
            )  # fmt: skip
        if sessions >= self._surely and self.cpu > self._busiest_cpu:
            raise self._busy()
        if self.loop_lag_s > _LONGEST_LAG_S:
            raise Overloaded(
                f"the conversations that are going on keep this machine busy ({self.loop_lag_s * 1000:.0f} ms late)",
                retry_after_s=_CALM_AFTER_S,
            )


class OwnProcesses:
    """This process and those that it started: models, voices, decoders."""

    def __init__(self) -> None:
        self._used: dict[int, float] = {}
        self._sum_s = 0.0
        self._processes = [psutil.Process()]

    def find(self) -> None:
        """Look for new ones; takes some milliseconds, so it is to be called off the event loop."""
        own = psutil.Process()
        self._processes = [own, *own.children(recursive=True)]

    def cpu_s(self) -> tuple[float, float]:
        """Processor seconds that they used, and that there were on all processors; both since some moment.

        What one used before it was seen first (a model is loaded) does not count.
        """
        processes, used = self._processes, dict[int, float]()
        for process in processes:
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            used[process.pid] = times.user + times.system
        self._sum_s += sum(seconds - self._used.get(pid, seconds) for pid, seconds in used.items())
        self._used = used
        return self._sum_s, time.monotonic() * (os.cpu_count() or 1)
