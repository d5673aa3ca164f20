"""Word and character error rate of a recogniser over the recordings of a manifest that are in one language."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from parley.audio import files
from parley.cli import local
from parley.client.word_errors import character_distance, distance
from parley.conversation.offline import at_once, transcribe_recording
from parley.models.interfaces import MODEL_RATE_HZ, Caller


def main(
    folder: Path,
    model: Annotated[str, typer.Option(help="Recogniser")] = "moonshine-tiny-en",
    checked_only: Annotated[bool, typer.Option(help="Leave out clips whose words come from a recogniser")] = False,
    language: Annotated[str, typer.Option(help="ISO 639-1")] = "en",
) -> None:
    """Print the errors of each clip and the rates of all words and characters."""
    asyncio.run(measure(folder, model, checked_only, language))


async def measure(folder: Path, model: str, checked_only: bool, language: str) -> None:
    vad = await local.load_model("silero-vad", "vad", quiet=True)
    recognizer = await local.load_model(model, "asr", quiet=True)
    errors = words = wrong = characters = clips = 0
    for entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8")):
        if entry["language"] != language or (checked_only and entry.get("transcript_from") == "asr"):
            continue
        samples = files.read_float(folder / entry["file"], MODEL_RATE_HZ)
        said = transcribe_recording(vad, recognizer, at_once(samples), language, Caller("bench"))
        parts = [s.text async for s in said]
        found, count = distance(entry["transcript"], " ".join(parts))
        errors, words, clips = errors + found, words + count, clips + 1
        letters = character_distance(entry["transcript"], " ".join(parts))
        wrong, characters = wrong + letters[0], characters + letters[1]
        typer.echo(f"{found:3}/{count:<3} {entry['file']:36} {' '.join(parts)}")
    typer.echo(
        f"{model}: {errors}/{words} words = {100 * errors / words:.1f} %, "
        f"{wrong}/{characters} characters = {100 * wrong / characters:.1f} %, over {clips} clips"
    )


if __name__ == "__main__":
    typer.run(main)
