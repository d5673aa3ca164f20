"""The life of models in memory: every setting on a virtual clock, and thousands of random steps."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.errors import ModelError, ModelNotFound, Overloaded, UsageError
from parley.models.interfaces import ModelSpec
from parley.models.manager import ModelManager
from parley.models.resident import ManagerSettings
from tests.virtual_time import run_virtual

NAMES = ("a", "b", "c", "d", "e")


class Model:
    """Something that is loaded and closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False
        self.warm = False

    def close(self) -> None:
        assert not self.closed
        self.closed = True


class World:
    """A manager with models that take a second to load."""

    def __init__(self, **given: Any) -> None:
        self.made: list[Model] = []
        self.loading = self.most_loading = 0
        self.broken: set[str] = set()
        self.memory_mb = self.gpu_mb = 0.0
        self.takes_mb: tuple[float, ...] = ()
        """What the process has, tenths of a second apart, while a model is loaded."""
        specs = {name: ModelSpec(name, "fake") for name in NAMES}
        self.manager = ModelManager(
            specs,
            ManagerSettings(**{"default_model_id": "a", **given}),
            load=self.load,
            warm_up=self.warm_up,
            memory_mb=lambda: self.memory_mb,
            gpu_mb=lambda: self.gpu_mb,
        )

    async def load(self, spec: ModelSpec) -> Model:
        self.loading += 1
        self.most_loading = max(self.most_loading, self.loading)
        try:
            for taken_mb in self.takes_mb:
                self.memory_mb = taken_mb
                await asyncio.sleep(0.15)
            await asyncio.sleep(1.0)
            if spec.id in self.broken:
                raise OSError("no such file")
        finally:
            self.loading -= 1
        self.made.append(Model(spec.id))
        return self.made[-1]

    async def warm_up(self, model: Model) -> None:
        model.warm = True

    @property
    def resident(self) -> set[str]:
        return {name for name, r in self.manager.models.items() if r.state == "resident"}

    async def use(self, name: str) -> None:
        async with self.manager.holding(name):
            pass


def play(world: World, script: Coroutine[Any, Any, None]) -> None:
    async def whole() -> None:
        async with world.manager:
            await script
        assert all(m.closed for m in world.made)

    run_virtual(whole(), limit_s=10_000_000)


def test_the_default_and_the_preloaded_are_there_and_warm_from_the_start() -> None:
    world = World(preload_model_ids=("c",))

    async def script() -> None:
        assert world.resident == {"a", "c"}
        assert all(m.warm for m in world.made)
        async with world.manager.holding("") as model:
            assert model.name == "a"

    play(world, script())


@pytest.mark.parametrize("given", [{"default_model_id": "x"}, {"preload_model_ids": ("a", "x")}])
def test_a_model_that_does_not_exist_is_named_at_once(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="'x'"):
        World(**given)


def test_a_model_idle_for_longer_than_its_time_goes_at_the_next_look() -> None:
    world = World(ttl_ms=60_000, min_residency_ms=0, evict_check_interval_ms=10_000)

    async def script() -> None:
        await world.use("b")
        await asyncio.sleep(59)
        assert "b" in world.resident
        await asyncio.sleep(12)
        assert world.resident == {"a"}, "the default stays, however idle"
        assert world.manager.evictions == 1

    play(world, script())


def test_a_model_that_somebody_holds_stays() -> None:
    world = World(ttl_ms=1000, min_residency_ms=0, evict_check_interval_ms=1000)

    async def script() -> None:
        async with world.manager.holding("b"):
            await asyncio.sleep(100)
            assert "b" in world.resident
            with pytest.raises(Overloaded, match="in use by 1"):
                await world.manager.unload("b")
        await asyncio.sleep(3)
        assert "b" not in world.resident

    play(world, script())


def test_nothing_goes_before_its_minimum_residency() -> None:
    world = World(ttl_ms=0, min_residency_ms=120_000, evict_check_interval_ms=1000, resident_cap=1)

    async def script() -> None:
        await world.use("b")
        await asyncio.sleep(118)
        assert "b" in world.resident
        await asyncio.sleep(5)
        assert "b" not in world.resident

    play(world, script())


def test_above_the_cap_the_least_recently_used_goes() -> None:
    world = World(resident_cap=3, min_residency_ms=0)

    async def script() -> None:
        for name in ("b", "c", "b", "d"):
            await world.use(name)
            await asyncio.sleep(1)
        assert world.resident == {"a", "b", "d"}

    play(world, script())


def test_the_look_comes_as_often_as_set() -> None:
    world = World(ttl_ms=0, min_residency_ms=0, evict_check_interval_ms=7000)

    async def script() -> None:
        await world.use("b")  # loaded after one second
        await asyncio.sleep(5.9)
        assert "b" in world.resident
        await asyncio.sleep(0.2)
        assert "b" not in world.resident

    play(world, script())


