"""``parley config``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from parley.cli import local


def show(
    config: Annotated[Path | None, typer.Option(help="YAML file with settings")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Show the effective configuration, secrets hidden."""
    settings = json.loads(local.command_config(path=config).model_dump_json())
    typer.echo(
        json.dumps(settings) if as_json else yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).strip()
    )
