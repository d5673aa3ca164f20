"""Abuse beside an innocent conversation, under limits of the machine: what the innocent hears of it.

    python -m benchmarks.abuse QUESTION.wav [--only CASE] [--sessions 300]

Each case starts a server of its own, lets one caller talk to it alone (after a first talk that warms it up), then
again beside the abuse, and tells what was left of the abuse afterwards. A full disk is a tiny tmpfs where this user
may mount one, else a limit on the length of files.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from tests.conftest import RunningServer, start_server
from tests.wild.fuzz import events
from tests.wild.fuzz.findings import Case
from tests.wild.fuzz.innocent import Talked
from tests.wild.fuzz.levels import Level, level, settled
from tests.wild.fuzz.sockets import judged
from tests.wild.test_fuzz import run
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

_EVENTS = 20
_SETTLES_S = 60.0
_FILES = 256
_MEMORY = 2 * 1024**3
_DISK = 64 * 1024
_LONGEST_S = 90.0
_SHOWN = 5
Abuse = Callable[[RunningServer, int, Case], Awaitable[None]]
app = typer.Typer(help=__doc__)


@dataclass
class Outcome:
    """Of one case."""

    alone: Talked
    beside: Talked
    before: Level
    after: Level
    abusive: Case
    logged: str
    alive: bool
    errors: list[str] = field(default_factory=list)


async def session(server: RunningServer, number: int, case: Case) -> None:
    """One abusive session: events nearly right, then gone without a word. That it is refused or closed is fair."""
    random, known = Random(number), events.Known()
    take = judged(case, known)
    with contextlib.suppress(ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
        async with asyncio.timeout(_LONGEST_S), connect(f"{server.websocket}/v1/realtime", close_timeout=1) as socket:
            for _ in range(_EVENTS):
                data = events.event(random, known)
                case.send(data)
                await socket.send(data)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    while True:
                        take(await socket.recv())
            socket.transport.abort()


async def in_a_row(server: RunningServer, sessions: int, case: Case) -> None:
    """One after the other."""
    for number in range(sessions):
        await session(server, number, case)


async def at_once(server: RunningServer, sessions: int, case: Case) -> None:
    """All together."""
    await asyncio.gather(*(session(server, number, case) for number in range(sessions)))


async def silent_sockets(server: RunningServer, sessions: int, case: Case) -> None:
    """Connections that ask nothing, kept open until there are no descriptors left; then sessions."""
    port, opened = int(server.url.rpartition(":")[2]), list[asyncio.StreamWriter]()
    for _ in range(sessions):
        with contextlib.suppress(OSError, TimeoutError):
            _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1)
            opened.append(writer)
    await in_a_row(server, 10, case)
    for writer in opened:
        writer.close()


async def in_waves(server: RunningServer, sessions: int, case: Case) -> None:
    """Some together, again and again."""
    for first in range(0, sessions, 20):
        await asyncio.gather(*(session(server, number, case) for number in range(first, min(first + 20, sessions))))


CASES: dict[str, tuple[Abuse, Sequence[str]]] = {
    "sessions in a row": (in_a_row, ()),
    "sessions at once": (at_once, ()),
    "256 descriptors": (silent_sockets, ("prlimit", f"--nofile={_FILES}:{_FILES}")),
    "a full disk": (in_waves, ()),
    "2 GB of address space": (in_waves, ("prlimit", f"--as={_MEMORY}")),
}


@app.command()
def abuse(
    question: Annotated[Path, typer.Argument(help="A recording of a question that the innocent asks")],
    only: Annotated[list[str] | None, typer.Option(help=f"Cases: {', '.join(CASES)}")] = None,
    sessions: Annotated[int, typer.Option(help="Abusive sessions of each case")] = 300,
) -> None:
    """Run the cases and print the table."""
    table = Table(
        "case", "gap p95, alone", "beside", "longest gap, alone", "beside", "answers", "errors",
        "descriptors", "tasks", "memory, MB",
    )  # fmt: skip
    for name in only or list(CASES):
        found = asyncio.run(_case(name, question, sessions))
        table.add_row(name, *_row(found))
        for error in found.errors[:_SHOWN]:
            typer.echo(f"{name}: {error}", err=True)
    Console(width=180).print(table)


def _row(found: Outcome) -> list[str]:
    alone, beside, before, after = found.alone, found.beside, found.before, found.after
    whole = sum(status in ("completed", "incomplete") for status in beside.statuses)
    return [
        f"{gap_p95_s(alone) * 1000:.0f} ms", f"{gap_p95_s(beside) * 1000:.0f} ms",
        f"{max(alone.gaps_s, default=0) * 1000:.0f} ms", f"{max(beside.gaps_s, default=0) * 1000:.0f} ms",
        f"{whole}/{len(beside.statuses)}", str(len(found.errors)),
        f"{before.handles} → {after.handles}", f"{before.tasks} → {after.tasks}",
        f"{before.memory / 1e6:.0f} → {after.memory / 1e6:.0f}",
    ]  # fmt: skip


def gap_p95_s(talked: Talked) -> float:
    """Of the silences within answers; 0 where there is none."""
    return float(np.percentile(talked.gaps_s, 95)) if talked.gaps_s else 0.0


async def _case(name: str, question: Path, sessions: int) -> Outcome:
    work, limits = CASES[name]
    with tempfile.TemporaryDirectory() as folder, _disk(Path(folder), full=name == "a full disk") as (disk, more):
        async with _server(Path(folder), disk, [*more, *limits]) as (process, server):
            await _talk(server, question, 1)
            alone = await _talk(server, question, 10)
            before, case = await level(server.url, server.pid), Case(name, Random(name))

            async def abusing() -> None:
                await work(server, sessions, case)

            beside, _ = await asyncio.gather(_talk(server, question, 15), abusing())
            after = await settled(server.url, server.pid, before, _SETTLES_S)
            log = server.log.read_text(errors="replace")
            outcome = Outcome(alone, beside, before, after, case, log, process.poll() is None)
            outcome.errors = _errors(outcome)
            return outcome


async def _talk(server: RunningServer, question: Path, seconds: float) -> Talked:
    """The innocent, in a process of its own."""
    return Talked(**await run("tests.wild.fuzz.innocent", server.url, str(question), "--seconds", str(seconds)))


def _errors(found: Outcome) -> list[str]:
    """What the server did wrong, and what the innocent was told."""
    errors = list(found.abusive.faults) + found.beside.errors
    errors += [f"logged: {line[:300]}" for line in found.logged.splitlines() if "Traceback" in line]
    errors += [] if found.alive else ["the server is gone"]
    errors += [f"closed: {found.beside.closed}"] if found.beside.closed else []
    return errors


@contextlib.contextmanager
def _disk(folder: Path, *, full: bool) -> Iterator[tuple[Path, list[str]]]:
    """Where logs and evidence go, and the limits that make it small."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(disk)]
    if not full:
        yield disk, []
    elif subprocess.run(mount, check=False, capture_output=True).returncode:
        yield disk, ["prlimit", f"--fsize={_DISK}"]
    else:
        (disk / "filler").write_bytes(bytes(_DISK - 8192))  # two pages are left, to begin with
        try:
            yield disk, []
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=False)


@contextlib.asynccontextmanager
async def _server(
    folder: Path, disk: Path, limits: Sequence[str]
) -> AsyncIterator[tuple[subprocess.Popen[bytes], RunningServer]]:
    python = (*limits, sys.executable)
    process, server = await asyncio.to_thread(
        start_server, folder / "serve.log", python,
        PARLEY_LLM="smollm2-135m", PARLEY_MAX_OUTPUT_TOKENS="40", PARLEY_TEMPERATURE="0",
        PARLEY_LOG_FOLDER=str(disk / "logs"), PARLEY_EVIDENCE_FOLDER=str(disk / "evidence"),
    )  # fmt: skip
    try:
        yield process, server
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)


if __name__ == "__main__":
    os.environ.setdefault("PARLEY_ADMISSION_CPU", "1")  # a machine that is busy with the abuse itself lets nobody in
    app()
