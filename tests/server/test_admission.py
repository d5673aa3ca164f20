"""Who may come in."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import psutil
import pytest

from parley.errors import Overloaded
from parley.models.executor import Waits
from parley.models.interfaces import Caller, Priority
from parley.server.admission import Admission, OwnProcesses
from tests.virtual_time import run_virtual


def waits(waited_s: float, count: int = 10, priority: Priority = Priority.COMMITTED) -> Waits:
    found = Waits("voice")
    for _ in range(count):
        found.note(Caller("s", priority), time.monotonic() - waited_s)
    return found


class Door(Admission):
    """With what the tests ask of it."""

    busy_s = passed_s = 0.0

    def __init__(self, *of: Waits, places: int = 3, newcomers: int = 100, surely: int = 0) -> None:
        super().__init__(
            max_sessions=places, longest_wait_s=0.5, newcomers=newcomers, busiest_cpu=0.75, waits=lambda: of,
            surely=surely, cpu_s=lambda: (self.busy_s, self.passed_s),
        )  # fmt: skip

    async def let_in(self, sessions: int) -> None:
        await self.admit(lambda: sessions)


async def test_there_is_room_until_all_places_are_taken() -> None:
    await Door().let_in(2)
    with pytest.raises(Overloaded, match="3 places") as refused:
        await Door().let_in(3)
    assert refused.value.retry_after_s > 0


async def test_while_others_wait_for_a_model_nobody_new_comes_in() -> None:
    with pytest.raises(Overloaded, match=r"voice: [67]\d\d ms") as refused:
        await Door(waits(0.1), waits(0.65)).let_in(1)
    assert refused.value.retry_after_s == 5


async def test_the_first_one_comes_in_however_slow_the_machine_is() -> None:
    await Door(waits(3.0)).let_in(0)


@pytest.mark.parametrize("calm", [waits(0.3), waits(3.0, count=4), waits(3.0, priority=Priority.SPECULATIVE)])
async def test_short_few_and_speculative_waits_keep_nobody_out(calm: Waits) -> None:
    await Door(calm).let_in(2)


async def test_a_late_event_loop_keeps_new_ones_out() -> None:
    async with Door() as door:
        await door.let_in(1)
        for _ in range(8):
            await asyncio.sleep(0.05)
            until = time.monotonic() + 0.4  # the loop is blocked on purpose
            while time.monotonic() < until:
                pass
        with pytest.raises(Overloaded, match="late"):
            await door.let_in(1)
        await door.let_in(0)


def test_a_crowd_waits_in_line_until_it_shows_what_those_before_it_cost() -> None:
    door = Door(places=100, newcomers=2)

    async def comes() -> float:
        began = asyncio.get_running_loop().time()
        await door.let_in(1)
        return asyncio.get_running_loop().time() - began

    async def crowd() -> list[float | BaseException]:
        return await asyncio.gather(*(comes() for _ in range(6)), return_exceptions=True)

    came = run_virtual(crowd())
    assert [waited for waited in came if isinstance(waited, float)] == [0, 0, 5, 5]
    assert [fault.retry_after_s for fault in came if isinstance(fault, Overloaded)] == [8, 8]


def test_the_more_conversations_go_on_the_more_may_begin() -> None:
    async def script() -> None:
        door = Door(places=100, newcomers=2)
        async with asyncio.timeout(1):
            for _ in range(10):
                await door.let_in(20)

    run_virtual(script())


def test_a_short_conversation_makes_room_for_the_next() -> None:
    async def script() -> None:
        loop, door = asyncio.get_running_loop(), Door(places=100, newcomers=2)
        async with asyncio.timeout(1):
            for _ in range(10):
                await door.let_in(1)
                door.left(loop.time())

    run_virtual(script())


def test_who_waited_in_line_is_refused_when_the_machine_is_busy_by_then() -> None:
    busy = waits(0.65, count=0)
    door = Door(busy, places=100, newcomers=1)

    async def second() -> None:
        await door.let_in(1)
        waiting = asyncio.create_task(door.let_in(1))
        await asyncio.sleep(1)
        for _ in range(10):
            busy.note(Caller("s"), time.monotonic() - 0.65)
        await waiting

    with pytest.raises(Overloaded, match="busy"):
        run_virtual(second())


async def looked(door: Door, busy_s: float) -> None:
    """The processors were busy for `busy_s` of the ten seconds that passed on them."""
    door.busy_s, door.passed_s = busy_s, 10.0
    async with door:
        await asyncio.sleep(0.3)


def test_busy_processors_keep_new_ones_out() -> None:
    door = Door()
    run_virtual(looked(door, 8.0))
    with pytest.raises(Overloaded, match="use 80%"):
        run_virtual(door.let_in(1))
    run_virtual(door.let_in(0))


@pytest.mark.parametrize(("busy_s", "room"), [(2.5, 8), (5.0, 2), (7.0, 0)])
def test_as_many_begin_at_once_as_the_processors_bear_if_they_cost_what_the_others_cost(
    busy_s: float, room: int
) -> None:
    door = Door(places=100)
    run_virtual(looked(door, busy_s))

    async def crowd() -> list[bool]:
        entries = [asyncio.create_task(door.let_in(4 + before)) for before in range(room + 1)]
        await asyncio.wait(entries, timeout=1)
        return [entry.done() and not entry.exception() for entry in entries]

    assert run_virtual(crowd()) == [True] * room + [False]


def test_as_many_as_processors_and_one_more_come_in_whatever_the_first_one_costs() -> None:
    door = Door(places=100, surely=3)
    run_virtual(looked(door, 9.5))
    for going_on in (0, 1, 2):
        run_virtual(door.let_in(going_on))
    with pytest.raises(Overloaded, match="use 95%"):
        run_virtual(door.let_in(3))


def test_other_programs_are_not_counted() -> None:
    own = OwnProcesses()
    before, _ = own.cpu_s()
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    try:
        psutil.Process(other.pid).cpu_times()
        own._processes = [psutil.Process()]  # as if somebody else had started it
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            time.sleep(0.05)
        after, _ = own.cpu_s()
    finally:
        other.kill()
        other.wait()
    assert after - before < 0.3


def test_processes_that_were_started_count_from_when_they_are_seen() -> None:
    own = OwnProcesses()
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            time.sleep(0.05)
        own.find()
        before, _ = own.cpu_s()
        while (used := own.cpu_s()[0] - before) < 0.2:
            time.sleep(0.05)
    finally:
        child.kill()
        child.wait()
    assert before < 0.4, "what it used before is not counted"
    assert used >= 0.2
