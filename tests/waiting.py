"""Waiting for what nobody tells: the state of another process, or of a loop that looks now and then."""

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