@pytest.mark.parametrize("at_once", [1, 2])
def test_only_so_many_models_load_at_once_and_callers_share_a_load(at_once: int) -> None:
    world = World(max_parallel_loads=at_once, resident_cap=9)

    async def script() -> None:
        await asyncio.gather(*(world.use(name) for name in ("b", "b", "c", "d", "b")))
        assert world.most_loading == at_once
        assert len(world.made) == 4

    play(world, script())


def test_who_gives_up_waiting_does_not_end_the_load_of_others() -> None:
    world = World()

    async def script() -> None:
        first, second = (asyncio.create_task(world.manager.acquire("b")) for _ in range(2))
        await asyncio.sleep(0.5)
        first.cancel()
        model = await second
        assert world.manager.get("b").references == 1
        await world.manager.release("b", model)

    play(world, script())


def test_a_load_that_fails_is_told_to_everybody_and_can_be_tried_again() -> None:
    world = World()
    world.broken = {"b"}

    async def script() -> None:
        results = await asyncio.gather(*(world.manager.acquire("b") for _ in range(2)), return_exceptions=True)
        assert all(isinstance(r, ModelError) for r in results)
        assert world.manager.get("b").state == "failed"
        assert "no such file" in world.manager.get("b").error
        world.broken = set()
        await world.use("b")
        assert world.resident == {"a", "b"}
        with pytest.raises(ModelNotFound, match="known: a, b"):
            await world.manager.load("x")

    play(world, script())


def test_a_reload_replaces_the_model_and_leaves_the_old_one_to_who_holds_it() -> None:
    world = World()

    async def script() -> None:
        old = await world.manager.acquire("a")
        await world.manager.reload("a")
        async with world.manager.holding("a") as new:
            assert new is not old
            assert not old.closed
            await world.manager.release("a", old)
            assert old.closed

    play(world, script())


def test_above_the_memory_ceiling_idle_models_go_and_then_loads_are_refused() -> None:
    world = World(memory_limit_mb=1000, resident_cap=9)

    async def script() -> None:
        await world.use("b")
        world.memory_mb = 1200.0
        held = asyncio.create_task(world.manager.acquire("c"))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="ceiling memory_limit_mb is 1000"):
            await held
        assert world.resident == {"a"}, "what nobody held went first"

    play(world, script())


@settings(max_examples=int(os.environ.get("TEST_EXAMPLES", "80")) // 8)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("hold", "let go", "reload", "unload", "wait", "break", "mend")),
            st.sampled_from(NAMES),
            st.integers(0, 200),
        ),
        min_size=20,
        max_size=40,
    )
)
def test_whatever_happens_the_invariants_hold(steps: list[tuple[str, str, int]]) -> None:
    world = World(ttl_ms=100_000, min_residency_ms=20_000, evict_check_interval_ms=5_000, resident_cap=3)
    held: list[tuple[str, Model]] = []

    async def hold(name: str) -> None:
        try:
            held.append((name, await world.manager.acquire(name)))
        except ModelError:
            assert name in world.broken

    async def act(kind: str, name: str, seconds: int) -> None:
        match kind:
            case "hold":
                await hold(name)
            case "let go" if held:
                await world.manager.release(*held.pop(seconds % len(held)))
            case "reload":
                with suppress(ModelError):  # broken models do not load
                    await world.manager.reload(name)
            case "unload" if name not in {n for n, _ in held}:
                await world.manager.unload(name)
            case "wait":
                await asyncio.sleep(seconds)
            case "break":
                world.broken.add(name)
            case "mend":
                world.broken.discard(name)

    async def script() -> None:
        under_way: list[asyncio.Task[None]] = []
        for kind, name, seconds in steps:
            under_way.append(asyncio.create_task(act(kind, name, seconds)))
            if seconds % 3:  # else the next step begins beside it
                await asyncio.wait(under_way)
            check()
        await asyncio.gather(*under_way)
        check()
        for name, model in held:
            await world.manager.release(name, model)
        await asyncio.sleep(300)
        assert world.resident <= {"a"}, "what nobody holds goes in the end"
        assert sum(not m.closed for m in world.made) == len(world.resident)

    def check() -> None:
        for _, model in held:
            assert not model.closed, "a model that somebody holds was closed"
        for name, resident in world.manager.models.items():
            in_hand = sum(n == name for n, _ in held)
            counted = resident.references + sum(n for _, n in resident.outgoing)
            assert resident.references >= 0
            assert counted >= in_hand
            assert (resident.model is not None) == (resident.state == "resident")

    play(world, script())


def test_what_a_model_takes_is_noted_at_its_most_and_once_it_is_there() -> None:
    world = World()

    async def script() -> None:
        world.memory_mb, world.takes_mb = 100.0, (900.0, 2500.0, 700.0)
        world.gpu_mb = 50.0
        loading = world.manager.load_in_background("b")
        await asyncio.sleep(0.3)
        world.gpu_mb = 4050.0
        await loading
        took = world.manager.models["b"].took
        assert (took.memory_mb, took.peak_mb, took.gpu_mb) == (600.0, 2400.0, 4000.0)
        world.broken.add("c")
        with suppress(ModelError):
            await world.manager.load("c")
        assert world.manager.models["c"].took.memory_mb == 0
        assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("memory of")]

    play(world, script())
