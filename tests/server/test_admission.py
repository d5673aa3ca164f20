"""Who may come in."""

from __future__ import annotations

import asyncio
import time

import pytest

from parley.errors import Overloaded
from parley.models.executor import Waits
from parley.models.interfaces import Caller, Priority
from parley.server.admission import Admission


def waits(waited_s: float, count: int = 10, priority: Priority = Priority.COMMITTED) -> Waits:
    found = Waits("voice")
    for _ in range(count):
        found.note(Caller("s", priority), time.monotonic() - waited_s)
    return found


def admission(*of: Waits) -> Admission:
    return Admission(3, 0.5, lambda: of)


def test_there_is_room_until_all_places_are_taken() -> None:
    admission().check(2)
    with pytest.raises(Overloaded, match="3 places") as refused:
        admission().check(3)
    assert refused.value.retry_after_s > 0


def test_while_others_wait_for_a_model_nobody_new_comes_in() -> None:
    with pytest.raises(Overloaded, match=r"voice: [67]\d\d ms") as refused:
        admission(waits(0.1), waits(0.65)).check(1)
    assert refused.value.retry_after_s == 10


def test_the_first_one_comes_in_however_slow_the_machine_is() -> None:
    admission(waits(3.0)).check(0)


@pytest.mark.parametrize("calm", [waits(0.3), waits(3.0, count=4), waits(3.0, priority=Priority.SPECULATIVE)])
def test_short_few_and_speculative_waits_keep_nobody_out(calm: Waits) -> None:
    admission(calm).check(2)


async def test_a_late_event_loop_keeps_new_ones_out() -> None:
    async with admission() as door:
        door.check(1)
        for _ in range(8):
            await asyncio.sleep(0.05)
            until = time.monotonic() + 0.4  # the loop is blocked on purpose
            while time.monotonic() < until:
                pass
        with pytest.raises(Overloaded, match="late"):
            door.check(1)
        door.check(0)
