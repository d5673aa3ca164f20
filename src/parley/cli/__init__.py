"""The command line: ``parley --help``.

Exit codes: 0 done, 2 wrong usage or input, 3 a model or a server could not be had.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import parley
from parley.cli import bench, certs, configuration, doctor, models, replay, serve, speech, talk, voicepacks, worker
from parley.cli.terminal import errors
from parley.errors import ParleyError, UsageError

app = typer.Typer(
    name="parley",
    help="Self-hosted real-time voice conversations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("talk")(talk.talk)
app.command("bench")(bench.bench)
app.command("replay")(replay.replay)
app.command("say")(speech.say)
app.command("transcribe")(speech.transcribe)
app.add_typer(models.app, name="models")
app.command("worker")(worker.worker)
app.command("workers")(worker.workers)
app.command("certs")(certs.certs)
app.add_typer(voicepacks.app, name="voicepacks")
app.command("doctor")(doctor.doctor)
app.command("config")(configuration.show)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"parley {parley.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Self-hosted real-time voice conversations."""


def main() -> None:
    """Entry point: errors become one clear line and an exit code."""
    try:
        app()
    except ParleyError as fault:
        errors.print(f"[bold red]error:[/] {fault}", highlight=False)
        sys.exit(2 if isinstance(fault, UsageError) else 3)
    except KeyboardInterrupt:
        sys.exit(130)
