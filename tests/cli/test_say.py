"""``parley say``: what the voice is given, without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from parley.cli import app


def say(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["say", *arguments])
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def _no_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing may be pulled or loaded."""

    async def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr("parley.cli.local.load_model", refuse)
    monkeypatch.chdir(tmp_path)


def test_show_prints_the_words_and_the_pauses_and_writes_nothing(tmp_path: Path) -> None:
    code, output = say('It is $5 <break time="1s"/> **now**, ok.', "--show", "-o", "x.wav")
    assert (code, output.split("\n")) == (0, ["It is five dollars", "[pause of 1 s]", "now, ok.", ""])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--language", "de"], "drei Komma fünf Kilometer"),
        (["--language", "hi"], "तीन दशमलव पाँच किलोमीटर"),
        ([], "three point five kilometers"),
    ],
)
def test_show_speaks_the_wanted_language(options: list[str], words: str) -> None:
    text = "3,5 km" if "de" in options else "3.5 km"
    assert say(text, "--show", *options) == (0, words + "\n")
