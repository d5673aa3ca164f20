"""``parley voicepacks``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from parley.cli.terminal import errors, out
from parley.errors import UsageError
from parley.models import voicepacks
from parley.models.catalogue import Model, catalogue
from parley.models.store import Store

app = typer.Typer(help="Voice packs: voices in folders of their own, for workers.", no_args_is_help=True)
Root = Annotated[Path, typer.Option("--folder", help="Folder of voice packs")]
_ROOT = Path("voicepacks")


@app.command("list")
def list_packs(folder: Root = _ROOT) -> None:
    """The packs of a folder."""
    table = Table(box=None, header_style="bold")
    for column in ("voice", "family", "languages", "tags", "licence", "summary"):
        table.add_column(column)
    for path in voicepacks.folders(folder):
        pack = voicepacks.read(path)
        meta = pack.metadata
        table.add_row(
            pack.id, pack.family, ", ".join(meta.tags.lang), ", ".join(pack.tag_names), meta.licence, meta.summary
        )
    out.print(table if table.row_count else f"no voice packs in {folder}; 'parley voicepacks make --help'")


@app.command()
def check(folder: Root = _ROOT) -> None:
    """Read every pack and name what is wrong; exit code 2 when anything is."""
    wrong = 0
    for path in voicepacks.folders(folder):
        try:
            found = list(voicepacks.faults(voicepacks.read(path)))
        except UsageError as unread:
            found = [str(unread)]
        wrong += bool(found)
        for fault in found:
            errors.print(f"[red]{path.parent.name}/{path.name}[/]: {fault}", highlight=False)
        if not found:
            errors.print(f"[green]{path.parent.name}/{path.name}[/]: fine", highlight=False)
    if wrong:
        raise UsageError(f"{wrong} of {len(voicepacks.folders(folder))} voice packs have faults")


@app.command()
def make(
    family: Annotated[str, typer.Argument(help="Adapter, such as piper")],
    name: Annotated[str, typer.Argument(help="Name of the voice")],
    files: Annotated[list[Path] | None, typer.Option("--file", help="A file of the model; may be given again")] = None,
    lang: Annotated[list[str] | None, typer.Option(help="Language, ISO 639-1; may be given again")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights (SPDX)")] = "",
    model: Annotated[
        str, typer.Option(help="Model that was pulled: its files, and its languages and licence where none are given")
    ] = "",
    ref: Annotated[Path | None, typer.Option(help="WAV of a speaker, whose voice is cloned")] = None,
    speaker: Annotated[str, typer.Option(help="Whose voice that is")] = "",
    consent: Annotated[str, typer.Option(help="What the speaker agreed to, in the speaker's words")] = "",
    lora: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a LoRA adapter, a further voice with its name; may be given again"),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Option of the family; may be given again"),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="expressive, lora, gpu_only, or a domain")] = None,
    summary: Annotated[str, typer.Option(help="One line for people")] = "",
    folder: Root = _ROOT,
) -> None:
    """Make a pack; the files are copied. Example:

    parley voicepacks make piper amy --file amy.onnx --file amy.onnx.json --lang en --licence MIT

    parley voicepacks make cosyvoice me --model cosyvoice2-0.5b --ref me.wav --set words="What I say in it."
    --speaker "Ann Ray" --consent "I let this server speak with my voice until I withdraw it."
    """
    of = _pulled(model, family) if model else None
    languages = lang or (of.languages if of else ())
    licence = licence or (of.licence if of else "")
    if not languages or not licence:
        raise UsageError("--lang and --licence are needed where no --model tells them")
    copied = [*(Store().paths(of).values() if of else ()), *(files or ())]
    if not copied:
        raise UsageError("a pack has files: --model MODEL or --file FILE")
    tags = set(tag or ())
    flags = {"expressive", "lora", "gpu_only"}
    metadata = voicepacks.Metadata(
        licence=licence,
        summary=summary,
        tags=voicepacks.Tags(
            lang=tuple(languages), expressive="expressive" in tags, lora=bool(lora) or "lora" in tags,
            cpu_ok="gpu_only" not in tags, zero_shot=ref is not None, domain=tuple(sorted(tags - flags)),
        ),
        options={**(of.options if of else {}), **_options(changes or ())},
    )  # fmt: skip
    pack = voicepacks.make(
        folder, family, name, copied, metadata, ref, speaker=speaker, statement=consent, lora=lora or ()
    )
    found = list(voicepacks.faults(pack))
    for fault in found:
        errors.print(f"[yellow]{pack.folder}[/]: {fault}", highlight=False)
    errors.print(f"made {pack.folder}", highlight=False)


def _pulled(name: str, family: str) -> Model:
    """A model of the catalogue that is on this machine."""
    model = catalogue().get(name)
    if model.family != family:
        raise UsageError(f"--model {name} is of the family '{model.family}', not of '{family}'")
    if not Store().is_present(model):
        raise UsageError(f"--model {name} is not on this machine; 'parley models pull {name}' brings it")
    return model


def _options(given: Sequence[str]) -> dict[str, str]:
    """As text, of which the family makes what it wants: some numbers are words."""
    options = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set {text}: NAME=VALUE is needed")
        options[name] = value
    return options


@app.command()
def schema() -> None:
    """The JSON schema of metadata.yaml."""
    typer.echo(voicepacks.schema(), nl=False)
