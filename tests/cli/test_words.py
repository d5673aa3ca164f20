"""What the terminal says, in the language of its locale."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console

from parley.cli.words import language, words


class _Stream(io.StringIO):
    encoding = "utf-8"


@pytest.fixture
def telugu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "te_IN.UTF-8")


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"LANG": "te_IN.UTF-8"}, "te"), ({"LANG": "hi"}, "hi"), ({"LC_MESSAGES": "te_IN", "LANG": "en_GB"}, "te"),
        ({"LC_ALL": "C", "LANG": "te_IN"}, "en"), ({"LC_ALL": "", "LANG": "te_IN"}, "te"), ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"), ({"LANG": "../te"}, "en"), ({"LANG": "TE_in"}, "te"),
    ],
)  # fmt: skip
def test_the_first_variable_that_is_set_names_the_language(environment: dict[str, str], code: str) -> None:
    assert language(environment) == code


@pytest.mark.usefixtures("telugu")
def test_a_terminal_is_told_in_its_language_and_names_stay() -> None:
    console = Console(file=_Stream(), force_terminal=True)
    assert words(console, "speak") == "మాట్లాడండి; ముగించడానికి Ctrl-C"
    assert words(console, "talking_to", model="smollm2", url="ws://host") == "ws://host వద్ద smollm2తో సంభాషణ"


@pytest.mark.usefixtures("telugu")
def test_other_programs_read_english() -> None:
    assert words(Console(file=_Stream(), force_terminal=False), "speak") == "speak; Ctrl-C ends"


@pytest.mark.usefixtures("telugu")
def test_a_terminal_that_cannot_show_the_letters_is_told_in_english() -> None:
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert words(Console(file=latin, force_terminal=True), "speak") == "speak; Ctrl-C ends"


@pytest.mark.parametrize(("seen", "label"), [("1", "లోపం: "), ("", "error: ")])
def test_a_wrong_command_is_refused_in_the_language_of_whoever_looks(seen: str, label: str) -> None:
    env = {**os.environ, "LC_ALL": "te_IN.UTF-8", "PYTHONUTF8": "1", "NO_COLOR": "1", "FORCE_COLOR": seen}
    command = [sys.executable, "-m", "parley.cli", "talk", "--output", "answer.wav"]
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").startswith(label)
