"""Conversations on one network that is stepped for all at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import numpy as np
import pytest

from parley.adapters.slot_batch import Mask, SlotBatch
from parley.audio.pcm import Float32, Int16
from parley.errors import ModelError, Overloaded, UsageError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import DuplexFrame, DuplexOpening, DuplexSlot

FRAME_S = 0.08
SLOTS = 3
LATE_S = 0.4


class Counting:
    """Says how many frames a slot has had and the first sample of this one; may be held back, or fail."""

    slots = SLOTS
    rate_hz = 1000
    frame_samples = 80
    voices: Sequence[str] = ("ada",)
    late_s = LATE_S

    def __init__(self) -> None:
        self.had = np.zeros(SLOTS, int)
        self.ready: list[list[int]] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.stepping = threading.Event()
        self.fault = ""
        self.at_work: Callable[[], None] = lambda: None
        self.closed_in = ""
        self.told: list[tuple[int, Any, int]] = []
        """To whom what was told, behind how many frames."""

    def reset(self, which: Mask) -> None:
        self.had[which] = 0

    def lead(self, slot: int, opening: DuplexOpening) -> None:
        if opening.role == "too much":
            raise ValueError("too long")
        self.told.append((slot, opening, int(self.had[slot])))

    def whisper(self, slot: int, text: str) -> None:
        self.told.append((slot, text, int(self.had[slot])))

    def step(self, frames: Float32, ready: Mask) -> tuple[Int16, Sequence[str]]:
        self.stepping.set()
        assert self.may_go.wait(60)
        if self.fault:
            raise RuntimeError(self.fault)
        self.at_work()
        self.ready.append(np.flatnonzero(ready).tolist())
        self.had[ready] += 1
        assert not frames[~ready].any()
        sound = np.repeat(frames[:, :1], self.frame_samples, axis=1).astype(np.int16)
        return sound, [f"{had}" for had in self.had]

    def close(self) -> None:
        self.closed_in = threading.current_thread().name


class Bench:
    """A batch on a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.network = Counting()
        self.now = 100.0
        self.batch = SlotBatch("net", self.network, ModelExecutor("net"), clock=lambda: self.now)

    def takes(self, seconds: float) -> None:
        """From now on a step takes so long."""

        def at_work() -> None:
            self.now += seconds

        self.network.at_work = at_work

    async def held(self, *steps: Any) -> list[asyncio.Task[DuplexFrame]]:
        """Steps begun while the network is kept from going on behind the first of them."""
        self.network.may_go.clear()
        self.network.stepping.clear()
        first, *others = steps
        tasks = [asyncio.create_task(first)]
        assert await asyncio.to_thread(self.network.stepping.wait, 60)
        tasks += [asyncio.create_task(step) for step in others]
        await asyncio.sleep(0)
        return tasks


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    made.network.may_go.set()
    if not made.network.closed_in:
        await made.batch.aclose()


def frame(value: float = 1.0) -> Float32:
    return np.full(80, value, np.float32)


async def texts(slot: DuplexSlot, count: int) -> list[str]:
    return [(await slot.step(frame())).text for _ in range(count)]


async def test_what_is_ready_during_a_step_is_stepped_together_in_the_next(bench: Bench) -> None:
    a, b, c = [await bench.batch.open_slot() for _ in range(3)]
    tasks = await bench.held(a.step(frame(1)), b.step(frame(2)), c.step(frame(3)))
    bench.network.may_go.set()
    out = await asyncio.gather(*tasks)
    assert bench.network.ready == [[0], [1, 2]]
    assert bench.batch.steps == 2
    assert [int(one.samples[0]) for one in out] == [1, 2, 3]


async def test_a_slot_without_a_frame_does_not_go_forward(bench: Bench) -> None:
    a, b = await bench.batch.open_slot(), await bench.batch.open_slot()
    assert await texts(a, 3) == ["1", "2", "3"]
    assert await texts(b, 1) == ["1"]
    assert bench.network.had.tolist() == [3, 1, 0]


async def test_whoever_joins_begins_anew_and_touches_nobody(bench: Bench) -> None:
    a, b = await bench.batch.open_slot(), await bench.batch.open_slot()
    assert await texts(a, 2) + await texts(b, 2) == ["1", "2"] * 2
    await a.aclose()
    again = await bench.batch.open_slot()
    assert await texts(b, 1) + await texts(again, 1) + await texts(b, 1) == ["3", "1", "4"]


async def test_who_is_told_something_is_told_it_behind_the_reset_and_before_the_next_frame_of_his_own(
    bench: Bench,
) -> None:
    fox = DuplexOpening("a fox", voice="ada")
    await texts(await bench.batch.open_slot(), 1)
    b = await bench.batch.open_slot(fox)
    assert bench.network.told == []
    await texts(b, 2)
    await b.whisper("one")
    await b.whisper("two")
    await texts(b, 2)
    assert bench.network.told == [(1, fox, 0), (1, "one", 2), (1, "two", 2)]
    await b.whisper("too late")
    await b.aclose()
    await b.whisper("much too late")
    await texts(await bench.batch.open_slot(), 1)
    assert len(bench.network.told) == 3


async def test_who_cannot_take_what_he_is_told_fails_alone(bench: Bench) -> None:
    a = await bench.batch.open_slot()
    b = await bench.batch.open_slot(DuplexOpening("too much"))
    tasks = await bench.held(a.step(frame(1)), a_later := b.step(frame(2)))
    del a_later
    bench.network.may_go.set()
    await tasks[0]
    with pytest.raises(ModelError, match="net cannot take what it is told: ValueError: too long"):
        await tasks[1]
    assert await texts(a, 2) == ["2", "3"]
    await b.aclose()
    assert await texts(await bench.batch.open_slot(), 1) == ["1"]


