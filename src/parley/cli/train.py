"""``parley train``."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from parley import checked_yaml
from parley.cli import local, train_judge, train_models
from parley.cli.terminal import errors
from parley.errors import UsageError
from parley.models.store import Store
from parley.train import clips, dialogues, pools, runner
from parley.train import report as report_of
from parley.train.settings import Settings
from parley.train.sources import listed

_SOUNDS = "sounds"
_SETTINGS = "settings file"
Workers = Annotated[
    int | None, typer.Option(min=1, max=1024, show_default="half the cores", help="Processes that work")
]
Ray = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Work on the Ray cluster at this address instead; auto finds it")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress")]
app = typer.Typer(
    help="Training: from sources of speech to a data set, and to models that know it.", no_args_is_help=True
)


app.command()(train_models.whisper)
app.command()(train_models.csm)
app.command()(train_models.moshi)
app.command()(train_models.turns)
app.command()(train_judge.judge)


@app.callback()
def _group() -> None:
    """Training: from sources of speech to a data set, and to models that know it."""


@app.command()
def run(
    sources: Annotated[Path, typer.Argument(help="CSV file: source, licence, consent, language, speaker")],
    work: Annotated[Path, typer.Option("--work", help="Folder that keeps the work; a run goes on from what is there")],
    until: Annotated[str | None, typer.Option(help=f"The last step: {runner.NAMES}")] = None,
    settings_file: Annotated[Path | None, typer.Option("--settings", help="Settings of the steps (YAML)")] = None,
    workers: Workers = None,
    ray: Ray = None,
    quiet: Quiet = False,
) -> None:
    """Make a manifest of clips out of recordings, and print its path. It may be killed and run again at any moment.

    Examples:

      parley train run sources.csv --work work

      parley train run sources.csv --work work --settings train.yaml --until segment

      parley train run sources.csv --work /shared/work --ray auto
    """
    settings = Settings() if settings_file is None else checked_yaml.read(settings_file, Settings, _SETTINGS)
    steps = runner.steps_until(until)
    found = listed(sources, settings.collect.licences, work / "downloads", train_models.teller(quiet=quiet))
    asyncio.run(local.ensure(runner.models_of(steps, settings), Store(), quiet=quiet))
    with _pool(workers, ray, found) as pool, train_models.progress(quiet=quiet) as progress:
        manifest = runner.run(found, work, settings, steps, pool, progress)
    if not quiet:
        _tell(report_of.of(work).clips)
    typer.echo(manifest)


def _pool(workers: int | None, ray: str | None, found: list[clips.Clip]) -> AbstractContextManager[pools.Pool]:
    if ray is None:
        return pools.processes(workers or runner.usual_workers())
    if workers is not None:
        raise UsageError("--workers: a cluster says itself how much it carries; leave out one of --workers and --ray")
    one_of_each = {clip.source: clip.audio for clip in found}
    return pools.cluster(ray, list(one_of_each.values()))


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
    workers: Workers = None,
    ray: Ray = None,
    quiet: Quiet = False,
) -> None:
    """Run all steps over a synthetic corpus and tell how much of its truth they find; 3 where a bound is missed.

    Examples:

      parley train demo

      parley train demo --minutes 60 --work /tmp/demo
    """
    from parley.train import demo as corpus

    settings, steps = corpus.SETTINGS, runner.steps_until(None)
    sources, truth = corpus.make(work / "corpus", minutes)
    found = listed(sources, settings.collect.licences, work / "downloads")
    asyncio.run(local.ensure(runner.models_of(steps, settings), Store(), quiet=quiet))
    with _pool(workers, ray, found) as pool, train_models.progress(quiet=quiet) as progress:
        runner.run(found, work, settings, steps, pool, progress)
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


@app.command("dialogues")
def dialogues_(
    work: Annotated[Path, typer.Argument(help="Folder of a run that has ended")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for them; goes on from what is there")],
    main: Annotated[str, typer.Option(help="Speaker whom the model is to be; without it each of the two in turn")] = "",
    model: Annotated[str, typer.Option(help="Recogniser that tells when words are said")] = "whisper-base",
    quiet: Quiet = False,
) -> None:
    """Write the dialogues of two speakers in a data set as two-channel sound with timed words, for training Moshi.

    Examples:

      parley train dialogues work --output dialogues

      parley train dialogues work --output dialogues --main ann
    """
    found = report_of.whole(work)
    made = dialogues.dialogues(found.clips, main)
    if not made:
        raise UsageError(f"{work}: nowhere do two speakers{f', one of them {main},' if main else ''} take turns")
    asyncio.run(_write_dialogues(made, output, model, quiet=quiet))
    for split, count in dialogues.write_lists(made, output, _SOUNDS).items():
        if not quiet:
            errors.print(f"{count} dialogues for {split}", highlight=False)
    typer.echo(output)


async def _write_dialogues(made: list[dialogues.Dialogue], output: Path, model: str, *, quiet: bool) -> None:
    recognizer = await local.load_model(model, "asr", quiet=quiet)
    try:
        if "word_times" not in recognizer.guided_by:
            raise UsageError(f"--model: '{model}' does not tell when words are said")
        with train_models.progress(quiet=quiet) as progress:
            for done, dialogue in enumerate(made):
                progress("dialogues", done, len(made))
                await dialogues.write(dialogue, output / _SOUNDS, dialogues.words_by(recognizer))
            progress("dialogues", len(made), len(made))
    finally:
        recognizer.close()
