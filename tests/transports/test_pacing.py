"""The clock of the playouts runs while there is something to play."""

from __future__ import annotations

import asyncio

from parley.transports.pacing import Ticker


def unexpected(fault: Exception) -> None:
    raise AssertionError("nobody is to break") from fault


async def test_a_clock_without_members_stops_and_starts_again() -> None:
    ticker, ticks, enough = Ticker(), list[str](), asyncio.Event()

    def once(_: float) -> None:
        ticks.append("once")
        ticker.remove(once)

    def ten_times(_: float) -> None:
        ticks.append("ten")
        if ticks.count("ten") == 10:
            ticker.remove(ten_times)
            enough.set()

    ticker.add(once, unexpected)
    ticker.add(ten_times, unexpected)
    async with asyncio.timeout(60):
        await enough.wait()
    assert ticks.count("once") == 1
    assert ticker._handle is None
    enough.clear()
    ticks.clear()
    ticker.add(ten_times, unexpected)
    async with asyncio.timeout(60):
        await enough.wait()
    assert ticks == ["ten"] * 10


async def test_who_leaves_and_comes_back_within_a_tick_is_called_once_a_tick() -> None:
    ticker, times, enough = Ticker(), list[float](), asyncio.Event()

    def restless(now: float) -> None:
        ticker.remove(restless)
        ticker.add(restless, unexpected)
        times.append(now)
        if len(times) == 10:
            ticker.remove(restless)
            enough.set()

    ticker.add(restless, unexpected)
    async with asyncio.timeout(60):
        await enough.wait()
    assert times[-1] - times[0] > 0.1  # not faster than the clock


async def test_a_member_that_raises_costs_itself_alone() -> None:
    ticker, calls, broken = Ticker(), list[float](), list[Exception]()
    loop = asyncio.get_running_loop()
    often = asyncio.Event()

    def faulty(_: float) -> None:
        raise RuntimeError("made to")

    def healthy(now: float) -> None:
        calls.append(now)
        if len(calls) == 5:
            often.set()

    ticker.add(faulty, broken.append)
    ticker.add(healthy, unexpected)
    async with asyncio.timeout(60):
        await often.wait()
    ticker.remove(healthy)
    assert [str(fault) for fault in broken] == ["made to"], "it is told once and not called again"
    assert loop.is_running()
