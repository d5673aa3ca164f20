"""Scenarios: plans by a name, with the figures that somebody has stated about them."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import Field

from parley import checked_yaml
from parley.errors import UsageError
from parley.plan.prices import Name, Strict, Text

Users = Annotated[int, Field(ge=1, le=1_000_000)]
Cost = Annotated[float, Field(ge=0)]


class Stretch(Strict):
    """Months that are alike."""

    months: int = Field(ge=1, le=60)
    machine: Name
    users: Users
    """At once."""


class Training(Strict):
    """What is trained before the first month, on a rented machine."""

    machine: Name
    hours: float = Field(gt=0)
    """Of one GPU."""
    an_hour: float = Field(ge=0)


class Fleet(Strict):
    """A month of some pods, as it was stated."""

    machine: Name
    pods: int = Field(ge=1)
    users: Users
    a_month: Cost


class AtOnce(Strict):
    """How many users at once one machine was said to carry."""

    machine: Name
    least: int = Field(ge=1)
    most: int = Field(ge=1)


class Move(Strict):
    """From how many users on another machine was said to be cheaper."""

    machine: Name
    to: Name
    users: Users


class Year(Strict):
    """Totals of twelve months, as they were stated."""

    operations: Cost
    total: Cost
    storage_months: int = Field(ge=0, le=12)
    """How many months of storage the total has."""
    from_users: Users
    to_users: Users
    """What the year was said to grow from and to."""


class Stated(Strict):
    """Figures to be checked."""

    fleets: tuple[Fleet, ...] = ()
    at_once: tuple[AtOnce, ...] = ()
    move: Move | None = None
    training: Cost | None = None
    year: Year | None = None
    speech_hours: tuple[float, float] | None = None
    """Hours of recordings to train with, at least and at most."""


class Scenario(Strict):
    """Everything that a plan needs but prices, and what was stated about it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    title: Text
    about: Text
    engine: Name
    hours_a_day: float = Field(24.0, gt=0, le=24)
    storage_gb: float = Field(0.0, ge=0)
    users_a_pod: dict[Name, Annotated[int, Field(ge=1, le=1000)]] = Field({})
    """By machine, instead of what the price file says."""
    months: tuple[Stretch, ...] = Field(min_length=1, max_length=60)
    training: Training | None = None
    once: dict[Text, Cost] = Field({})
    """What else is paid once."""
    stated: Stated = Stated()


@lru_cache
def shipped() -> dict[str, Scenario]:
    """The scenarios that come with parley, by name."""
    folder = resources.files("parley.plan") / "scenarios"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    made = [checked_yaml.parse(f.read_text(encoding="utf-8"), f.name, Scenario, "scenario") for f in files]
    return {one.name: one for one in made}


def find(given: str) -> Scenario:
    """A shipped one by its name, or a YAML file; raises `UsageError`."""
    if given in shipped():
        return shipped()[given]
    if given.endswith((".yaml", ".yml")) or "/" in given:
        return checked_yaml.read(Path(given), Scenario, "scenario")
    raise UsageError(f"there is no scenario '{given}'; there are {', '.join(shipped())}, or a path to a YAML file")
