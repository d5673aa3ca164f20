"""``parley voices``."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from parley.audio import files
from parley.cli import local
from parley.cli.terminal import errors, out
from parley.conversation.offline import say_text
from parley.errors import UsageError
from parley.languages import code_of, knows
from parley.models.catalogue import Model, catalogue
from parley.models.interfaces import Caller, SpeakingStyle
from parley.models.plugins import close
from parley.models.store import Store

_SPOKEN = "Hello. This is how I sound."


def voices(
    named: Annotated[list[str] | None, typer.Argument(metavar="[VOICE]...", help="Those alone")] = None,
    language: Annotated[str | None, typer.Option(help="Those that speak it (te, Telugu)")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for a sound file of each, to compare them")
    ] = None,
    text: Annotated[str, typer.Option(help="What they say there")] = _SPOKEN,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Voices: who they sound like, what they speak; the same words by each, to compare them.

    Examples:

      parley voices --language te

      parley voices hibari-heart kokoro/am_fenrir --output samples/ --text "The train leaves at nine."
    """
    found = _wanted(named or [], language)
    if output is not None:
        _check_folder(output)
        asyncio.run(_compare(found, output, text, language, quiet))
    elif as_json:
        typer.echo(json.dumps([_described(name, model) for name, model in found.items()], ensure_ascii=False))
    else:
        _show(found)


def _wanted(named: list[str], language: str | None) -> dict[str, Model]:
    """Voices by the names that `--voice` takes."""
    known = catalogue()
    every = {f"{m.id}/{s}" if s else m.id: m for m in known.of_kind("tts") for s in (m.voices or ("",))}
    try:
        code = None if language is None else code_of(language)
    except ValueError as fault:
        raise UsageError(f"--language: {fault}") from None
    if named:
        chosen = {}
        for name in named:
            model = known.get(name, "tts")
            speaker = known.speaker(name) or next(iter(model.voices), "")
            chosen[f"{model.id}/{speaker}" if speaker else model.id] = model
        every = chosen
    spoken = {name: model for name, model in every.items() if knows(model.languages, code)}
    if not spoken:
        raise UsageError(f"--language: no voice of {'these' if named else 'the catalogue'} speaks '{language}'")
    return spoken


def _described(name: str, model: Model) -> dict[str, Any]:
    speaker = name.partition("/")[2]
    who = f"{speaker}, {model.voices[speaker]}" if speaker else model.summary
    return {
        "voice": name, "sounds": who, "languages": list(model.languages), "bytes": model.size, "licence": model.licence,
        "permissive": model.is_permissive, "here": Store().is_present(model),
    }  # fmt: skip


def _show(found: dict[str, Model]) -> None:
    table = Table(box=None, header_style="bold")
    for column in ("voice", "sounds like", "speaks", "MB", "here"):
        table.add_column(column, justify="right" if column == "MB" else "left", no_wrap=column == "voice")
    for name, model in found.items():
        told = _described(name, model)
        many = f"{len(model.languages)} languages" if len(model.languages) > 3 else ", ".join(model.languages)
        size = f"{model.size / 1e6:.0f}" if model.size else ""
        table.add_row(name, told["sounds"], many, size, "yes" if told["here"] else "")
    out.print(table)
    out.print("\nhear them: parley voices VOICE... --output FOLDER", style="dim", highlight=False)


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise UsageError(f"--output: {folder}: {fault.strerror}") from None


async def _compare(found: dict[str, Model], folder: Path, text: str, language: str | None, quiet: bool) -> None:
    """The same words by each, as files that are named after the voices; one that cannot speak is named."""
    for name in found:
        voice = await local.load_model(name, "tts", quiet=quiet)
        speaker = name.partition("/")[2]
        style = SpeakingStyle(speaker or None, language=None if language is None else code_of(language))
        async with aclosing(say_text(voice, text, style, Caller("voices"))) as chunks:
            parts = [chunk async for chunk in chunks]
        await close(voice)
        if not parts:
            errors.print(f"{name}: nothing of this text can be said", highlight=False)
            continue
        path = folder / f"{name.replace('/', '-')}.wav"
        files.write(path, np.concatenate(parts), voice.rate_hz)
        if not quiet:
            errors.print(f"wrote {path}", highlight=False)
