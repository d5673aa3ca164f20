"""``parley say`` and ``parley transcribe``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from parley.audio import files
from parley.audio.decoding import converted, decoding
from parley.audio.pcm import Float32
from parley.cli import local
from parley.cli.inputs import sounds
from parley.cli.outputs import check_output
from parley.cli.terminal import errors
from parley.conversation.offline import given_to_voice, say_text, transcribe_recording
from parley.conversation.spoken.manners import Manner
from parley.errors import AudioError, UsageError
from parley.languages import code_of, knows
from parley.models.interfaces import MODEL_RATE_HZ, Caller, SpeakingStyle


def say(
    text: Annotated[str, typer.Argument(help="What to say")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Sound file to write (wav, flac, mp3, opus)")
    ] = None,
    voice: Annotated[str | None, typer.Option(help="Voice, or a Piper .onnx file")] = None,
    speed: Annotated[float, typer.Option(min=0.25, max=4.0, help="1.0 is normal")] = 1.0,
    language: Annotated[str | None, typer.Option(help="Language, for voices that have several")] = None,
    emotion: Annotated[
        Literal["neutral", "happy", "sad", "angry", "calm"], typer.Option(help="For voices that have it")
    ] = "neutral",
    intensity: Annotated[float, typer.Option(min=0.0, max=1.0, help="Of the emotion")] = 0.5,
    show: Annotated[
        bool, typer.Option("--show", help="Print the words that the voice is given, and say nothing")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Say a text into a file.

    Example: parley say "Good morning." -o morning.wav
    """
    if not text.strip():
        raise UsageError("there is nothing to say")
    name = voice or local.command_config().tts
    if show:
        _show(text, _code(language) or local.language_of_voice(name))
    elif output is None:
        raise UsageError("where to write is missing: give --output FILE, or --show to see the words alone")
    else:
        check_output(output, sound=True)
        style = SpeakingStyle(voice, speed, _code(language), emotion, intensity)
        asyncio.run(_say(text, output, name, style, quiet))


def _show(text: str, language: str) -> None:
    """A line for each piece that the voice gets, and for each pause."""
    before = Manner()
    for said in given_to_voice(text, language):
        if said.manner != before:
            typer.echo(_told(before := said.manner))
        if said.words:
            typer.echo(said.words.strip())
        if said.pause_s:
            typer.echo(f"[pause of {said.pause_s:g} s]")


def _told(manner: Manner) -> str:
    asked = [manner.emotion or "as usual"]
    asked += [f"intensity {manner.intensity:g}"] if manner.intensity is not None else []
    asked += [f"speed {manner.rate:g}"] if manner.rate != 1 else []
    return f"[{', '.join(asked)}]"


def _code(language: str | None) -> str | None:
    """The code of a language by any of its names; raises `UsageError`."""
    try:
        return None if language is None else code_of(language)
    except ValueError as fault:
        raise UsageError(f"--language: {fault}") from None


def _check(language: str | None, model: str, languages: Sequence[str], can: str) -> None:
    if not knows(languages, language):
        raise UsageError(f"--language: '{model}' does not {can} '{language}', it has {', '.join(languages)}")


async def _say(text: str, output: Path, voice: str, style: SpeakingStyle, quiet: bool) -> None:
    synthesizer = await local.load_model(voice, "tts", quiet=quiet)
    _check(style.language, voice, synthesizer.languages, "speak")
    if style.speed != 1 and synthesizer.fixed_speed:
        raise UsageError(f"--speed: '{voice}' speaks at its own speed")
    if style.emotion not in synthesizer.emotions:
        has = ", ".join(synthesizer.emotions)
        raise UsageError(f"--emotion: '{voice}' cannot be {style.emotion}; it can be {has}")
    async with aclosing(say_text(synthesizer, text, style, Caller("say"))) as chunks:
        parts = [chunk async for chunk in chunks]
    if not parts:
        raise UsageError("the text contains nothing that can be said")
    files.write(output, np.concatenate(parts), synthesizer.rate_hz)
    if not quiet:
        seconds = sum(map(len, parts)) / synthesizer.rate_hz
        errors.print(f"wrote {output} ({seconds:.1f} s)", highlight=False)


def transcribe(
    recordings: Annotated[list[Path], typer.Argument(help="Sound files, up to 100 MB each, or folders of them")],
    model: Annotated[str | None, typer.Option(help="Recogniser (see 'parley models list')")] = None,
    language: Annotated[str | None, typer.Option(help="Spoken language (en, te-IN, English)")] = None,
    form: Annotated[
        Literal["text", "json", "srt", "vtt"], typer.Option("--format", "-f", help="What to print")
    ] = "text",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Write what is said in recordings to standard output; one that cannot be read is named, and the others go on.

    Examples:

      parley transcribe answer.wav

      parley transcribe recordings/ --format json > words.jsonl
    """
    paths = sounds(recordings, there=False)
    good = [path for path in paths if _opens(path)]  # told before the first is transcribed
    if good:
        asyncio.run(_transcribe(good, model or local.command_config().asr, _code(language), form, quiet))
    if len(good) < len(paths):
        raise UsageError(f"{len(paths) - len(good)} of {len(paths)} recordings could not be read")


def _opens(path: Path) -> bool:
    try:
        with files.opened(path, str(path)) as stream, decoding(stream, str(path)):
            return True
    except AudioError as fault:
        errors.print(f"[bold red]error:[/] {fault}", highlight=False)
        return False


async def _read(path: Path) -> AsyncGenerator[Float32, None]:
    with files.opened(path, str(path)) as stream:
        for block in converted(stream, str(path), MODEL_RATE_HZ):
            yield block


async def _transcribe(recordings: list[Path], model: str, language: str | None, form: str, quiet: bool) -> None:
    from parley.server.subtitles import subtitles

    vad = await local.load_model("silero-vad", "vad", quiet=quiet)
    recognizer = await local.load_model(model, "asr", quiet=quiet)
    _check(language, model, recognizer.languages, "hear")
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
