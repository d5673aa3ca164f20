"""``parley train``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from parley import checked_yaml
from parley.cli import local
from parley.cli.terminal import errors
from parley.models.store import Store
from parley.train import clips, runner
from parley.train import report as report_of
from parley.train.settings import Settings
from parley.train.sources import listed

app = typer.Typer(help="Training: from sources of speech to a data set.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Training: from sources of speech to a data set."""


@app.command()
def run(
    sources: Annotated[Path, typer.Argument(help="CSV file: source, licence, consent, language, speaker")],
    work: Annotated[Path, typer.Option("--work", help="Folder that keeps the work; a run goes on from what is there")],
    until: Annotated[str | None, typer.Option(help=f"The last step: {runner.NAMES}")] = None,
    settings_file: Annotated[Path | None, typer.Option("--settings", help="Settings of the steps (YAML)")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, show_default="half the cores", help="Processes that work")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Make a manifest of clips out of recordings, and print its path. It may be killed and run again at any moment.

    Examples:

      parley train run sources.csv --work work

      parley train run sources.csv --work work --settings train.yaml --until segment
    """
    settings = Settings() if settings_file is None else checked_yaml.read(settings_file, Settings, "settings file")
    steps = runner.steps_until(until)
    found = listed(sources, settings.collect.licences)  # refused before anything is fetched
    asyncio.run(local.ensure(runner.models_of(steps, settings), Store(), quiet=quiet))
    with _progress(quiet=quiet) as progress:
        manifest = runner.run(found, work, settings, steps, workers or runner.usual_workers(), progress)
    if not quiet:
        _tell(report_of.of(work).clips)
    typer.echo(manifest)


def _tell(found: list[clips.Clip]) -> None:
    kept = [clip for clip in found if not clip.refused]
    minutes = sum(clip.seconds for clip in kept) / 60
    errors.print(f"{len(kept)} of {len(found)} clips kept, {minutes:.1f} minutes", highlight=False)
    for reason, bad in report_of.refusals(found).items():
        errors.print(f"  {len(bad)} refused: {reason}", highlight=False, markup=False)


@app.command()
def demo(
    work: Annotated[Path, typer.Option("--work", help="Folder for the corpus, and the work on it")] = Path(
        "train-demo"
    ),
    minutes: Annotated[float, typer.Option(min=0.1, max=100, help="Length of the corpus, at least")] = 5.0,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, show_default="half the cores", help="Processes that work")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Run all steps over a synthetic corpus and tell how much of its truth they find; 3 where a bound is missed.

    Examples:

      parley train demo

      parley train demo --minutes 60 --work /tmp/demo
    """
    from parley.train import demo as corpus

    settings, steps = corpus.SETTINGS, runner.steps_until(None)
    sources, truth = corpus.make(work / "corpus", minutes)
    found = listed(sources, settings.collect.licences)
    asyncio.run(local.ensure(runner.models_of(steps, settings), Store(), quiet=quiet))
    with _progress(quiet=quiet) as progress:
        runner.run(found, work, settings, steps, workers or runner.usual_workers(), progress)
    scores = corpus.scores(report_of.of(work), truth)
    for score in scores:
        sign = "at most" if score.at_most else "at least"
        typer.echo(f"{score.value:.3f} ({sign} {score.bound}){'' if score.reached else ' MISSED'}: {score.name}")
    if not all(score.reached for score in scores):
        raise typer.Exit(3)


@app.command()
def report(
    work: Annotated[Path, typer.Argument(help="Folder of a run that has ended")],
) -> None:
    """Write report.html, to look at, and card.md, which goes with the data set, into the folder of a run.

    A run that stopped before the last step has no data set, and so no card.

    Examples:

      parley train report work
    """
    found = report_of.of(work)
    if found.complete:
        clips.replace(work / "card.md", report_of.card(found).encode())
        typer.echo(work / "card.md")
    clips.replace(work / "report.html", report_of.page(found).encode())
    typer.echo(work / "report.html")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[runner.Progress]:
    """A bar for each step; a line instead each time that a shard is done where nobody looks."""
    if quiet:
        yield lambda *_: None
    elif not errors.is_terminal:
        yield lambda step, done, total: errors.print(f"{step}: {done} of {total}", highlight=False)
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=errors) as bars:
            tasks: dict[str, TaskID] = {}

            def update(step: str, done: int, total: int) -> None:
                if step not in tasks:
                    tasks[step] = bars.add_task(step, total=total)
                bars.update(tasks[step], completed=done, total=total)

            yield update
