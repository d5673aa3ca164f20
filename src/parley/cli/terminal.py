"""What a terminal shows: messages on standard error, progress only where somebody looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from parley.cli.words import words

if TYPE_CHECKING:
    from parley.models.catalogue import Model
    from parley.models.store import Progress as Report

errors = Console(stderr=True)
out = Console()


@contextmanager
def pull_progress(models: list[Model], *, quiet: bool = False) -> Iterator[Report]:
    """A bar for each file that is pulled; lines instead where nobody looks."""
    megabytes = sum(m.size for m in models) / 1e6
    if not quiet:
        told = words(errors, "pulling", models=", ".join(m.id for m in models), size=f"{megabytes:.0f}")
        errors.print(told, highlight=False)
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


def show_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; on a terminal that is too narrow for it a line for each figure that was measured."""
    if sum(max(map(len, column)) + 2 for column in zip(head, *rows, strict=True)) <= out.width:
        table = Table(*head, box=None, padding=(0, 1))
        for row in rows:
            table.add_row(*row)
        out.print(table)
        return
    for title, *cells in rows:
        out.print(title, style="bold", highlight=False)
        for name, cell in zip(head[1:], cells, strict=True):
            if cell != "–":
                out.print(f"  {name:<{max(map(len, head))}}  {cell}", highlight=False)
