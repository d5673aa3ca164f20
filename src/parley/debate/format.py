"""Formats of debates: YAML that says who speaks when, for how long and about what."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from parley import checked_yaml
from parley.errors import UsageError

PEOPLE = "people"
"""In the order of a round: whoever of the people wants to."""
MODERATOR = "moderator"
EACH = "each"
"""In the order of a round: every debater, one after the other."""
Text = Annotated[str, Field(min_length=1, max_length=600)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Round(_Strict):
    """Speeches in an order."""

    name: Text
    order: tuple[str, ...] = Field(max_length=24)
    """Sides, `each`, `people` or `moderator`."""
    task: Text | dict[str, Text]
    """What each speaker of it is to do, or what each place of the order is."""
    seconds: float = Field(25.0, ge=5, le=300)
    """How long a speech may be; of people: how long they are waited for."""
    repeat: int = Field(1, ge=0, le=100)
    """How often it is held; 0: until the debate is stopped or its time is over."""

    def task_of(self, place: str) -> str:
        """What who speaks at a place of the order is to do."""
        return self.task if isinstance(self.task, str) else self.task[place]


class Closing(_Strict):
    """How it ends."""

    sum_up: Text | None = None
    """What the moderator is to do at the end; without it the end is only told."""
    vote: bool = False
    """Whether people are asked which side has convinced them."""


class Format(_Strict):
    """Everything that makes one kind of debate."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    title: Text
    about: Text
    sides: tuple[str, ...] = Field(min_length=1, max_length=6)
    """What there is to argue for; debaters are given them in turns."""
    debaters: int = Field(2, ge=1, le=6)
    """How many there are when nobody says."""
    moderator: bool = True
    """Whether somebody leads through it by voice; else the rules are kept without a word."""
    gap_ms: int = Field(250, ge=100, le=3000)
    """Silence between two speeches."""
    answers: Literal["last", "moderator"] = "last"
    """Who answers a person who calls nobody by name: who spoke last, or the moderator."""
    rounds: tuple[Round, ...] = Field(min_length=1, max_length=20)
    closing: Closing = Closing()

    @model_validator(mode="after")
    def _consistent(self) -> Format:
        known = {*self.sides, EACH, PEOPLE, MODERATOR}
        for number, one in enumerate(self.rounds):
            for place in one.order:
                if place not in known:
                    raise ValueError(f"rounds.{number}.order: '{place}' is none of {', '.join(sorted(known))}")
                if not isinstance(one.task, str) and place not in one.task:
                    raise ValueError(f"rounds.{number}.task: nothing is said about '{place}'")
            if not one.order:
                raise ValueError(f"rounds.{number}.order: nobody speaks")
            if MODERATOR in one.order and not self.moderator:
                raise ValueError(f"rounds.{number}.order: there is no moderator")
            if not one.repeat and number < len(self.rounds) - 1:
                raise ValueError(f"rounds.{number}.repeat: only the last round may go on without an end")
        if {EACH, PEOPLE, MODERATOR} & set(self.sides):
            raise ValueError("sides: 'each', 'people' and 'moderator' are no sides")
        if self.answers == MODERATOR and not self.moderator:
            raise ValueError("answers: there is no moderator")
        return self


@lru_cache
def shipped() -> dict[str, Format]:
    """The formats that come with parley, by name."""
    folder = resources.files("parley.debate") / "formats"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    made = [parse(file.read_text(encoding="utf-8"), file.name) for file in files]
    return {one.name: one for one in made}


def named(name: str) -> Format:
    """A shipped format; raises `UsageError`."""
    if name not in shipped():
        raise UsageError(f"there is no format '{name}'; there are {', '.join(shipped())}, or a path to a YAML file")
    return shipped()[name]


def read(path: Path) -> Format:
    """A format of somebody's own; raises `UsageError` with what is wrong in which line."""
    return checked_yaml.read(path, Format, "format")


def parse(text: str, source: str) -> Format:
    """Read YAML; raises `UsageError` with one line for each fault: ``SOURCE:LINE: field: what is wrong``."""
    return checked_yaml.parse(text, source, Format, "format")


def of(given: Mapping[str, Any]) -> Format:
    """A format that came as such; raises `UsageError` with one line for each fault."""
    if len(str(given)) > checked_yaml.LONGEST:
        raise UsageError(f"more than {checked_yaml.LONGEST} characters are no format")
    try:
        return Format.model_validate(given)
    except ValidationError as fault:
        told = (f"{checked_yaml.named(at)}: {why}" for at, why in checked_yaml.faults(fault))
        raise UsageError("\n".join(told)) from None
