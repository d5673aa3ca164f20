"""Who is served first, and who gets which place."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from parley.errors import Overloaded, RequestAbandoned
from parley.models.executor import MOST_OF_ONE, ModelExecutor, Slots
from parley.models.interfaces import Caller, Priority


async def test_an_owner_gets_the_place_that_it_had_before() -> None:
    slots = Slots("llm", 2)
    async with slots.take(Caller("a")) as first, slots.take(Caller("b")) as second:
        assert {first, second} == {0, 1}
    for owner, place in (("b", second), ("a", first), ("b", second)):
        async with slots.take(Caller(owner)) as again:
            assert again == place


async def test_an_owner_that_had_two_places_at_once_gets_the_one_that_it_left_last() -> None:
    slots = Slots("llm", 2)
    async with slots.take(Caller("a")) as early, slots.take(Caller("a")) as late:
        assert early != late
    for _ in range(3):  # `late` was left first
        async with slots.take(Caller("a")) as again:
            assert again == early


async def test_each_thing_that_an_owner_asks_about_has_a_place_of_its_own() -> None:
    slots, places = Slots("llm", 1, places=3), dict[str, int]()
    for about in ("Ada", "Ben", "asked", "Ada", "Ben", "Ben", "asked", "Ada"):
        async with slots.take(Caller("a", about=about)) as place:
            assert places.setdefault(about, place) == place
    assert len(set(places.values())) == 3


async def test_a_new_owner_gets_the_place_that_was_left_longest_ago() -> None:
    slots = Slots("llm", 1, places=3)
    places = {}
    for owner in "abcab":
        async with slots.take(Caller(owner)) as places[owner]:
            pass
    async with slots.take(Caller("d")) as place:
        assert place == places["c"]


async def test_the_urgent_goes_first_and_a_cancelled_request_takes_nobodys_turn() -> None:
    slots, order = Slots("llm", 1), list[str]()

    async def ask(owner: str, priority: Priority) -> None:
        async with slots.take(Caller(owner, priority)):
            order.append(owner)

    async with slots.take(Caller("holder")):
        waiting = [
            asyncio.create_task(ask("speculative", Priority.SPECULATIVE)),
            asyncio.create_task(ask("given up", Priority.COMMITTED)),
            asyncio.create_task(ask("committed", Priority.COMMITTED)),
        ]
        await asyncio.sleep(0)
        assert slots.waiting == 3
        waiting[1].cancel()
    await asyncio.wait(waiting)
    assert order == ["committed", "speculative"]
    assert slots.idle


async def test_a_full_queue_refuses() -> None:
    slots = Slots("llm", 1, max_waiting=0)
    async with slots.take(Caller("a")):
        with pytest.raises(Overloaded, match="llm"):
            async with slots.take(Caller("b")):
                pass


async def test_a_place_is_not_taken_for_what_is_not_wanted_any_more() -> None:
    slots = Slots("llm", 1)
    with pytest.raises(RequestAbandoned):
        async with slots.take(Caller("a", wanted=lambda: False)):
            pass
    assert slots.idle


async def test_a_job_that_is_not_wanted_when_its_turn_comes_does_not_run() -> None:
    executor, gate, done = ModelExecutor("asr"), threading.Event(), list[str]()
    loop, entered = asyncio.get_running_loop(), asyncio.Event()
    went_on = False

    def hold() -> None:
        loop.call_soon_threadsafe(entered.set)
        gate.wait()

    holding = asyncio.create_task(executor.run(hold, Caller("a")))
    await entered.wait()
    stale = asyncio.create_task(executor.run(partial(done.append, "b"), Caller("b", wanted=lambda: not went_on)))
    fresh = asyncio.create_task(executor.run(partial(done.append, "c"), Caller("c")))
    await asyncio.sleep(0)
    went_on = True
    gate.set()
    with pytest.raises(RequestAbandoned):
        await stale
    await asyncio.gather(holding, fresh)
    executor.close()
    assert done == ["c"]


async def order_of(jobs: Sequence[tuple[str, float | None]]) -> list[str]:
    """Who is served in which order, of jobs asked while one of `greedy` runs: owners and when they are due."""
    executor, order = ModelExecutor("tts"), list[str]()
    gate, entered = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold() -> None:
        loop.call_soon_threadsafe(entered.set)
        gate.wait()

    holding = asyncio.create_task(executor.run(hold, Caller("greedy")))
    await entered.wait()
    waiting = [
        asyncio.create_task(executor.run(partial(order.append, owner), Caller(owner), within_s=within_s))
        for owner, within_s in jobs
    ]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(holding, *waiting)
    executor.close()
    return order


async def test_an_executor_lets_others_go_before_who_was_just_served() -> None:
    assert await order_of([("greedy", None), ("modest", None)]) == ["modest", "greedy"]


async def test_what_is_due_goes_first_whoever_was_served() -> None:
    jobs = [("far ahead", 5.0), ("greedy", 0.0), ("soon", 1.0)]
    assert await order_of(jobs) == ["greedy", "soon", "far ahead"]


async def busy(executor: ModelExecutor, held: threading.Event) -> asyncio.Task[bool]:
    """A job that runs until `held` is set; it runs already."""
    runs, loop = asyncio.Event(), asyncio.get_running_loop()

    def work() -> bool:
        loop.call_soon_threadsafe(runs.set)
        return held.wait()

    task = asyncio.create_task(executor.run(work, Caller("first")))
    await runs.wait()
    return task


async def test_one_owner_does_not_fill_the_places_of_all() -> None:
    executor, held = ModelExecutor("model"), threading.Event()
    first = await busy(executor, held)
    waiting = [asyncio.create_task(executor.run(held.wait, Caller("greedy"))) for _ in range(MOST_OF_ONE)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="requests of yours"):
        await executor.run(held.wait, Caller("greedy"))
    other = asyncio.create_task(executor.run(held.wait, Caller("other")))
    await asyncio.sleep(0)
    held.set()
    assert all(await asyncio.gather(first, other, *waiting))
    assert await executor.run(held.wait, Caller("greedy"))
    executor.close()


async def test_one_owner_does_not_fill_a_queue_for_slots() -> None:
    slots = Slots("model", 1)
    async with slots.take(Caller("first")):
        waiting = [asyncio.create_task(_taken(slots, "greedy")) for _ in range(MOST_OF_ONE)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="requests of yours"):
            await _taken(slots, "greedy")
        other = asyncio.create_task(_taken(slots, "other"))
        await asyncio.sleep(0)
    await asyncio.gather(other, *waiting)
    await _taken(slots, "greedy")


async def _taken(slots: Slots, owner: str) -> None:
    async with slots.take(Caller(owner)):
        pass


async def test_what_nobody_listens_to_goes_behind_all_that_is_live() -> None:
    executor, held = ModelExecutor("model"), threading.Event()
    order: list[Priority] = []
    first = await busy(executor, held)
    later = [
        asyncio.create_task(executor.run(partial(order.append, priority), Caller(priority.name, priority)))
        for priority in sorted(Priority, reverse=True)
    ]
    await asyncio.sleep(0)
    held.set()
    await asyncio.gather(first, *later)
    assert order == sorted(Priority)
    assert order[-1] is Priority.BACKGROUND
    executor.close()


def test_a_process_ends_only_when_its_models_threads_have(tmp_path: Path) -> None:
    program = tmp_path / "work.py"
    program.write_text(
        "import asyncio, threading\n"
        "from parley.models.executor import ModelExecutor\n"
        "from parley.models.interfaces import Caller\n"
        "begun, pause = threading.Event(), threading.Event()\n"
        "def work():\n"
        "    begun.set()\n"
        "    pause.wait(0.5)\n"
        "    print('done', flush=True)\n"
        "async def ask():\n"
        "    asking = asyncio.create_task(ModelExecutor('it').run(work, Caller()))\n"
        "    await asyncio.to_thread(begun.wait)\n"
        "    asking.cancel()\n"
        "asyncio.run(ask())\n"
    )
    ended = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
    assert ended.stdout == "done\n"
