"""Whether one more conversation may begin: running ones keep their latency, new ones are told when to come back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from parley.errors import Overloaded
from parley.models.executor import Waits, all_waits

_LOOK_EVERY_S = 0.25
_LOOKS = 40  # ten seconds
_LONGEST_LAG_S = 0.1
_CALM_AFTER_S = 10.0


class Admission:
    """Watches the event loop and the models' queues. Use as ``async with``."""

    def __init__(
        self, max_sessions: int, longest_wait_s: float, waits: Callable[[], Sequence[Waits]] = all_waits
    ) -> None:
        self._max_sessions = max_sessions
        self._longest_wait_s = longest_wait_s
        self._waits = waits
        self._lags: deque[float] = deque(maxlen=_LOOKS)
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Admission:
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
        while True:
            due = loop.time() + _LOOK_EVERY_S
            await asyncio.sleep(_LOOK_EVERY_S)
            self._lags.append(loop.time() - due)

    @property
    def loop_lag_s(self) -> float:
        """How late the event loop is, nine times out of ten, lately."""
        ordered = sorted(self._lags)
        return ordered[len(ordered) * 9 // 10] if ordered else 0.0

    def check(self, sessions: int) -> None:
        """Let one more begin beside `sessions`; raises `Overloaded` that says why not and when to come back."""
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
        if self.loop_lag_s > _LONGEST_LAG_S:
            raise Overloaded(
                f"the conversations that are going on keep this machine busy ({self.loop_lag_s * 1000:.0f} ms late)",
                retry_after_s=_CALM_AFTER_S,
            )
