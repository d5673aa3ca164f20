"""``parley train whisper``, ``csm``, ``moshi`` and ``turns``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from parley import checked_yaml
from parley.bench.scenario import MANIFEST
from parley.cli import local
from parley.cli.terminal import errors
from parley.errors import UsageError
from parley.models.catalogue import Model, catalogue
from parley.models.interfaces import ModelSpec
from parley.models.resolve import named
from parley.models.store import Store
from parley.train import report as report_of
from parley.train import runner
from parley.train.tuning import CsmTuning, MoshiTuning, Needs, Tuning, WhisperTuning

T = TypeVar("T", bound=Tuning)

Training = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for all of it; goes on from what is there", show_default=False)
]
TrainingSettings = Annotated[Path | None, typer.Option("--settings", help="Settings of the training (YAML)")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell how much memory it needs, and train nothing")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress")]


def whisper(
    work: Annotated[Path, typer.Argument(help="Folder of a run that has ended: its data set is what is learnt")],
    base: Annotated[
        str, typer.Option("--base", help="Checkpoint of Whisper for transformers: a folder, or a name on the hub")
    ],
    output: Training,
    settings_file: TrainingSettings = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Teach Whisper a data set by LoRA, and print the folder of the model, which the server loads by its path.

    Needs the extra 'train'. It may be killed and run again at any moment.

    Examples:

      parley train whisper work --base openai/whisper-small --output telugu --dry-run

      parley train whisper work --base openai/whisper-small --output telugu

      parley serve --asr telugu/model
    """
    settings = _settings(settings_file, WhisperTuning)
    found = report_of.whole(work)
    try:
        from parley.train.whisper_lora import Tuned
    except ImportError as fault:
        raise _missing(fault) from None
    training = Tuned(base, found.kept, output, settings)
    if dry_run:
        return _tell_memory(training.needs)
    tell = teller(quiet=quiet)
    came = training.run(tell)
    who = "speakers that it never heard" if came.held_out else "the clips that it learnt, for nobody is held out"
    tell(
        f"word errors {came.before.words:.3f} before, {came.after.words:.3f} after; characters "
        f"{came.before.characters:.3f} before, {came.after.characters:.3f} after: on {who}"
    )
    typer.echo(came.model)


