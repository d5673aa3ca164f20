"""The price file: what machines cost and how long an engine's steps take on them; each figure says where it is from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from parley import checked_yaml
from parley.errors import UsageError

Origin = Literal["measured", "stated", "assumed"]
"""Measured by us or by who wrote the file; stated by somebody else; assumed: worked out, or a usual value."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=600)]
Slots = Annotated[int, Field(ge=1, le=1000)]
SHIPPED = "prices.yaml"
T = TypeVar("T", "Machine", "Engine")


class Strict(BaseModel):
    """A part of a file: what it does not know it refuses, and what was read does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Sourced(Strict):
    origin: Origin
    source: Text
    """In words: who said it, when, or how it comes about."""


class Machine(_Sourced):
    """What is rented as one pod, or stands under a table."""

    name: Name
    memory_gb: float | None = Field(None, gt=0)
    """Of the GPU; of a machine without one its own. 10^9 bytes. None: not known, so it is not looked at."""
    an_hour: float = Field(ge=0)
    """Price of an hour, in the file's currency; the lowest one, at which the provider may take the machine away."""
    on_demand: float | None = Field(None, ge=0)
    """Price of an hour of a machine that nobody takes away; None: the same."""

    def price(self, *, on_demand: bool) -> float:
        """Of an hour."""
        return self.an_hour if self.on_demand is None or not on_demand else self.on_demand


class Engine(_Sourced):
    """What answers, as far as it decides what a machine carries."""

    name: Name
    frame_ms: float | None = Field(None, gt=0)
    """How long the sound of one step is; None: it does not go in steps."""
    share: float = Field(0.9, gt=0, le=1)
    """How much of a frame its step may take; the rest is for the codec, the network and what else the machine does."""
    weights_gb: float = Field(0.0, ge=0)
    session_gb: float = Field(0.0, ge=0)
    """Memory that each conversation takes beside the weights; 0: it does not count."""


class Carries(_Sourced):
    """What one machine carries of one engine: by the time that its steps take, or as a number of conversations."""

    engine: Name
    machine: Name
    step_ms: dict[Slots, Annotated[float, Field(gt=0)]] | None = Field(None, min_length=1)
    """By how many conversations are stepped together."""
    users: int | None = Field(None, ge=0, le=1000)

    @model_validator(mode="after")
    def _one_of_two(self) -> Carries:
        if (self.step_ms is None) == (self.users is None):
            raise ValueError("either step_ms or users is given")
        if self.step_ms is not None:
            times = [self.step_ms[slots] for slots in sorted(self.step_ms)]
            if times != sorted(times):
                raise ValueError("step_ms: a step of more conversations cannot take less time")
        return self


class Storage(_Sourced):
    """A volume that all pods share."""

    a_gb_month: float = Field(ge=0)


class Prices(Strict):
    """A whole price file, consistent in itself."""

    date: Date
    """When the oldest of the prices was looked up."""
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    days_a_month: float = Field(30, gt=0, le=31)
    storage: Storage
    machines: tuple[Machine, ...] = Field(min_length=1, max_length=100)
    engines: tuple[Engine, ...] = Field(min_length=1, max_length=100)
    capacity: tuple[Carries, ...] = Field(max_length=1000)

    @model_validator(mode="after")
    def _consistent(self) -> Prices:
        _unique("machines", [one.name for one in self.machines])
        _unique("engines", [one.name for one in self.engines])
        _unique("capacity", [f"{one.engine} on {one.machine}" for one in self.capacity])
        engines, machines = {one.name: one for one in self.engines}, {one.name for one in self.machines}
        for number, one in enumerate(self.capacity):
            if one.engine not in engines:
                raise ValueError(f"capacity.{number}.engine: '{one.engine}' is none of {', '.join(engines)}")
            if one.machine not in machines:
                raise ValueError(f"capacity.{number}.machine: '{one.machine}' is none of {', '.join(sorted(machines))}")
            if one.step_ms is not None and engines[one.engine].frame_ms is None:
                raise ValueError(f"capacity.{number}.step_ms: the engine '{one.engine}' has no frame_ms")
        return self

    def machine(self, name: str) -> Machine:
        """By its name; raises `UsageError`."""
        return _found("machine", name, self.machines)

    def engine(self, name: str) -> Engine:
        """By its name; raises `UsageError`."""
        return _found("engine", name, self.engines)

    def carries(self, engine: str, machine: str) -> Carries | None:
        """What the file says about both; None: nothing."""
        return next((one for one in self.capacity if (one.engine, one.machine) == (engine, machine)), None)


def _unique(where: str, names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ValueError(f"{where}.{number}: '{name}' is there twice")


def _found(what: str, name: str, known: Sequence[T]) -> T:
    for one in known:
        if one.name == name:
            return one
    raise UsageError(f"the price file has no {what} '{name}'; it has {', '.join(one.name for one in known)}")


def shipped_text() -> str:
    """The file that comes with parley, to be changed."""
    return (resources.files("parley.plan") / SHIPPED).read_text(encoding="utf-8")


@lru_cache
def shipped() -> Prices:
    """Of the file that comes with parley."""
    return checked_yaml.parse(shipped_text(), SHIPPED, Prices, "price file")


def read(path: Path) -> Prices:
    """A price file of somebody's own; raises `UsageError` with what is wrong in which line."""
    return checked_yaml.read(path, Prices, "price file")
