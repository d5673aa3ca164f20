"""parley and its peers, measured by the same callers in the same run.

    python -m benchmarks.peers RECORDINGS --rounds 3 --turns 20 --output peers.json

Each round starts one system after the other, holds the same calls with it (stock callers of the Realtime protocol) and
ends it, so that a machine whose speed drifts is slow for all of them. All use the same files: Moonshine tiny-en,
SmolLM2 135M on llama.cpp, Piper joe. Peers live in an environment of their own, which the first run makes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import venv
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from parley.adapters import llama_cpp
from parley.bench import machine
from parley.client.statistics import summary
from parley.errors import UnavailableError
from parley.models.catalogue import catalogue
from parley.models.interfaces import ModelSpec
from parley.models.store import Store

HERE = Path(__file__).parent
ENVIRONMENT = HERE / ".venv"
PEERS = ("pipecat", "livekit")
TALKING = ("plain-question", "pauses", "interruption")
LISTENERS = (1, 8)
_LISTEN_S = 30.0
_READY_S = 120.0
_OPENS_S = 0.5
console = Console(stderr=True)


@dataclass(slots=True)
class System:
    """One of those that are compared."""

    name: str
    command: list[str]
    port: int
    environment: dict[str, str] = field(default_factory=dict)
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
            "system": self.name,
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
    for peer in PEERS:
        if only and not any(part in f"{peer}, tuned" for part in only):
            continue
        if not (ENVIRONMENT / peer / "ready").exists():
            console.print(f"making the environment of {peer} (some minutes) ...")
            _make_environment(peer)
    systems: list[System] = []
    try:
        asyncio.run(_measure(systems, recordings, rounds, turns, only))
    except KeyboardInterrupt:
        console.print("broken off; what was measured until then:")
    systems = [s for s in systems if s.pss_mb]
    found = [s.figures() for s in systems]
    if output is not None:
        output.write_text(json.dumps({"figures": found, "calls": {s.name: s.calls for s in systems}}), encoding="utf-8")
    _show(found)


def _make_environment(peer: str) -> None:
    import subprocess

    folder = ENVIRONMENT / peer
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, "-r", str(HERE / f"{peer}-requirements.txt"), "uvicorn[standard]"], check=True)
    (folder / "ready").touch()


async def _measure(
    systems: list[System], recordings: Path, rounds: int, turns: int, only: Sequence[str] | None
) -> None:
    """Add the systems to the list and measure them; what a round found stays when a later one is broken off."""
    store, known = Store(), catalogue()
    llm = known.get("smollm2-135m", "llm")
    served = await llama_cpp.load(ModelSpec(llm.id, llm.family, store.paths(llm), {}))
    assert isinstance(served, llama_cpp.LlamaCpp)
    moonshine = next(iter(store.paths(known.get("moonshine-tiny-en", "asr")).values())).parent
    voices = store.paths(known.get("piper-en-us-joe", "tts")).values()
    files = {"moonshine": str(moonshine), "piper": str(next(v for v in voices if v.suffix == ".onnx")),
             "llm": llm.id, "llm_url": served.client.base_url}  # fmt: skip
    described = ENVIRONMENT / "models.json"
    described.write_text(json.dumps(files), encoding="utf-8")
    known_systems = [
        System("parley", [sys.executable, "-m", "parley.cli", "serve", "--port", "8765"], 8765,
               {"PARLEY_LLM": "smollm2-135m"}),
    ]  # fmt: skip
    for port, peer in zip((8766, 8768), PEERS, strict=True):
        python = str(ENVIRONMENT / peer / "bin" / "python")
        command = [python, str(HERE / f"{peer}_server.py"), "--models", str(described)]
        known_systems += [
            System(peer, [*command, "--port", str(port)], port),
            System(f"{peer}, tuned", [*command, "--port", str(port + 1), "--tuned"], port + 1),
        ]
    systems += [s for s in known_systems if not only or any(part in s.name for part in only)]
    try:
        for number in range(rounds):
            for system in systems:
                console.print(f"round {number + 1} of {rounds}: {system.name}")
                await _round(system, recordings, turns)
    finally:
        await served.aclose()


async def _round(system: System, recordings: Path, turns: int) -> None:
    async with _running(system) as pid:
        address = f"ws://127.0.0.1:{system.port}/v1/realtime"
        chosen = [part for name in TALKING for part in ("-s", name)]
        talked = await _bench(address, recordings, ["--turns", str(turns), *chosen])
        system.calls += talked["calls"]
        own = ["--scenarios", str(HERE / "listening.yaml"), "-s", "listening"]
        for count in LISTENERS:
            before = machine.server_cost(pid)
            await _bench(address, recordings, [*own, "--turns", str(count), "--callers", str(count)])
            after = machine.server_cost(pid)
            assert before is not None
            assert after is not None
            system.listening_cpu_s[count].append((after.cpu_s - before.cpu_s) / (count * _LISTEN_S) * 60)
        assert after is not None
        system.pss_mb.append(after.pss_mb)


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


@asynccontextmanager
async def _running(system: System) -> AsyncIterator[int]:
    log = (ENVIRONMENT / f"{system.port}.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *system.command, env=os.environ | system.environment, stdout=log, stderr=log
    )
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(round(_READY_S / _OPENS_S)):
                with suppress(httpx.HTTPError):
                    await client.get(f"http://127.0.0.1:{system.port}/health")
                    break
                await asyncio.sleep(_OPENS_S)
            else:
                raise UnavailableError(f"{system.name} did not start; see {log.name}")
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()
        log.close()


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