def csm(
    work: Annotated[Path, typer.Argument(help="Folder of a run that has ended: its data set is what is learnt")],
    base: Annotated[
        str, typer.Option("--base", help="Checkpoint of CSM for transformers: a folder, or a name on the hub")
    ],
    speaker: Annotated[str, typer.Option("--speaker", help="Who it is to speak as")],
    output: Training,
    settings_file: TrainingSettings = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Teach CSM to speak as one speaker of a data set, by LoRA, and print the folder of the voice.

    Needs the extra 'train'. It may be killed and run again at any moment.

    Examples:

      parley train csm work --base sesame/csm-1b --speaker ann --output ann --dry-run

      parley train csm work --base sesame/csm-1b --speaker ann --output ann

      parley voicepacks make transformers-tts csm --file config.json ... --lora ann/voices/ann
    """
    settings = _settings(settings_file, CsmTuning)
    found = report_of.whole(work)
    try:
        from parley.train.csm_lora import Tuned
    except ImportError as fault:
        raise _missing(fault) from None
    training = Tuned(base, found.kept, speaker, output, settings)
    if dry_run:
        return _tell_memory(training.needs)
    tell = teller(quiet=quiet)
    came = training.run(tell)
    which = "clips that it never heard" if came.held_out else "the clips that it learnt, for none is held out"
    tell(f"loss {came.before:.3f} before, {came.after:.3f} after, on {which}")
    typer.echo(came.voice)


def _missing(fault: ImportError) -> UsageError:
    return UsageError(
        f"training needs the extra 'train': pip install 'parley-voice[train]' ({fault}); in a clone, "
        "'just family transformers_tts' makes .venv-family-transformers_tts, whose parley can"
    )


def moshi(
    dialogues_: Annotated[Path, typer.Argument(metavar="DIALOGUES", help="Folder of parley train dialogues")],
    base: Annotated[str, typer.Option("--base", help="Checkpoint of Moshi: a model of the catalogue, or a folder")],
    output: Training,
    settings_file: TrainingSettings = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Teach Moshi dialogues by LoRA, and print the configuration of a worker that speaks so.

    Needs the extra 'train-moshi'. It may be killed and run again at any moment.

    Examples:

      parley train moshi dialogues --base moshiko --output telugu --dry-run

      parley train moshi dialogues --base moshiko --output telugu

      parley worker --config telugu/worker.yaml
    """
    settings = _settings(settings_file, MoshiTuning)
    try:
        from parley.train.moshi_lora import Tuned
    except ImportError as fault:
        raise UsageError(
            f"training Moshi needs the extra 'train-moshi': pip install 'parley-voice[train-moshi]' ({fault}); in a "
            "clone, 'just family moshi' makes .venv-family-moshi, whose parley can"
        ) from None
    training = Tuned(_checkpoint(base, quiet=quiet), dialogues_, output, settings)
    if dry_run:
        return _tell_memory(training.needs)
    tell = teller(quiet=quiet)
    came = training.run(tell)
    which = "dialogues that it never heard" if came.held_out else "dialogues that it learnt, for none is held out"
    tell(f"loss {came.before:.3f} before, {came.after:.3f} after, on {which}")
    if came.left_out:
        tell(f"{came.left_out} words were left out, for their text takes longer than they do")
    typer.echo(came.worker)


def turns(
    source: Annotated[
        Path, typer.Argument(help="Folder of a run that has ended, or of recordings with labels (manifest.json)")
    ],
    output: Training,
    base: Annotated[
        str, typer.Option("--base", help="Turn model: one of the catalogue, or a folder of this command")
    ] = "smart-turn-v3",
    quiet: Quiet = False,
) -> None:
    """Teach a turn model when speakers have finished, and print its folder, which the server loads by its path.

    Only a head on what the model hears is fitted: minutes of speech are enough, without torch. It may be killed and run
    again at any moment.

    Examples:

      parley train turns work --output telugu-turns

      parley train turns recordings/ --output my-turns

      PARLEY_END_OF_TURN=telugu-turns/model parley serve
    """
    from parley.adapters import smart_turn
    from parley.train import turns as of_turns
    from parley.train.turn_heads import Fitted

    labelled = (source / MANIFEST).exists()
    spans = of_turns.of_labels(source) if labelled else of_turns.of_clips(report_of.whole(source).clips)
    spec = _turn_model(base, quiet=quiet)
    model = smart_turn.seeing(spec)
    try:
        with progress(quiet=quiet) as step:
            fitted = Fitted(model, smart_turn.network_of(spec), spans, output)
            came = fitted.run(lambda done, of: step("turns", done, of))
    finally:
        model.close()
    tell = teller(quiet=quiet)
    tell(f"by the sound alone, on {came.judged_by}, before and after:")
    for name, was in came.before.items():
        now = came.after[name]
        tell(
            f"  eagerness {name}: {was.ends} finished speakers wait {was.wait_p50_s} and {now.wait_p50_s} s (p50), "
            f"{was.wait_p95_s} and {now.wait_p95_s} s (p95); {was.taken} and {now.taken} of {was.pauses} pauses taken"
        )
    typer.echo(came.model)


def _turn_model(base: str, *, quiet: bool) -> ModelSpec:
    chosen, store = named(catalogue(), "end_of_turn", base), Store()
    if isinstance(chosen, ModelSpec):
        return chosen
    if chosen.family != "smart-turn":
        raise UsageError(f"--base: '{base}' is of the family {chosen.family}, and heads are fitted to smart-turn's")
    asyncio.run(local.ensure([chosen], store, quiet=quiet))
    return store.spec(chosen)


def _tell_memory(needs: Needs) -> None:
    """Raises `UsageError` where it is not enough."""
    from parley.train.training import check_memory

    check_memory(needs)
    typer.echo(f"memory: {needs}")


def _settings(path: Path | None, kind: type[T]) -> T:
    return kind() if path is None else checked_yaml.read(path, kind, "settings file")


def _checkpoint(base: str, *, quiet: bool) -> Model | ModelSpec:
    """One of the catalogue, pulled, or a folder of one's own."""
    folder = Path(base).expanduser()
    if os.sep in base or folder.is_dir():
        if not folder.is_dir():
            raise UsageError(f"--base: {folder} is no folder")
        files = {path.name: path.resolve() for path in sorted(folder.iterdir()) if path.is_file()}
        return ModelSpec(folder.resolve().name, "moshi", files, kind="duplex")
    model = catalogue().get(base, "duplex")
    asyncio.run(local.ensure([model], Store(), quiet=quiet))
    return model


def teller(*, quiet: bool) -> Callable[[str], None]:
    """Says a line, unless it is to be quiet."""

    def tell(line: str) -> None:
        if not quiet:
            errors.print(line, highlight=False, markup=False)

    return tell


@contextmanager
def progress(*, quiet: bool) -> Iterator[runner.Progress]:
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
