"""Who waits, and who is talked over: parley and its peers on recordings with labelled turn ends and pauses.

    python -m benchmarks.peers.turns TURNS --each 8 --output turns.json --picture turns.svg

The same recordings are said to one system after the other: to parley at each eagerness, to each peer as it ends turns
by default and after plain silences. All are judged by what the caller hears, for that is all that a peer tells: a
finished speaker waits until an answer is heard, and somebody who only paused is talked over if an answer is heard
before he has said what follows the pause. An answer that is taken back before a sound of it is heard harms nobody.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.peers.systems import System, console, running, systems
from parley.bench import curve, labelled, plots
from parley.bench.labelled import Entry, Heard, Sides
from parley.cli.bench_server import progress
from parley.client.audibility import first_audible_s
from parley.client.connection import RATE_HZ
from parley.errors import UnavailableError
from parley.turns.settings import Eagerness

_SURE_S = 0.1  # labels are that uncertain
EAGERNESS: tuple[Eagerness, ...] = ("low", "auto", "high")
IN_SENTENCES, IN_LISTS, SHORT, LONG = "mid", "list", "0.25-1", "1-1.5"
Found = dict[str, list[Heard]]


def by_ear(entry: Entry, heard: Heard, sides: Sides) -> Heard:
    """The same, with pauses that count as taken where an answer is heard before what follows them is said."""
    begins = sorted(begin for _, begin, _ in entry.silences)
    judged = []
    for (kind, begin, _), silence in zip(entry.silences, heard.silences, strict=True):
        if kind == "end":
            judged.append(silence)
            continue
        follows = next((later for later in begins if later > begin), sides.seconds)
        first = first_audible_s(sides.played, RATE_HZ, max(0.0, begin - _SURE_S))
        over = None if first is None or first >= follows else first - begin
        judged.append(replace(silence, committed_s=over))
    return replace(heard, silences=judged)


def main(
    turns: Annotated[
        Path, typer.Argument(help="Folder of recordings with a manifest.json that labels ends and pauses")
    ],
    each: Annotated[int, typer.Option(min=1, help="Recordings of each kind")] = 8,
    callers: Annotated[int, typer.Option(min=1, help="Who call at the same time; two cores bear one of each peer")] = 1,
    silences: Annotated[str, typer.Option(help="Seconds of silence that end a turn of a peer")] = "0.2,0.5",
    only: Annotated[list[str] | None, typer.Option(help="Systems whose name contains this")] = None,
    output: Annotated[Path | None, typer.Option(help="Everything as JSON")] = None,
    picture: Annotated[Path | None, typer.Option(help="The curves as SVG")] = None,
) -> None:
    """Say labelled recordings to parley, Pipecat and LiveKit Agents, and draw waits against who is talked over."""
    entries = labelled.some(labelled.manifest(turns), each)
    plain = {f"{seconds} s": float(seconds) for seconds in silences.split(",")}
    found: Found = {}
    try:
        asyncio.run(_measure(found, turns, entries, callers, plain, only))
    except KeyboardInterrupt:
        console.print("broken off; what was measured until then:")
    figures = {name: curve.figures(heard) for name, heard in found.items()}
    if output is not None:
        recordings = {name: [asdict(h) for h in heard] for name, heard in found.items()}
        output.write_text(json.dumps({"figures": figures, "recordings": recordings}), encoding="utf-8")
    if picture is not None:
        picture.write_text(_drawn(figures), encoding="utf-8")
    _show(figures)


async def _measure(
    found: Found,
    turns: Path,
    entries: Sequence[Entry],
    callers: int,
    silences: dict[str, float],
    only: Sequence[str] | None,
) -> None:
    """Add what each system did, by its name; what was found stays when a later one is broken off."""
    _go_first()
    async with systems(only, silences) as chosen:
        for system in chosen:
            async with running(system):
                for eagerness in EAGERNESS if system.name == "parley" else ("auto",):
                    name = f"parley, {eagerness}" if system.name == "parley" else system.name
                    found[name] = await _said(system, name, turns, entries, callers, eagerness)


async def _said(
    system: System, name: str, turns: Path, entries: Sequence[Entry], callers: int, eagerness: Eagerness
) -> list[Heard]:
    judged: list[Heard] = []
    with progress(len(entries), name, quiet=False) as step:

        async def keep(entry: Entry, heard: Heard, sides: Sides | None) -> None:
            judged.append(heard if sides is None else by_ear(entry, heard, sides))
            step()

        try:
            await labelled.run(entries, turns, system.url, eagerness, callers=callers, api_key=None, on_result=keep)
        except UnavailableError as fault:
            console.print(f"{name}: {fault}")
    return judged


def _go_first() -> None:
    """Callers stand for other machines: what is started from here, the servers, gives way to them. Needs root."""
    with suppress(PermissionError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def _share(figures: dict[str, Any], kind: str, length: str) -> str:
    share = figures["taken"].get(kind, {}).get(length)
    return "-" if share is None else f"{share['count']} of {share['n']}"


def _show(figures: dict[str, dict[str, Any]]) -> None:
    columns = (
        "ends, never answered",
        "wait: mean",
        "p50",
        "p95",
        "talked over: in sentences",
        "in lists",
        "1 to 1.5 s",
    )
    table = Table("", *columns, "recordings (void)")
    for name, of in figures.items():
        waits, never = of["ends"]["audible_ms"], of["ends"]["never"]
        times = [f"{waits[part]}" for part in ("mean", "p50", "p95")] if waits["n"] else ["-"] * 3
        longer = [_share(of, kind, LONG) for kind in of["taken"]]
        table.add_row(
            name, f"{waits['n']}, {never['n'] - waits['n']}", *times, _share(of, IN_SENTENCES, SHORT),
            _share(of, IN_LISTS, SHORT), "; ".join(longer), f"{of['recordings']} ({of['void']})",
        )  # fmt: skip
    Console().print(table)


def _drawn(figures: dict[str, dict[str, Any]]) -> str:
    points = []
    for name, of in figures.items():
        share = of["taken"].get(IN_SENTENCES, {}).get(SHORT)
        if share and of["ends"]["audible_ms"]["n"]:
            points.append((name.partition(",")[0], (100 * share["share"], of["ends"]["audible_ms"]["mean"])))
    lines = [(name, sorted(point for _, point in of)) for name, of in groupby(points, key=lambda point: point[0])]
    across = "% of pauses of 0.25 to 1 s inside sentences in which somebody is talked over"
    figure = plots.lines("Until a finished speaker hears an answer, in the mean", lines, "ms", across, points=True)
    return plots.picture(figure)


if __name__ == "__main__":
    typer.run(main)
