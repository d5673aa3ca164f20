"""Two checkouts of parley in turns, in one run: voice to voice of one caller and of many, and what listening costs.

    python -m benchmarks.before_after ../parley-before/src --clips recordings/ --rounds 4

Both servers run all the time, with the same models and the packages of this environment; who is not measured rests.
As root, the callers go before the servers: what a caller measures whose own clock is late is void.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import typer

_HERE = Path(__file__).parent.parent / "src"
_LISTENING = Path(__file__).parent / "peers" / "listening.yaml"
_TALKERS = 10
_FIRST = ("chrt", "--fifo", "1") if shutil.which("chrt") and os.geteuid() == 0 else ()
_LISTENERS, _LISTENING_S = 25, 31
_START_S = 120


@dataclass
class Side:
    """One server and what was measured of it."""

    url: str
    process: subprocess.Popen[bytes]
    one_ms: list[float] = field(default_factory=list)
    many_ms: list[float] = field(default_factory=list)
    many_cpu_s: list[float] = field(default_factory=list)
    """Of all its processes, for each answer that was heard then."""
    listening_percent: list[float] = field(default_factory=list)
    """Of a core, for each session."""

    @property
    def cpu_s(self) -> float:
        """Seconds of all its processes."""
        own = psutil.Process(self.process.pid)
        times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
        return sum(t.user + t.system for t in times)

    def measure(self, clips: Path) -> None:
        """One round."""
        self.one_ms += _latencies(bench(self.url, clips, "-s", "plain-question", "--turns", "12"))
        many = (
            "-s",
            "plain-question",
            "--callers",
            str(_TALKERS),
            "--turns",
            str(2 * _TALKERS),
            "--answer-tokens",
            "14",
        )
        before = self.cpu_s
        heard = _latencies(bench(self.url, clips, *many))
        self.many_cpu_s += [(self.cpu_s - before) / len(heard)] if heard else []
        self.many_ms += heard
        before = self.cpu_s
        listening = ("--scenarios", str(_LISTENING), "-s", "listening", "--callers", str(_LISTENERS))
        bench(self.url, clips, *listening, "--duration", str(_LISTENING_S), "--arrival", "together")
        self.listening_percent.append((self.cpu_s - before) / _LISTENERS / _LISTENING_S * 100)

    def line(self, name: str) -> str:
        """A row of the table."""
        shown = [
            f"{len(ms)}: {np.percentile(ms, 50):.0f} / {np.percentile(ms, 95):.0f}" if ms else "none"
            for ms in (self.one_ms, self.many_ms)
        ]
        cost, percent = (
            ", ".join(f"{value:.2f}" for value in values) for values in (self.many_cpu_s, self.listening_percent)
        )
        return f"| {name} | {shown[0]} | {shown[1]} | {cost} | {percent} |"


def bench(url: str, clips: Path, *arguments: str) -> Any:
    """The report of `parley bench`."""
    command = [
        *_FIRST,
        sys.executable,
        "-m",
        "parley.cli",
        "bench",
        url,
        "--clips",
        str(clips),
        "--json",
        "-q",
        "--scorer",
        "none",
    ]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if "no call came to anything" in done.stderr:  # the machine was busy with something else: the next round counts
        typer.echo(done.stderr[-300:].strip(), err=True)
        return {"calls": []}
    if done.returncode:
        sys.exit(f"{' '.join(done.args)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def _latencies(report: Any) -> list[float]:
    return [ms for call in report["calls"] for ms in call["voice_to_voice_ms"]]


@contextmanager
def serving(source: Path) -> Iterator[Side]:
    """A server of a checkout, that lets everybody in."""
    settings = {
        "PYTHONPATH": str(source), "PARLEY_LLM": "smollm2-135m", "PARLEY_TEMPERATURE": "0", "PARLEY_ADMISSION_CPU": "1",
        "PARLEY_ADMISSION_NEWCOMERS": "1000", "COLUMNS": "200",
    }  # fmt: skip
    with tempfile.NamedTemporaryFile() as log:
        command = [sys.executable, "-m", "parley.cli", "serve", "--port", "0"]
        process = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield Side(_address(Path(log.name), process), process)
        finally:
            process.terminate()
            process.wait(30)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        _, found, address = log.read_text(errors="replace").partition(" at http")
        if found:
            return "http" + address.split()[0]
        time.sleep(0.2)
    sys.exit(f"the server did not start: {log.read_text()[-2000:]}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both, in turns that begin with the one and with the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="folder src of the other checkout")
    parser.add_argument("--clips", type=Path, required=True, help="recordings with a manifest.json")
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        sides = {n: stack.enter_context(serving(s)) for n, s in (("before", given.before), ("after", _HERE))}
        for number in range(given.rounds):
            for name in sorted(sides, reverse=not number % 2):
                sides[name].measure(given.clips)
                typer.echo(sides[name].line(f"{name}, round {number + 1}"), err=True)
    head = "| | one caller, n: p50 / p95 ms | ten | CPU s an answer | listening, % of a core a session |"
    typer.echo(f"{head}\n|---|---|---|---|---|")
    for name, side in sides.items():
        typer.echo(side.line(name))


if __name__ == "__main__":
    main()
