"""Child processes that host a model: they end when their standard input closes."""

from __future__ import annotations

import asyncio

_STOP_S = 5.0


async def end(process: asyncio.subprocess.Process) -> None:
    """Let it end by itself, then make it."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
