"""``parley talk``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from parley.audio import files
from parley.cli import local
from parley.cli.inputs import sounds
from parley.cli.outputs import check_output
from parley.cli.serve import run
from parley.cli.terminal import errors, out
from parley.cli.words import words
from parley.client.caller import RecordedCaller, TurnReport
from parley.client.connection import RATE_HZ, Connection
from parley.client.statistics import summary
from parley.client.trust import Trust
from parley.errors import UnavailableError, UsageError


def talk(
    url: Annotated[str | None, typer.Argument(help="Server; without it one is started for this talk")] = None,
    inputs: Annotated[
        list[Path] | None,
        typer.Option("--input", "-i", help="Recording, or folder of recordings, instead of a microphone"),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write what was heard (wav, flac, mp3)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line for each turn and a summary")] = False,
    repeat: Annotated[int, typer.Option(min=1, help="Say all recordings so many times")] = 1,
    stock: Annotated[bool, typer.Option(help="Talk as a stock client does, without extensions")] = False,
    api_key: Annotated[str | None, typer.Option(envvar="PARLEY_API_KEY", help="Key of the server")] = None,
    ca: Annotated[
        Path | None, typer.Option(help="Certificate (PEM) that the server's is signed by, or the server's own")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Believe any certificate, such as that of 'parley serve --tls'")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Talk from the terminal, by microphone or with recordings streamed in real time.

    Examples:

      parley talk

      parley talk ws://localhost:8000 --input question.wav --output answer.wav --json

      parley talk --input recordings/ --repeat 3 --json
    """
    clips = sounds(inputs or [])
    if output is not None and not clips:
        raise UsageError("--output needs --input: a microphone talk is not recorded")
    if output is not None:
        check_output(output, sound=True)
    for clip in clips:  # a fault in the last one is told before the first is said
        files.read(clip)
    how = How(as_json=as_json, stock=stock, api_key=api_key, trust=Trust(ca, insecure=insecure), quiet=quiet)
    run(_talk(url, clips * repeat, output, how))


@dataclass(frozen=True, slots=True)
class How:
    """How a talk is held."""

    as_json: bool
    stock: bool
    api_key: str | None
    trust: Trust
    quiet: bool


async def _talk(url: str | None, clips: list[Path], output: Path | None, how: How) -> None:
    if url is not None:
        await _connect(url, clips, output, how)
        return
    settings = local.command_config(port=0, host="127.0.0.1", log_level="warning")
    async with local.serving(settings, quiet=how.quiet) as own:
        await _connect(own, clips, output, how)


async def _connect(url: str, clips: list[Path], output: Path | None, how: How) -> None:
    connecting = Connection(url, api_key=how.api_key, exact=not how.stock, trust=how.trust)
    async with connecting as connection:
        if not how.quiet and not how.as_json:
            told = words(errors, "talking_to", model=connection.session.get("model"), url=url)
            errors.print(told, highlight=False)
        if not clips:
            from parley.cli.microphone import converse

            await converse(connection, as_json=how.as_json)
            return
        await _say_recordings(connection, clips, output, as_json=how.as_json)


async def _say_recordings(connection: Connection, clips: list[Path], output: Path | None, *, as_json: bool) -> None:
    reports: list[TurnReport] = []
    said = 0
    async with RecordedCaller(connection) as caller:
        try:
            for clip in clips:
                async for report in caller.exchange(clip):
                    reports.append(report)
                    _show(report, as_json=as_json)
                if connection.closed is not None:
                    break
                said += 1
        finally:  # nothing that was heard is lost, on Ctrl-C either
            if output is not None:
                files.write(output, caller.played, RATE_HZ)
    latencies = [(r.file, float(r.voice_to_voice_ms)) for r in reports if r.voice_to_voice_ms is not None]
    figures = summary(latencies)
    lost = words(errors, "lost", said=said, clips=len(clips), why=connection.closed) if said < len(clips) else ""
    if as_json:
        faults = [*connection.talk.errors, *([lost] if lost else [])]
        closing = {"turns": len(reports), "errors": faults, "voice_to_voice_ms": figures}
        typer.echo(json.dumps({"summary": closing}))
    elif latencies:
        out.print(words(out, "latency", p50=figures["p50"], p95=figures["p95"], turns=figures["n"]))
    told = f" ({connection.talk.errors[-1]})" if connection.talk.errors else ""
    if lost:
        raise UnavailableError(lost + told)
    if not reports:
        raise UsageError(words(errors, "no_turn"))
    if unanswered := [r for r in reports if r.voice_to_voice_ms is None or r.status == "failed"]:
        raise UnavailableError(words(errors, "unanswered", count=len(unanswered), turns=len(reports)) + told)


def _show(report: TurnReport, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False))
        return
    out.print(words(out, "you", text=report.transcript), highlight=False)
    key = "parley_silent" if report.voice_to_voice_ms is None else "parley_after"
    out.print(words(out, key, text=report.heard, ms=report.voice_to_voice_ms), highlight=False)
