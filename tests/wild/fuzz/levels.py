"""What a server holds: memory, descriptors, tasks; and that it lets go of them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import httpx
import psutil

_LOOK_EVERY_S = 1.0
HANDLES = 16
"""Connections kept to the language model, log files that are opened when first written to: they come once."""
TASKS = 10
MEMORY = 1.15


@dataclass(frozen=True)
class Level:
    """Of a server and what it started."""

    handles: int
    tasks: int
    memory: int
    """Bytes, with what processes share counted once."""
    sessions: int

    def within(self, before: Level) -> bool:
        """Whether it is what it was, but for what a server may keep: connections, buffers, log files."""
        return (
            self.handles <= before.handles + HANDLES
            and self.tasks <= before.tasks + TASKS
            and self.memory <= before.memory * MEMORY
            and self.sessions <= before.sessions
        )


async def level(url: str, pid: int) -> Level:
    """As it stands."""
    async with httpx.AsyncClient(timeout=30) as client:
        told = (await client.get(f"{url}/metrics")).text
    gauges = dict(line.rsplit(" ", 1) for line in told.splitlines() if line and not line.startswith("#"))
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    memory = 0
    for member in family:
        try:
            memory += member.memory_full_info().pss
        except psutil.Error:  # a decoder that has just ended
            continue
    return Level(
        process.num_fds(), round(float(gauges["parley_tasks"])), memory, round(float(gauges["parley_active_sessions"]))
    )


async def settled(url: str, pid: int, before: Level, within_s: float) -> Level:
    """The level when it is again what it was, or as it is when the time is over."""
    deadline = time.monotonic() + within_s
    now = await level(url, pid)
    while not now.within(before) and time.monotonic() < deadline:
        await asyncio.sleep(_LOOK_EVERY_S)
        now = await level(url, pid)
    return now
