"""parley and its peers, measured by the same callers in the same run.

    python -m benchmarks.peers RECORDINGS --rounds 3 --turns 20 --output peers.json

Each round starts one system after the other, holds the same calls with it (stock callers of the Realtime protocol) and
ends it, so that a machine whose speed drifts is slow for all of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.peers.systems import HERE, System, console, running, systems
from parley.bench import machine
from parley.client.statistics import summary
from parley.errors import UnavailableError

TALKING = ("plain-question", "pauses", "interruption")
LISTENERS = (1, 8)
_LISTEN_S = 30.0


@dataclass(slots=True)
class Measured:
    """What was measured of a system."""

    system: System
    calls: list[dict[str, Any]] = field(default_factory=list)
    listening_cpu_s: dict[int, list[float]] = field(default_factory=lambda: {count: [] for count in LISTENERS})
    """CPU seconds of a session-minute that only listens, by how many do so at once."""
    pss_mb: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Everything pooled over the rounds."""
        good = [c for c in self.calls if not c["void"]]

        def times(name: str, *scenarios: str) -> dict[str, Any]:
            chosen = [c for c in good if c["scenario"] in scenarios]
            return summary([(str(c["options"]["clip"]), float(v)) for c in chosen for v in c[name]])

        plain = [c for c in good if c["scenario"] == "plain-question"]
        paused = [c for c in good if c["scenario"] == "pauses"]
        return {
            "system": self.system.name,
            "calls": len(good),
            "void": len(self.calls) - len(good),
            "voice_to_voice_ms": times("voice_to_voice_ms", "plain-question", "interruption"),
            "missed": [sum(c["missed"] for c in plain), sum(c["answers_due"] for c in plain)],
            "taken_over": [sum(c["taken_over"] for c in paused), sum(c["pauses"] for c in paused)],
            "stop_ms": times("stop_ms", "interruption"),
            "not_stopped": sum(c["not_stopped"] for c in good),
            "listening_cpu_s_per_minute": {n: _middle(found) for n, found in self.listening_cpu_s.items()},
            "pss_mb": _middle(self.pss_mb),
        }


def _middle(values: Sequence[float]) -> float | None:
    return round(sorted(values)[len(values) // 2], 2) if values else None


def main(
    recordings: Annotated[Path, typer.Argument(help="Folder of recordings with a manifest.json")],
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    turns: Annotated[int, typer.Option(min=1, help="Calls of each scenario and round")] = 20,
    only: Annotated[list[str] | None, typer.Option(help="Systems whose name contains this")] = None,
    output: Annotated[Path | None, typer.Option(help="Everything as JSON")] = None,
) -> None:
    """Measure parley, and Pipecat and LiveKit Agents, each with its defaults and tuned for speed."""
    measured: list[Measured] = []
    try:
        asyncio.run(_measure(measured, recordings, rounds, turns, only))
    except KeyboardInterrupt:
        console.print("broken off; what was measured until then:")
    measured = [m for m in measured if m.pss_mb]
    found = [m.figures() for m in measured]
    if output is not None:
        output.write_text(
            json.dumps({"figures": found, "calls": {m.system.name: m.calls for m in measured}}), encoding="utf-8"
        )
    _show(found)


async def _measure(
    found: list[Measured], recordings: Path, rounds: int, turns: int, only: Sequence[str] | None
) -> None:
    """Add the systems to the list and measure them; what a round found stays when a later one is broken off."""
    async with systems(only) as chosen:
        found += [Measured(system) for system in chosen]
        for number in range(rounds):
            for measured in found:
                console.print(f"round {number + 1} of {rounds}: {measured.system.name}")
                await _round(measured, recordings, turns)


async def _round(measured: Measured, recordings: Path, turns: int) -> None:
    async with running(measured.system) as pid:
        address = measured.system.url
        chosen = [part for name in TALKING for part in ("-s", name)]
        talked = await _bench(address, recordings, ["--turns", str(turns), *chosen])
        measured.calls += talked["calls"]
        own = ["--scenarios", str(HERE / "listening.yaml"), "-s", "listening"]
        for count in LISTENERS:
            before = machine.server_cost(pid)
            await _bench(address, recordings, [*own, "--turns", str(count), "--callers", str(count)])
            after = machine.server_cost(pid)
            assert before is not None
            assert after is not None
            measured.listening_cpu_s[count].append((after.cpu_s - before.cpu_s) / (count * _LISTEN_S) * 60)
        assert after is not None
        measured.pss_mb.append(after.pss_mb)


async def _bench(address: str, recordings: Path, arguments: list[str]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "parley.cli", "bench", address, "-c", str(recordings), "--stock", "--scorer", "none",
        "--json", "--quiet", *arguments, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    text, _ = await process.communicate()
    if process.returncode:
        raise UnavailableError(f"parley bench ended with {process.returncode}")
    report: dict[str, Any] = json.loads(text)
    return report


def _show(found: list[dict[str, Any]]) -> None:
    table = Table("", *(f["system"] for f in found))

    def row(title: str, cell: Any) -> None:
        table.add_row(title, *(str(cell(f)) for f in found))

    def time(name: str, part: str) -> Any:
        return lambda f: "-" if not f[name]["n"] else f"{f[name][part]} {f[name][f'{part}_interval']}"

    row("calls (void)", lambda f: f"{f['calls']} ({f['void']})")
    row("voice to voice p50, ms", time("voice_to_voice_ms", "p50"))
    row("voice to voice p95, ms", time("voice_to_voice_ms", "p95"))
    row("questions missed", lambda f: f"{f['missed'][0]} of {f['missed'][1]}")
    row("pauses taken over", lambda f: f"{f['taken_over'][0]} of {f['taken_over'][1]}")
    row("interruption to silence p50, ms", time("stop_ms", "p50"))
    row("interruption to silence p95, ms", time("stop_ms", "p95"))
    row("not stopped", lambda f: f["not_stopped"])
    for count in LISTENERS:
        title = f"CPU seconds of a session-minute, {count} listening"
        row(title, lambda f, count=count: f["listening_cpu_s_per_minute"][count])
    row("memory (PSS), MB", lambda f: f["pss_mb"])
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
