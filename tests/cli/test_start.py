"""The command line's list of commands, and what it does not wait for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from parley.cli import app, loaded

LISTED = {name: str(command.help) for name, command in vars(get_command(app))["commands"].items()}


@pytest.mark.parametrize("name", LISTED)
def test_the_list_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    assert LISTED[name] == str(loaded(name).help).partition("\n\n")[0]
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert f"parley {name}" in shown.output


def test_a_mistyped_command_is_named_with_what_may_be_meant() -> None:
    result = CliRunner().invoke(app, ["transscribe"])
    assert result.exit_code == 2
    assert "'transcribe'" in result.output


@pytest.mark.parametrize("arguments", [["--help"], ["say", "Hello.", "--show"]])
def test_the_server_is_not_imported_for_what_needs_none(arguments: list[str]) -> None:
    code = (
        "import json, sys; from parley.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "finally: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert {"fastapi", "parley.server.run", "parley.bench.runner"}.isdisjoint(json.loads(done.stderr))
