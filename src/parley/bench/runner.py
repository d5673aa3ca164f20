"""Holds many calls at once and keeps the books: results, cost of the callers, cost of a local server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Literal

import httpx

from parley.bench import machine
from parley.bench.caller import Call
from parley.bench.corpus import Materials
from parley.bench.scenario import Case
from parley.bench.score import Result, Understand, score, score_words
from parley.bench.script import hold
from parley.client.address import realtime_url
from parley.client.connection import Talk
from parley.errors import Overloaded

Arrival = Literal["together", "spread"]
_SAMPLE_S = 2.0
_SPREAD_S = 3.0
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class How:
    """How the calls are held."""

    url: str
    callers: int = 1
    arrival: Arrival = "spread"
    exact: bool = True
    webrtc: bool = False
    api_key: str | None = None
    answer_tokens: int = 24
    duration_s: float | None = None
    """Go on with the cases from the beginning until this much time has passed."""
    pid: int | None = None
    """Of the server, when it runs on this machine."""


@dataclass(slots=True)
class Run:
    """What came of it."""

    how: How
    results: list[Result] = field(default_factory=list)
    wall_s: float = 0.0
    callers_cpu_s: float = 0.0
    server_cpu_s: float | None = None
    broken_off: bool = False
    refused: int = 0
    """How often a caller was told to come back later."""
    active: int = 0
    """Calls that are held now."""
    samples: list[dict[str, Any]] = field(default_factory=list)
    """Every 2 s: seconds since the start, the server's CPU seconds, PSS (in all and by program), open files and tasks,
    and calls that are held."""


async def run(
    cases: Sequence[Case],
    materials: Materials,
    how: How,
    understand: Understand | None,
    on_result: Callable[[Result], None] = lambda _: None,
) -> Run:
    """Hold the cases with `how.callers` at a time; scoring with a recogniser happens after all calls.

    A run that is cancelled (Ctrl-C) returns what it has and says so in `Run.broken_off`.
    """
    loop = asyncio.get_running_loop()
    done = Run(how)
    began, cpu = loop.time(), machine.own_cpu_s()
    before = machine.server_cost(how.pid) if how.pid else None
    endless = how.duration_s is not None
    waiting = iter(cycle(cases)) if endless else iter(cases)
    held = []

    async def caller(index: int) -> None:
        if how.arrival == "spread":
            await asyncio.sleep(_SPREAD_S * index / max(1, how.callers))
        for case in waiting:
            if how.duration_s is not None and loop.time() - began > how.duration_s:
                return
            call = await _hold(case, materials, done)
            result = score(call)
            result.at_s = round(loop.time() - began, 1)
            if understand is not None and not result.void:
                held.append((call, result))
            done.results.append(result)
            on_result(result)

    watching = asyncio.create_task(_watch(done, began), name="bench-watch")
    try:
        async with asyncio.TaskGroup() as group:
            for index in range(how.callers):
                group.create_task(caller(index), name=f"bench-caller-{index}")
    except asyncio.CancelledError:
        done.broken_off = True
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        done.wall_s = loop.time() - began
        done.callers_cpu_s = machine.own_cpu_s() - cpu
        after = machine.server_cost(how.pid) if how.pid else None
        if before is not None and after is not None:
            done.server_cpu_s = after.cpu_s - before.cpu_s
    if understand is not None:
        for call, result in held:
            await score_words(call, result, understand)
    return done


async def _watch(done: Run, began: float) -> None:
    """Take samples of a server on this machine until cancelled."""
    how, loop = done.how, asyncio.get_running_loop()
    if how.pid is None:
        return
    headers = {"Authorization": f"Bearer {how.api_key}"} if how.api_key else {}
    socket = httpx.URL(realtime_url(how.url, exact=how.exact))
    web = socket.copy_with(scheme="https" if socket.scheme == "wss" else "http", raw_path=b"/")
    async with httpx.AsyncClient(base_url=web, headers=headers, timeout=_SAMPLE_S, trust_env=False) as client:
        while True:
            cost = await asyncio.to_thread(machine.server_cost, how.pid)
            if cost is not None:
                done.samples.append({
                    "at_s": round(loop.time() - began, 1), "cpu_s": cost.cpu_s, "calls": done.active,
                    "pss_mb": round(cost.pss_mb),
                    "pss_mb_of": {name: round(mb, 1) for name, mb in cost.pss_mb_of.items()},
                    "open_files": cost.open_files, "tasks": await machine.server_tasks(client),
                })  # fmt: skip
            await asyncio.sleep(_SAMPLE_S)


async def _hold(case: Case, materials: Materials, done: Run) -> Call:
    """Hold a case, coming back when the server says so; void if it never lets the caller in."""
    loop, how = asyncio.get_running_loop(), done.how
    patient_until = loop.time() + _PATIENCE_S
    while True:
        done.active += 1
        try:
            return await hold(
                case, materials, how.url, exact=how.exact, webrtc=how.webrtc, api_key=how.api_key,
                answer_tokens=how.answer_tokens,
            )  # fmt: skip
        except Overloaded as refusal:
            done.refused += 1
            if loop.time() + refusal.retry_after_s > patient_until:
                return Call(case, Talk(), how.exact, void=f"not let in for {_PATIENCE_S:.0f} s: {refusal}")
            wait_s = refusal.retry_after_s
        finally:
            done.active -= 1
        await asyncio.sleep(wait_s)
