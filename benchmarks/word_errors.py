"""Word error rate of a recogniser over the English recordings of a manifest."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from parley.audio import files
from parley.cli import local
from parley.client.word_errors import distance
from parley.conversation.offline import at_once, transcribe_recording
from parley.models.interfaces import MODEL_RATE_HZ, Caller


def main(
    folder: Path,
    model: Annotated[str, typer.Option(help="Recogniser")] = "moonshine-tiny-en",
    checked_only: Annotated[bool, typer.Option(help="Leave out clips whose words come from a recogniser")] = False,
) -> None:
    """Print the rate of each clip and of all words."""
    asyncio.run(measure(folder, model, checked_only))


async def measure(folder: Path, model: str, checked_only: bool) -> None:
    vad = await local.load_model("silero-vad", "vad", quiet=True)
    recognizer = await local.load_model(model, "asr", quiet=True)
    errors = words = clips = 0
    for entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8")):
        if entry["language"] != "en" or (checked_only and entry.get("transcript_from") == "asr"):
            continue
        samples = files.read_float(folder / entry["file"], MODEL_RATE_HZ)
        said = transcribe_recording(vad, recognizer, at_once(samples), "en", Caller("bench"))
        parts = [s.text async for s in said]
        found, count = distance(entry["transcript"], " ".join(parts))
        errors, words, clips = errors + found, words + count, clips + 1
        typer.echo(f"{found:3}/{count:<3} {entry['file']:36} {' '.join(parts)}")
    typer.echo(f"{model}: {errors}/{words} = {100 * errors / words:.1f} % over {clips} clips")


if __name__ == "__main__":
    typer.run(main)
