"""Looking at other processes: waiting for what they do not tell, finding what went wrong in their logs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def until(holds: Callable[[], T], limit_s: float = 60.0) -> T:
    """What `holds` returns once that is true; raises `TimeoutError` behind `limit_s` seconds."""
    async with asyncio.timeout(limit_s):
        while not (found := holds()):  # noqa: ASYNC110 - there is nothing to wait for
            await asyncio.sleep(0.05)
    return found


def unexpected(log: str) -> str:
    """The first fault that nothing expected in a server's log, with what stands around it; empty: there is none."""
    lines = log.splitlines()
    at = next((number for number, line in enumerate(lines) if "Traceback" in line), None)
    return "" if at is None else "\n".join(lines[max(0, at - 5) : at + 60])
