"""An event loop whose clock jumps to the next timer as soon as nothing is ready: no test sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only in jumps, and stands while a thread of the loop works (`asyncio.to_thread`)."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual_s = 1000.0
        self._working = 0

    def time(self) -> float:
        return self._virtual_s

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        if not ready and scheduled and not self._working:
            # A timer that was cancelled is dropped when its turn comes: the time between it and the next would be real.
            awaited = scheduled if scheduled[0].cancelled() else scheduled[:1]
            at = min((timer.when() for timer in awaited if not timer.cancelled()), default=self._virtual_s)
            self._virtual_s = max(self._virtual_s, at)
        super()._run_once()  # type: ignore[misc]

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        self._working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's own
        """Threads end in real time: the limit that Python 3.12 and later set would be over at once."""
        await super().shutdown_default_executor()

    def _worked(self, _: Any) -> None:
        self._working -= 1


def run_virtual(work: Coroutine[Any, Any, T], limit_s: float = 3600.0) -> T:
    """Run to the end in virtual time; more than `limit_s` of it is a hang."""
    with asyncio.Runner(loop_factory=VirtualLoop, debug=False) as runner:
        return runner.run(asyncio.wait_for(work, limit_s))
