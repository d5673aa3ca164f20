"""``parley say`` and ``parley transcribe``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from parley.audio import files
from parley.audio.decoding import converted, decoding
from parley.audio.pcm import Float32
from parley.cli import local
from parley.cli.terminal import errors
from parley.conversation.oneshot import say_text, transcribe_recording
from parley.errors import UsageError
from parley.models.interfaces import MODEL_RATE_HZ, Caller, SpeakingStyle


def say(
    text: Annotated[str, typer.Argument(help="What to say")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Sound file to write (wav, flac, mp3, opus)")],
    voice: Annotated[str | None, typer.Option(help="Voice, or a Piper .onnx file")] = None,
    speed: Annotated[float, typer.Option(min=0.25, max=4.0, help="1.0 is normal")] = 1.0,
    language: Annotated[str | None, typer.Option(help="Language, for voices that have several")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Say a text into a file.

    Example: parley say "Good morning." -o morning.wav
    """
    if not text.strip():
        raise UsageError("there is nothing to say")
    asyncio.run(_say(text, output, voice or local.command_config().tts, SpeakingStyle(voice, speed, language), quiet))


async def _say(text: str, output: Path, voice: str, style: SpeakingStyle, quiet: bool) -> None:
    synthesizer = await local.load_model(voice, "tts", quiet=quiet)
    async with aclosing(say_text(synthesizer, text, style, Caller("say"))) as chunks:
        parts = [chunk async for chunk in chunks]
    if not parts:
        raise UsageError("the text contains nothing that can be said")
    files.write(output, np.concatenate(parts), synthesizer.rate_hz)
    if not quiet:
        seconds = sum(map(len, parts)) / synthesizer.rate_hz
        errors.print(f"wrote {output} ({seconds:.1f} s)", highlight=False)


def transcribe(
    recordings: Annotated[list[Path], typer.Argument(help="Sound files, up to 100 MB each")],
    model: Annotated[str | None, typer.Option(help="Recogniser (see 'parley models list')")] = None,
    language: Annotated[str | None, typer.Option(help="Spoken language (ISO 639-1)")] = None,
    form: Annotated[
        Literal["text", "json", "srt", "vtt"], typer.Option("--format", "-f", help="What to print")
    ] = "text",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Write what is said in recordings to standard output.

    Example: parley transcribe answer.wav
    """
    for path in recordings:  # a fault in the last one is told before the first is transcribed
        with files.opened(path, str(path)) as stream, decoding(stream, str(path)):
            pass
    asyncio.run(_transcribe(recordings, model or local.command_config().asr, language, form, quiet))


async def _read(path: Path) -> AsyncGenerator[Float32, None]:
    with files.opened(path, str(path)) as stream:
        for block in converted(stream, str(path), MODEL_RATE_HZ):
            yield block


async def _transcribe(recordings: list[Path], model: str, language: str | None, form: str, quiet: bool) -> None:
    from parley.server.audio_routes import subtitles

    vad = await local.load_model("silero-vad", "vad", quiet=quiet)
    recognizer = await local.load_model(model, "asr", quiet=quiet)
    for path in recordings:
        segments = transcribe_recording(vad, recognizer, _read(path), language, Caller("transcribe"))
        found = [s async for s in segments]
        text = " ".join(s.text for s in found)
        if form in ("srt", "vtt"):
            typer.echo(subtitles(found, form))
        elif form == "json":
            spans = [{"start": s.start_s, "end": s.end_s, "text": s.text} for s in found]
            typer.echo(json.dumps({"file": str(path), "text": text, "segments": spans}, ensure_ascii=False))
        else:
            typer.echo(f"{path}: {text}" if len(recordings) > 1 else text)