async def test_a_voice_that_there_is_not_takes_no_slot(bench: Bench) -> None:
    with pytest.raises(ModelError, match="net has no voice 'eve'; there are ada"):
        await bench.batch.open_slot(DuplexOpening(voice="eve"))
    for _ in range(SLOTS):
        await bench.batch.open_slot()


async def test_slots_are_as_many_as_the_network_has_and_can_be_had_again(bench: Bench) -> None:
    slots = [await bench.batch.open_slot() for _ in range(SLOTS)]
    with pytest.raises(Overloaded, match="all 3 conversations that net can carry are under way"):
        await bench.batch.open_slot()
    await slots[1].aclose()
    await slots[1].aclose()
    await bench.batch.open_slot()
    with pytest.raises(Overloaded):
        await bench.batch.open_slot()


async def test_a_frame_that_is_cancelled_before_its_step_is_never_stepped(bench: Bench) -> None:
    a, b = await bench.batch.open_slot(), await bench.batch.open_slot()
    first, second = await bench.held(a.step(frame()), b.step(frame()))
    second.cancel()
    await asyncio.wait([second])
    bench.network.may_go.set()
    await first
    assert await texts(b, 1) == ["1"]
    assert bench.network.ready == [[0], [1]]


async def test_a_conversation_that_is_left_during_its_step_leaves_a_free_slot(bench: Bench) -> None:
    a = await bench.batch.open_slot()
    (task,) = await bench.held(a.step(frame()))
    task.cancel()
    await asyncio.wait([task])
    await a.aclose()
    again = await bench.batch.open_slot()
    bench.network.may_go.set()
    assert await texts(again, 2) == ["1", "2"]
    with pytest.raises(ModelError, match="is over"):
        await a.step(frame())


async def test_a_slot_that_is_closed_while_its_frame_waits_is_free_for_the_next(bench: Bench) -> None:
    a, b = await bench.batch.open_slot(), await bench.batch.open_slot()
    first, second = await bench.held(a.step(frame()), b.step(frame()))
    await b.aclose()
    again = await bench.batch.open_slot()
    third = asyncio.create_task(again.step(frame()))
    await asyncio.sleep(0)
    bench.network.may_go.set()
    assert ((await first).text, (await third).text) == ("1", "1")
    with pytest.raises(ModelError, match="is over"):
        await second


async def test_who_is_slower_than_speech_leaves_frames_out_and_keeps_up(bench: Bench) -> None:
    bench.takes(FRAME_S * 1.25)
    slot = await bench.batch.open_slot()
    out = [await slot.step(frame(7)) for _ in range(40)]  # each waits already when the one before is answered
    left_out = [one for one in out if not one.text]
    assert bench.batch.skipped == len(left_out) > 0
    assert not any(one.samples.any() for one in left_out), "silence"
    assert all(len(one.samples) == 80 for one in left_out)
    assert all(one.text for one in out[:20]), "it is less than LATE_S behind"
    assert bench.now - 100 <= 40 * FRAME_S + LATE_S + FRAME_S, "it has kept up"
    assert [int(one.text) for one in out if one.text] == list(range(1, 41 - len(left_out))), (
        "what is left out is not taken"
    )


@pytest.mark.parametrize("pause_s", [FRAME_S, 30.0], ids=["in time", "after a long pause"])
async def test_who_speaks_in_real_time_or_pauses_is_never_late(bench: Bench, pause_s: float) -> None:
    slot = await bench.batch.open_slot()
    for _ in range(100):
        await slot.step(frame())
        bench.now += pause_s
    assert not bench.batch.skipped


async def test_sound_that_comes_all_at_once_is_stepped_as_fast_as_the_network_can(bench: Bench) -> None:
    slot = await bench.batch.open_slot()
    assert (await texts(slot, 100))[-1] == "100"


async def test_a_network_that_fails_is_said_to_everybody(bench: Bench) -> None:
    a, b = await bench.batch.open_slot(), await bench.batch.open_slot()
    tasks = await bench.held(a.step(frame()), b.step(frame()))
    bench.network.fault = "the device is lost"
    bench.network.may_go.set()
    for fault in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(fault, ModelError)
        assert "net failed and has to be loaded anew: RuntimeError: the device is lost" in str(fault)
    with pytest.raises(ModelError, match="the device is lost"):
        await bench.batch.open_slot()


async def test_one_frame_at_a_time_and_of_the_right_size(bench: Bench) -> None:
    a, b = await bench.batch.open_slot(), await bench.batch.open_slot()
    tasks = await bench.held(a.step(frame()), b.step(frame()), b.step(frame()))
    bench.network.may_go.set()
    assert isinstance((await asyncio.gather(*tasks, return_exceptions=True))[2], UsageError)
    with pytest.raises(UsageError, match="a frame has 80 samples, got 10"):
        await a.step(np.zeros(10, np.float32))


async def test_unloading_ends_the_step_under_way_in_the_networks_own_thread(bench: Bench) -> None:
    a = await bench.batch.open_slot()
    (task,) = await bench.held(a.step(frame()))
    closing = asyncio.create_task(bench.batch.aclose())
    await asyncio.sleep(0)
    with pytest.raises(ModelError, match="was unloaded"):
        await a.step(frame())
    bench.network.may_go.set()
    assert (await task).text == "1"
    await closing
    await bench.batch.aclose()
    assert bench.network.closed_in == "net-0"


async def test_a_network_that_hangs_does_not_keep_the_server_from_ending(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parley.adapters.slot_batch._ENDS_S", 0.01)
    a = await bench.batch.open_slot()
    (task,) = await bench.held(a.step(frame()))
    await bench.batch.aclose()
    bench.network.may_go.set()
    bench.network.closed_in = "never"
    assert (await task).text == "1"
