"""The life of models in memory: loaded when asked for, kept while somebody holds them, evicted when nobody does.

A model is absent, loading, resident or failed. `acquire` and `release` count who holds it; a model that somebody
holds is never unloaded. Eviction takes models that nobody held for `ttl_ms`, and beyond `resident_cap` or the memory
ceiling the least recently used ones; none before it was resident for `min_residency_ms`, and never the default.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import structlog

from parley.errors import ModelError, ModelNotFound, Overloaded, UsageError
from parley.models.interfaces import ModelSpec
from parley.models.plugins import close
from parley.models.resident import ManagerSettings, Resident, State, measured

log = structlog.get_logger("model")


class ModelManager:
    """Use as ``async with``: loads the default and the preloaded models, unloads everything at the end.

    `load` makes a model of its description, `warm_up` runs it once; `memory_mb` tells what the process uses, `gpu_mb`
    what it uses of GPUs.
    Used from one event loop.
    """

    def __init__(
        self,
        specs: Mapping[str, ModelSpec],
        settings: ManagerSettings,
        *,
        load: Callable[[ModelSpec], Awaitable[Any]],
        warm_up: Callable[[Any], Awaitable[None]],
        memory_mb: Callable[[], float] = lambda: 0.0,
        gpu_mb: Callable[[], float] = lambda: 0.0,
    ) -> None:
        for wanted in (settings.default_model_id, *settings.preload_model_ids):
            if wanted not in specs:
                raise UsageError(f"the model '{wanted}' is not among this worker's: {', '.join(sorted(specs))}")
        self.settings = settings
        self.models = {name: Resident(spec) for name, spec in specs.items()}
        self._load = load
        self._warm_up = warm_up
        self._memory_mb, self._gpu_mb = memory_mb, gpu_mb
        self._loads = asyncio.Semaphore(settings.max_parallel_loads)
        self._evictor: asyncio.Task[None] | None = None
        self.evictions = 0
        self.on_change: Callable[[], None] = lambda: None
        """Called when a model's state changes."""

    async def __aenter__(self) -> Self:
        """Load what has to be there; raises `ModelError`."""
        wanted = dict.fromkeys((self.settings.default_model_id, *self.settings.preload_model_ids))
        try:
            for name in wanted:
                await self.load(name)
        except BaseException:
            await self.aclose()
            raise
        self._evictor = asyncio.create_task(self._evict_now_and_then(), name="evict models")
        return self

    async def __aexit__(self, *fault: object) -> None:
        """Unload everything."""
        await self.aclose()

    async def aclose(self) -> None:
        """Stop loading, unload everything, whoever holds it."""
        tasks = [r.loading for r in self.models.values() if r.loading is not None]
        if self._evictor is not None:
            tasks.append(self._evictor)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for resident in self.models.values():
            for model, _ in resident.outgoing:
                await close(model)
            resident.outgoing.clear()
            if resident.model is not None:
                await self._drop(resident)

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def get(self, name: str) -> Resident:
        """A model's place; empty: the default's. Raises `ModelNotFound`."""
        resident = self.models.get(name or self.settings.default_model_id)
        if resident is None:
            raise ModelNotFound(f"no model is called '{name}' here; known: {', '.join(sorted(self.models))}")
        return resident

    # -- loading --------------------------------------------------------------------------------------

    async def load(self, name: str) -> Resident:
        """Have a model resident; many callers share one load. Raises `ModelNotFound`, `ModelError`, `Overloaded`."""
        resident = self.get(name)
        if resident.state != "resident":
            await asyncio.shield(self.load_in_background(name))
        return resident

    def load_in_background(self, name: str) -> asyncio.Task[None]:
        """Begin to load unless it is there or under way; its state tells how that went."""
        resident = self.get(name)
        if resident.loading is None or resident.loading.done():
            self._set(resident, "resident" if resident.state == "resident" else "loading")
            resident.loading = asyncio.create_task(self._bring(resident), name=f"load {resident.spec.id}")
            resident.loading.add_done_callback(_retrieved)
        return resident.loading

    async def _bring(self, resident: Resident) -> None:
        if resident.state == "resident":
            return
        try:
            model = await self._made(resident)
        except asyncio.CancelledError:
            self._set(resident, "absent")
            raise
        except Exception as fault:
            resident.error = str(fault)
            self._set(resident, "failed")
            raise
        self._install(resident, model)
        await self.evict()

    async def _made(self, resident: Resident) -> Any:
        async with self._loads:
            await self._make_room(resident)
            began = self._now
            async with measured(resident, self._memory_mb, self._gpu_mb):
                try:
                    model = await self._load(resident.spec)
                except (OSError, RuntimeError, ValueError) as fault:
                    raise ModelError(f"{resident.spec.id} could not be loaded: {fault}") from fault
                try:
                    await self._warm_up(model)
                except BaseException:
                    await close(model)
                    raise
            resident.load_s = self._now - began
            return model

    def _install(self, resident: Resident, model: Any) -> None:
        resident.model, resident.error = model, ""
        resident.loaded_at = resident.used_at = self._now
        self._set(resident, "resident")
        took = resident.took
        log.info(
            "model loaded", model=resident.spec.id, seconds=round(resident.load_s, 2), memory_mb=round(took.memory_mb),
            peak_mb=round(took.peak_mb), gpu_mb=round(took.gpu_mb),
        )  # fmt: skip

    def _set(self, resident: Resident, state: State) -> None:
        if resident.state != state:
            resident.state = state
            self.on_change()

    async def reload(self, name: str) -> None:
        """Read a resident model's files anew; who holds the old one keeps it. An absent model is loaded."""
        resident = self.get(name)
        if resident.state != "resident":
            await self.load(name)
            return
        model = await self._made(resident)
        if resident.state != "resident":  # it went meanwhile
            await close(model)
            return
        old, held = resident.model, resident.references
        resident.references = 0
        self._install(resident, model)
        if held:
            resident.outgoing.append((old, held))
        else:
            await close(old)

    # -- holding --------------------------------------------------------------------------------------

    async def acquire(self, name: str) -> Any:
        """Load a model if need be and hold it; every `acquire` needs a `release` of what it returned."""
        resident = await self.load(name)
        while resident.state != "resident":  # evicted between the load and here
            await self.load(name)
        resident.references += 1
        resident.used_at = self._now
        return resident.model

    async def release(self, name: str, model: Any) -> None:
        """Let go of a model."""
        resident = self.get(name)
        resident.used_at = self._now
        if model is resident.model:
            resident.references -= 1
            return
        for index, (old, held) in enumerate(resident.outgoing):
            if old is model:
                resident.outgoing[index] = (old, held - 1)
                if held == 1:
                    del resident.outgoing[index]
                    await close(old)
                return

    @asynccontextmanager
    async def holding(self, name: str) -> AsyncIterator[Any]:
        """Hold a model."""
        model = await self.acquire(name)
        try:
            yield model
        finally:
            await self.release(name, model)

    # -- leaving --------------------------------------------------------------------------------------

    async def unload(self, name: str) -> None:
        """Unload now; raises `Overloaded` while somebody holds it."""
        resident = self.get(name)
        if resident.references:
            raise Overloaded(f"{resident.spec.id} is in use by {resident.references}; end those sessions first")
        if resident.state == "resident":
            await self._drop(resident)

    async def evict(self) -> list[str]:
        """Unload what has had its time; returns the names."""
        gone = [r for r in self._candidates() if self._now - r.used_at > self.settings.ttl_ms / 1000]
        while self._resident_count - len(gone) > self.settings.resident_cap:
            more = next((r for r in self._candidates() if r not in gone), None)
            if more is None:
                break
            gone.append(more)
        for resident in gone:
            await self._evict(resident)
        return [r.spec.id for r in gone]

    async def _make_room(self, resident: Resident) -> None:
        """Below the memory ceiling, as far as that can be had; raises `Overloaded`."""
        limit = self.settings.memory_limit_mb
        while limit is not None and self._memory_mb() > limit:
            candidates = [r for r in self._candidates(early=True) if r is not resident]
            if not candidates:
                raise Overloaded(
                    f"{resident.spec.id} is not loaded: the process uses {self._memory_mb():.0f} MB, its ceiling "
                    f"memory_limit_mb is {limit}, and every model is in use"
                )
            await self._evict(candidates[0])

    def _candidates(self, *, early: bool = False) -> list[Resident]:
        """Models that may go, the least recently used first."""
        old_enough = 0.0 if early else self.settings.min_residency_ms / 1000
        free = [
            r
            for name, r in self.models.items()
            if r.state == "resident"
            and not r.references
            and name != self.settings.default_model_id
            and self._now - r.loaded_at >= old_enough
        ]
        return sorted(free, key=lambda r: r.used_at)

    @property
    def _resident_count(self) -> int:
        return sum(r.state == "resident" for r in self.models.values())

    async def _evict(self, resident: Resident) -> None:
        idle = round(self._now - resident.used_at)
        await self._drop(resident)
        self.evictions += 1
        log.info("model evicted", model=resident.spec.id, idle_s=idle)

    async def _drop(self, resident: Resident) -> None:
        model, resident.model = resident.model, None
        resident.references = 0
        self._set(resident, "absent")
        await close(model)

    async def _evict_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self.settings.evict_check_interval_ms / 1000)
            await self.evict()


def _retrieved(task: asyncio.Task[None]) -> None:
    """Nobody need wait for a load: its state carries the fault."""
    if not task.cancelled():
        task.exception()
