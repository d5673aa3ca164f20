"""``parley config`` and ``parley profiles``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from parley.cli import local
from parley.config import origins
from parley.profiles import profiles


def show(
    config: Annotated[Path | None, typer.Option(help="YAML file with settings")] = None,
    profile: Annotated[str | None, typer.Option(help="Settings that belong together (see 'parley profiles')")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Show the effective configuration and where each value comes from, secrets hidden."""
    settings = json.loads(local.command_config(path=config, profile=profile).model_dump_json())
    found = origins(config, profile)
    if as_json:
        typer.echo(json.dumps({name: {"value": value, "from": found[name]} for name, value in settings.items()}))
        return
    for name, value in settings.items():
        line = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=10_000).strip()
        typer.echo(line if found[name] == "default" else f"{line}  # {found[name]}")


def list_profiles() -> None:
    """Profiles: settings that belong together, such as those of a language.

    One of your own is a YAML file in PARLEY_HOME/profiles. Examples:

      parley serve --profile telugu

      parley config --profile telugu
    """
    for name, one in profiles().items():
        typer.echo(f"{name}: {one.summary}" if one.summary else f"{name}: {one.path}")
