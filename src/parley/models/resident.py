"""A model in memory, and how long it stays there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from parley.models.interfaces import ModelSpec

_LOOK_S = 0.1
"""How often it is looked what a model that is being loaded takes."""
State = Literal["absent", "loading", "resident", "failed"]


class ManagerSettings(BaseModel):
    """How long models stay; all times in milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default_model_id: str = Field(description="Model of a session that names none; loaded at the start, never evicted.")
    preload_model_ids: tuple[str, ...] = Field((), description="Further models to load at the start.")
    max_parallel_loads: int = Field(1, ge=1, description="Models that load at the same time.")
    resident_cap: int = Field(3, ge=1, description="Models kept in memory; beyond it the least recently used goes.")
    ttl_ms: int = Field(600_000, ge=0, description="A model that nobody used for so long is unloaded ...")
    min_residency_ms: int = Field(120_000, ge=0, description="... but not before it was resident for so long.")
    evict_check_interval_ms: int = Field(30_000, ge=1, description="How often that is looked at.")
    memory_limit_mb: int | None = Field(
        None, ge=1, description="Memory of the worker's process above which models that nobody holds go at once."
    )


@dataclass(slots=True)
class Took:
    """Memory that a model takes, in MB: what there was more of once it was loaded and had run once."""

    memory_mb: float = 0.0
    """Of the process; nothing where others were unloaded meanwhile."""
    peak_mb: float = 0.0
    """The most while it was loaded."""
    gpu_mb: float = 0.0


@dataclass(slots=True)
class Resident:
    """A model's place in the manager."""

    spec: ModelSpec
    state: State = "absent"
    model: Any = None
    references: int = 0
    loaded_at: float = 0.0
    used_at: float = 0.0
    load_s: float = 0.0
    took: Took = field(default_factory=Took)
    """When it was loaded last."""
    error: str = ""
    loading: asyncio.Task[None] | None = None
    outgoing: list[tuple[Any, int]] = field(default_factory=list)
    """Older instances that were replaced while somebody held them, with how many still do."""


@asynccontextmanager
async def measured(
    resident: Resident, memory_mb: Callable[[], float], gpu_mb: Callable[[], float]
) -> AsyncIterator[None]:
    """Note what memory a model takes that is loaded in the block; of several at once each gets what all of them take.

    `memory_mb`, `gpu_mb`: what the process has.
    """
    before_mb, before_gpu_mb = memory_mb(), gpu_mb()
    peak_mb = before_mb

    async def watch() -> None:
        nonlocal peak_mb
        while True:
            peak_mb = max(peak_mb, memory_mb())
            await asyncio.sleep(_LOOK_S)

    watching = asyncio.create_task(watch(), name=f"memory of {resident.spec.id}")
    try:
        yield
    finally:
        watching.cancel()
    now_mb = memory_mb()
    resident.took = Took(
        max(0.0, now_mb - before_mb), max(peak_mb, now_mb) - before_mb, max(0.0, gpu_mb() - before_gpu_mb)
    )
