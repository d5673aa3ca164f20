"""``parley train judge``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from parley.cli import local
from parley.cli.train_models import Quiet, progress, teller
from parley.models.plugins import close
from parley.train import judging
from parley.train import report as report_of
from parley.train.clips import Clip
from parley.train.judging import Judgement, Judges


def judge(
    work: Annotated[Path, typer.Argument(help="Folder of a run that has ended")],
    voices: Annotated[
        list[str], typer.Argument(help="Voices: of the catalogue, or folders of voice packs (PACK, PACK/VOICE)")
    ],
    speaker: Annotated[str, typer.Option("--speaker", help="Whose clips they are held against")],
    recognizer: Annotated[str, typer.Option("--recognizer", help="Who writes down what they say")] = "whisper-base",
    encoder: Annotated[str, typer.Option("--encoder", help="What tells speakers apart")] = "d-vector",
    clips: Annotated[int, typer.Option("--clips", min=2, help="So many of the speaker's clips, the last ones")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each")] = False,
    quiet: Quiet = False,
) -> None:
    """Hold voices against a speaker's clips: how they are understood, how alike, how pleasant and how soon.

    Each says the texts of the speaker's last clips, which a training does not hear. Give a voice before its training
    and behind it. What listeners would say of the sound is reckoned where the extra 'judge' is.

    Examples:

      parley train judge work voicepacks/transformers-tts/csm voicepacks/transformers-tts/csm/ann --speaker ann

      parley train judge work hibari-heart espeak --speaker ann --json
    """
    mine, others = judging.chosen(report_of.whole(work).kept, speaker, clips)
    opinion = judging.opinions()
    if opinion is None:
        teller(quiet=quiet)("what listeners would say wants the extra 'judge': pip install 'parley-voice[judge]'")
    found, floor = asyncio.run(_judged(voices, (mine, others), (recognizer, encoder), opinion, quiet=quiet))
    if as_json:
        for one in found:
            typer.echo(msgspec.json.encode({**msgspec.to_builtins(one), "strangers": floor}))
        return
    Console().print(_table(found))
    if floor is not None:
        typer.echo(f"other speakers of the data set are {floor:.2f} like {speaker}")


async def _judged(
    names: Sequence[str], clips: tuple[Sequence[Clip], Sequence[Clip]], models: tuple[str, str], opinion: Any,
    *, quiet: bool,
) -> tuple[list[Judgement], float | None]:  # fmt: skip
    mine, others = clips
    recognizer = await local.load_model(models[0], "asr", quiet=quiet)
    encoder = await local.load_model(models[1], "speaker", quiet=quiet)
    try:
        judges = Judges(recognizer, encoder, opinion)
        with progress(quiet=quiet) as step:
            recorded, floor = await judges.of_clips(mine, others)
            found, directions = [recorded], await judges.directions(mine)
            for number, name in enumerate(names, 1):
                voice = await local.load_model(name, "tts", quiet=quiet)
                try:
                    found.append(await judges.of_voice(name, voice, mine, directions))
                finally:
                    await close(voice)
                step("voices", number, len(names))
        return found, floor
    finally:
        await close(recognizer)
        await close(encoder)


def _table(found: Sequence[Judgement]) -> Table:
    columns = ("voice", "words wrong", "letters wrong", "likeness", "opinion (1 to 5)", "first sound", "real time")
    table = Table(*columns, title=f"{found[0].texts} texts")
    for one in found:
        table.add_row(
            one.voice, f"{one.word_errors:.1%}", f"{one.letter_errors:.1%}", f"{one.likeness:.2f}",
            "-" if one.opinion is None else f"{one.opinion:.2f}",
            "-" if one.first_sound_ms is None else f"{one.first_sound_ms:.0f} ms",
            "-" if one.real_time is None else f"{one.real_time:.3f}",
        )  # fmt: skip
    return table
