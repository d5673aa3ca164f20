"""Time that no test sleeps through."""

from __future__ import annotations

import asyncio
import time

from tests.virtual_time import run_virtual


def test_a_timer_that_was_cancelled_makes_nobody_wait() -> None:
    async def script() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        loop.call_later(60.0, print).cancel()
        await asyncio.sleep(3600.0)
        return loop.time() - began

    began = time.monotonic()
    assert run_virtual(script(), limit_s=7200.0) == 3600.0
    assert time.monotonic() - began < 30.0
