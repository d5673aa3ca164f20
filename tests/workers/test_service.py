"""Heartbeats among what a worker has made: nothing is lost, nothing changes its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from parley.workers.service import HEARTBEAT_S, with_heartbeats
from tests.virtual_time import run_virtual

BEAT = "beat"


async def made(pauses: list[float]) -> AsyncGenerator[str, None]:
    """Some at once, behind each pause."""
    number = 0
    for pause in pauses:
        await asyncio.sleep(pause)
        for _ in range(20):
            yield str(number)
            number += 1


async def taken(pauses: list[float], busy: float = 0.0) -> list[str]:
    """All that comes; whoever takes it is `busy` for a while with each."""
    found = []
    async with aclosing(with_heartbeats(made(pauses), lambda: BEAT, asyncio.Event())) as sent:
        async for item in sent:
            found.append(item)
            await asyncio.sleep(busy)
    return found


@pytest.mark.parametrize("busy", [0.0, 0.01, HEARTBEAT_S])
@pytest.mark.parametrize("pause", [0.0, HEARTBEAT_S / 2, HEARTBEAT_S, 1.1 * HEARTBEAT_S, 3 * HEARTBEAT_S])
def test_everything_comes_in_its_order(pause: float, busy: float) -> None:
    found = run_virtual(taken([pause, pause], busy))
    assert [item for item in found if item != BEAT] == [str(number) for number in range(40)]
    assert (BEAT in found) == (pause > HEARTBEAT_S) or pause == HEARTBEAT_S


def test_it_ends_early_once_it_is_stopped() -> None:
    async def run() -> list[str]:
        stopped, found = asyncio.Event(), []
        async with aclosing(with_heartbeats(made([0.0, 3600.0]), lambda: BEAT, stopped)) as sent:
            async for item in sent:
                found.append(item)
                if item == BEAT:
                    stopped.set()
        return found

    assert run_virtual(run()) == [*map(str, range(20)), BEAT]


def test_what_fails_in_the_making_fails_here() -> None:
    async def failing() -> AsyncGenerator[str, None]:
        yield "0"
        raise ValueError("broken")

    async def run() -> None:
        async with aclosing(with_heartbeats(failing(), lambda: BEAT, asyncio.Event())) as sent:
            assert await anext(sent) == "0"
            await anext(sent)

    with pytest.raises(ValueError, match="broken"):
        run_virtual(run())
