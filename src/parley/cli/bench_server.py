"""What every kind of ``parley bench`` needs: a server to measure, and a bar that tells how far it is."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from parley.bench import machine
from parley.cli.terminal import errors
from parley.errors import UnavailableError

_START_S = 180.0


def go_before_the_server() -> None:
    """Callers stand for other machines: the server must not slow them down. Where the system allows it."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)


def facts(url: str | None, recordings: str) -> dict[str, str]:
    """What stands at the top of a report."""
    return {"server": url or "started for this run", "recordings": recordings,
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}"}  # fmt: skip


def tell(
    report: dict[str, Any], page: Callable[[], str], html: Path | None, show: Callable[[], None], *, as_json: bool
) -> None:
    """Write a report's page where one is wanted, and print the report as JSON or as it is shown to people."""
    if html is not None:
        html.write_text(page(), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        show()


@asynccontextmanager
async def server(url: str | None) -> AsyncIterator[tuple[str, int | None]]:
    """The address and, for a server on this machine, the process: a given one or one of our own."""
    if url is not None:
        parts = urlsplit(url if "://" in url else f"ws://{url}")
        local_host = parts.hostname in ("localhost", "127.0.0.1", "::1")
        pid = machine.listening_pid(parts.port or 80) if local_host and sys.platform == "linux" else None
        yield url, pid
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "parley.cli", "serve", "--port", "0", stderr=asyncio.subprocess.PIPE,
        preexec_fn=_usual_priority,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        try:
            address = await asyncio.wait_for(_address(process.stderr), _START_S)
        except TimeoutError as fault:
            raise UnavailableError(f"the server was not ready after {_START_S:.0f} s") from fault
        draining = asyncio.create_task(_drain(process.stderr), name="server-messages")
        yield address, process.pid
        draining.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _usual_priority() -> None:
    os.setpriority(os.PRIO_PROCESS, 0, 0)


async def _drain(messages: asyncio.StreamReader) -> None:
    while await messages.read(4096):
        pass


async def _address(messages: asyncio.StreamReader) -> str:
    """Wait for the line that names the address."""
    seen = []
    while line := (await messages.readline()).decode():
        seen.append(line.strip())
        for word in line.split():
            if word.startswith("http://"):
                return word.rstrip(".,/")
    raise UnavailableError(f"the server did not start: {' '.join(seen[-3:])}")


class progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, total: int, title: str, *, quiet: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=errors, transient=True, disable=quiet or not errors.is_terminal)
        self._task = self._bars.add_task(title, total=total)

    def __enter__(self) -> Any:
        self._bars.start()
        return lambda: self._bars.advance(self._task)

    def __exit__(self, *_: object) -> None:
        self._bars.stop()
