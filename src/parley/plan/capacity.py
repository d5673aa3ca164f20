"""How many conversations at once one machine carries: by step times and memory, or as `parley bench` measured it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from parley import checked_yaml
from parley.errors import UsageError
from parley.plan.prices import Engine, Origin, Prices

TARGET_P50_MS, TARGET_P95_MS = 1000.0, 1800.0
"""Voice to voice, what counts as carried: parley's own aims for many who talk at once."""
_MISSED = 0.05
"""Share of answers that may fail to come before a load counts as too much."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Conversations at once on one machine, and how this is known."""

    users: int
    origin: Origin
    why: str


def by_steps(step_ms: Mapping[int, float], budget_ms: float) -> int:
    """The most conversations whose common step fits into the budget.

    Between two known points time rises on a straight line; beyond the last one nothing is known, so nothing is
    promised. 0: not even the first point fits.
    """
    known = sorted(step_ms)
    slots = np.arange(known[0], known[-1] + 1)
    times = np.interp(slots, known, [step_ms[n] for n in known])
    fitting = slots[times <= budget_ms]
    return int(fitting[-1]) if len(fitting) else 0


def by_memory(engine: Engine, memory_gb: float | None) -> int | None:
    """How many conversations fit beside the weights; None: memory does not limit them, or is not known."""
    if memory_gb is None:
        return None
    if not engine.session_gb:
        return None if engine.weights_gb <= memory_gb else 0
    return max(0, int((memory_gb - engine.weights_gb) / engine.session_gb + 1e-9))


def carried(prices: Prices, engine: Engine, machine: str) -> Capacity | None:
    """By the price file: the smaller of what the steps and the memory allow. None: the file says nothing."""
    if (told := prices.carries(engine.name, machine)) is None:
        return None
    memory = prices.machine(machine).memory_gb
    limits = {"memory holds": by_memory(engine, memory)}
    if told.step_ms is None:
        limits["it is given as"] = told.users or 0
    else:
        budget = engine.share * (engine.frame_ms or 0.0)
        limits[f"steps within {budget:g} of {engine.frame_ms:g} ms allow"] = by_steps(told.step_ms, budget)
    known = {how: users for how, users in limits.items() if users is not None}
    why = ", ".join(f"{how} {users}" for how, users in known.items())
    return Capacity(min(known.values()), told.origin, f"{why}; {told.source}")


class _Times(BaseModel):
    n: int
    p50: float | None = None
    p95: float | None = None


class _Load(BaseModel):
    callers: int = Field(ge=1)
    refused: int
    voice_to_voice_ms: _Times


class _Call(BaseModel):
    load: int
    void: str
    missed: int
    answers_due: int


class _Measured(BaseModel):
    """What counts here of a report that `parley bench --json` wrote."""

    loads: list[_Load] = Field(min_length=1)
    calls: list[_Call]


def measured(path: Path, *, p50_ms: float = TARGET_P50_MS, p95_ms: float = TARGET_P95_MS) -> Capacity:
    """What a report of `parley bench --callers 1,2,4 --json` says; raises `UsageError` with the field at fault.

    The most callers of a load that kept both targets, refused nobody and left at most 5 % of the answers out, as all
    smaller loads of the report did.
    """
    try:
        given: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: cannot be read ({fault})") from None
    except (json.JSONDecodeError, RecursionError) as fault:
        line = getattr(fault, "lineno", 1)
        raise UsageError(f"{path}:{line}: not JSON ({fault}); write it with parley bench --json > {path}") from None
    try:
        report = _Measured.model_validate(given)
    except ValidationError as fault:
        told = (f"{path}: {checked_yaml.named(at) or 'the report'}: {why}" for at, why in checked_yaml.faults(fault))
        raise UsageError("\n".join([*told, "this takes what parley bench --callers 1,2,4 --json writes"])) from None
    return _most(report, p50_ms, p95_ms)


def _most(report: _Measured, p50_ms: float, p95_ms: float) -> Capacity:
    carried, failed = None, ""
    for number, load in sorted(enumerate(report.loads), key=lambda found: found[1].callers):
        if failed := _fault(report, number, load, p50_ms, p95_ms):
            failed = f"{load.callers} at once: {failed}"
            break
        carried = load
    if carried is None:
        return Capacity(0, "measured", failed)
    times = carried.voice_to_voice_ms
    why = f"{carried.callers} at once were answered after {times.p50:.0f} / {times.p95:.0f} ms (p50 / p95, n {times.n})"
    return Capacity(carried.callers, "measured", f"{why}; {failed or 'more were not tried'}")


def _fault(report: _Measured, number: int, load: _Load, p50_ms: float, p95_ms: float) -> str:
    """Why a load was too much; empty: it was not."""
    times = load.voice_to_voice_ms
    if load.refused:
        return f"{load.refused} were refused"
    calls = [call for call in report.calls if call.load == number and not call.void]
    if not calls:
        return "its calls are all void, so it tells nothing"
    if not times.n or times.p50 is None or times.p95 is None:
        return "nobody was answered"
    missed, due = sum(call.missed for call in calls), sum(call.answers_due for call in calls)
    if missed > _MISSED * due:
        return f"{missed} of {due} answers did not come"
    if times.p50 > p50_ms or times.p95 > p95_ms:
        return f"answered after {times.p50:.0f} / {times.p95:.0f} ms, the targets are {p50_ms:.0f} / {p95_ms:.0f} ms"
    return ""
