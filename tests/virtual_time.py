"""An event loop whose clock jumps to the next timer as soon as nothing is ready: no test sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only in jumps. Work in other threads is not waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual_s = 1000.0

    def time(self) -> float:
        return self._virtual_s

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        if not ready and scheduled:
            self._virtual_s = max(self._virtual_s, scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


def run_virtual(work: Coroutine[Any, Any, T], limit_s: float = 3600.0) -> T:
    """Run to the end in virtual time; more than `limit_s` of it is a hang."""
    with asyncio.Runner(loop_factory=VirtualLoop, debug=False) as runner:
        return runner.run(asyncio.wait_for(work, limit_s))
