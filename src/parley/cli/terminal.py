"""What a terminal shows: messages on standard error, progress only where somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from parley.models.catalogue import Model
from parley.models.store import Progress as Report

errors = Console(stderr=True)
out = Console()


@contextmanager
def pull_progress(models: list[Model], *, quiet: bool = False) -> Iterator[Report]:
    """A bar for each file that is pulled; lines instead where nobody looks."""
    megabytes = sum(m.size for m in models) / 1e6
    if not quiet:
        errors.print(f"pulling {', '.join(m.id for m in models)} ({megabytes:.0f} MB) ...", highlight=False)
    if quiet or not errors.is_terminal:
        yield lambda *_: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bars:
        tasks = {f.name: bars.add_task(f.name, total=f.size) for m in models for f in m.files}
        yield lambda name, done, total: bars.update(tasks[name], completed=done, total=max(total, done))
