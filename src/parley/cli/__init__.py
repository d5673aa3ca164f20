"""The command line: ``parley --help``.

Exit codes: 0 done, 2 wrong usage or input, 3 a model or a server could not be had.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

import parley
from parley import logs
from parley.cli.terminal import errors
from parley.cli.words import words
from parley.errors import ParleyError, UsageError

_COMMANDS = {  # where each is, and its line in the list
    "serve": ("serve:serve", "Serve everything: the page, the Realtime protocol, the audio interface."),
    "talk": ("talk:talk", "Talk from the terminal, by microphone or with recordings streamed in real time."),
    "debate": (
        "debate:debate",
        "Hold a spoken debate between agents, and step in when you like: by microphone, or with recordings.",
    ),
    "bench": (
        "bench:bench",
        "Measure a server of the Realtime protocol with simulated callers: latency, turn-taking, cost.",
    ),
    "plan": (
        "plan:plan",
        "Plan hosting: pods, cost a month and a user, which machine is cheaper from when on, totals of a year.",
    ),
    "train": ("train:app", "Training: from sources of speech to a data set, and to models that know it."),
    "replay": (
        "replay:replay",
        "Run recorded evidence through turn-taking with other settings and show what would have changed.",
    ),
    "say": ("speech:say", "Say a text into a file."),
    "transcribe": (
        "speech:transcribe",
        "Write what is said in recordings to standard output; one that cannot be read is named, and the others go on.",
    ),
    "models": ("models:app", "Models: what there is, under which licence, and bringing them here."),
    "voices": (
        "voices:voices",
        "Voices: who they sound like, what they speak; the same words by each, to compare them.",
    ),
    "worker": ("worker:worker", "One model worker: voices and recognisers for servers on this and other hosts."),
    "workers": ("worker:workers", "The fleet: who is there, which models are resident, queue, latency, sessions."),
    "certs": ("certs:certs", "Certificates for mutual TLS between servers and workers."),
    "voicepacks": ("voicepacks:app", "Voice packs: voices in folders of their own, for workers."),
    "doctor": ("doctor:doctor", "Check this machine, the models, the port and the configuration."),
    "profiles": (
        "configuration:list_profiles",
        "Profiles: settings that belong together, such as those of a language.",
    ),
    "config": (
        "configuration:show",
        "Show the effective configuration and where each value comes from, secrets hidden.",
    ),
}


class _Later(TyperCommand):
    """A command whose module is imported when it is called: what one needs, the others need not wait for."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        return loaded(str(self.name)).make_context(*given, **more)


class _Commands(TyperGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands.update({name: _Later(name, help=line) for name, (_, line) in _COMMANDS.items()})


def loaded(name: str) -> Any:
    """A command by its name, with its options."""
    module, _, attribute = _COMMANDS[name][0].partition(":")
    found = getattr(import_module(f"parley.cli.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        found = alone
    return typer.main.get_command(found)


app = typer.Typer(
    name="parley",
    cls=_Commands,
    help="Self-hosted real-time voice conversations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    logs.keep_from_output()
    try:
        app()
    except ParleyError as fault:
        _end(str(fault), 2 if isinstance(fault, UsageError) else 3)
    except BrokenPipeError:  # whoever read the output has had enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as fault:  # a disk that is full, a home that is read-only
        named = f"{fault.filename}: " if fault.filename else ""
        _end(f"{named}{fault.strerror or fault}", 3)
    except KeyboardInterrupt:
        sys.exit(130)


def _end(message: str, code: int) -> None:
    errors.print(words(errors, "error"), escape(message), highlight=False)
    sys.exit(code)
