"""``parley talk``."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from parley.audio import files
from parley.cli import local
from parley.cli.serve import run
from parley.cli.terminal import errors, out
from parley.client.caller import RecordedCaller, TurnReport
from parley.client.connection import RATE_HZ, Connection
from parley.client.statistics import summary
from parley.errors import UsageError
from parley.server.run import Server, set_up_logs

_SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"}


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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Talk from the terminal, by microphone or with recordings streamed in real time.

    Examples:

      parley talk

      parley talk ws://localhost:8000 --input question.wav --output answer.wav --json

      parley talk --input recordings/ --repeat 3 --json
    """
    clips = _clips(inputs or [])
    if output is not None and not clips:
        raise UsageError("--output needs --input: a microphone talk is not recorded")
    run(_talk(url, clips * repeat, output, as_json=as_json, stock=stock, api_key=api_key, quiet=quiet))


def _clips(inputs: list[Path]) -> list[Path]:
    """Files as given; of a folder, those of its manifest.json (English) or all sounds, sorted."""
    clips: list[Path] = []
    for path in inputs:
        if not path.exists():
            raise UsageError(f"{path} does not exist")
        if not path.is_dir():
            clips.append(path)
            continue
        manifest = path / "manifest.json"
        if manifest.exists():
            entries = json.loads(manifest.read_text(encoding="utf-8"))
            found = [path / e["file"] for e in entries if e.get("language", "en") == "en"]
        else:
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in _SOUNDS)
        if not found:
            raise UsageError(f"{path} contains no recordings")
        clips += found
    return clips


async def _talk(url: str | None, clips: list[Path], output: Path | None, **how: Any) -> None:
    if url is not None:
        await _connect(url, clips, output, **how)
        return
    settings = local.command_config(port=0, host="127.0.0.1", log_level="warning")
    set_up_logs(settings)
    server = Server(settings)
    await local.prepare(server, quiet=how["quiet"])
    serving = asyncio.create_task(server.serve())
    await server.ready.wait()
    how["api_key"] = how["api_key"] or os.environ.get("PARLEY_API_KEY")
    try:
        await _connect(server.url, clips, output, **how)
    finally:
        await server.stop()
        await serving


async def _connect(
    url: str, clips: list[Path], output: Path | None, *, as_json: bool, stock: bool, api_key: str | None, quiet: bool
) -> None:
    async with Connection(url, api_key=api_key, exact=not stock) as connection:
        if not quiet and not as_json:
            errors.print(f"talking to {connection.session.get('model')} at {url}", highlight=False)
        if not clips:
            from parley.cli.microphone import converse

            await converse(connection, as_json=as_json)
            return
        await _say_recordings(connection, clips, output, as_json=as_json)


async def _say_recordings(connection: Connection, clips: list[Path], output: Path | None, *, as_json: bool) -> None:
    reports: list[TurnReport] = []
    async with RecordedCaller(connection) as caller:
        try:
            for clip in clips:
                async for report in caller.exchange(clip):
                    reports.append(report)
                    _show(report, as_json=as_json)
        finally:  # nothing that was heard is lost, on Ctrl-C either
            if output is not None:
                files.write(output, caller.played, RATE_HZ)
    latencies = [(r.file, float(r.voice_to_voice_ms)) for r in reports if r.voice_to_voice_ms is not None]
    figures = summary(latencies)
    if as_json:
        closing = {"turns": len(reports), "errors": connection.talk.errors, "voice_to_voice_ms": figures}
        typer.echo(json.dumps({"summary": closing}))
    elif latencies:
        out.print(f"voice to voice: p50 {figures['p50']} ms, p95 {figures['p95']} ms over {figures['n']} turns")
    if not reports:
        raise UsageError("the server took no turn: is there speech in the recording?")


def _show(report: TurnReport, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False))
        return
    out.print(f"[bold]you[/]    {report.transcript}", highlight=False)
    out.print(f"[bold]parley[/] {report.heard}  [dim]{report.voice_to_voice_ms} ms[/]", highlight=False)
