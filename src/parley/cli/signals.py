"""Ctrl-C and SIGTERM as events of the loop: the first asks for an orderly end, further ones for a quick one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

_ASKED = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Takes them from now on until the process ends; made in the running loop."""

    def __init__(self) -> None:
        self._count = 0
        self._came = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _ASKED:
            loop.add_signal_handler(number, self._take)

    def _take(self) -> None:
        self._count += 1
        self._came.set()

    async def next(self) -> None:
        """Wait for the next one that nobody has waited for."""
        await self._came.wait()
        self._count -= 1
        if not self._count:
            self._came.clear()

    async def unless_stopped(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Do `work`; a signal cancels it. Returns whether it came to its end; raises what it raises."""
        working, told = asyncio.ensure_future(work), asyncio.ensure_future(self.next())
        try:
            await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            return False
        finally:
            working.cancel()
            told.cancel()
            await asyncio.wait({working, told})
