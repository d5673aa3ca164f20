"""``parley train whisper``, ``csm`` and ``moshi``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from parley import checked_yaml
from parley.cli import local
from parley.cli.terminal import errors
from parley.errors import UsageError
from parley.models.catalogue import Model, catalogue
from parley.models.interfaces import ModelSpec
from parley.models.store import Store
from parley.train import report as report_of
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
