"""What holds the event loop is counted, and its place is told."""

from __future__ import annotations

import asyncio
import threading

import pytest
from structlog.testing import capture_logs

from parley.server.loop_watch import LoopWatch


def holds_the_loop(seconds: float) -> None:
    threading.Event().wait(seconds)


async def test_a_blocked_loop_is_counted_and_its_place_told() -> None:
    blocked: asyncio.Queue[float] = asyncio.Queue()
    with capture_logs() as logs:
        async with LoopWatch(blocked.put_nowait, blocked_s=0.2):
            await asyncio.sleep(0)
            holds_the_loop(0.8)
            seconds = await blocked.get()
    assert seconds >= 0.2
    assert logs[0]["event"] == "the event loop was blocked"
    assert "holds_the_loop" in logs[0]["at"]


async def test_warnings_do_not_flood_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    watch = LoopWatch(seen.append)
    with capture_logs() as logs:
        for _ in range(5):
            watch._tell(0.5)
    assert seen == [0.5] * 5
    assert len(logs) == 1
