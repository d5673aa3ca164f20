"""``parley debate`` without a server: what is asked for wrongly is named before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from parley.audio import files
from parley.cli import app
from parley.cli.debate import gaps_ms
from tests.debate.test_format import GOOD


def debate(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["debate", *arguments])
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """None may be started."""

    async def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a server is started")

    monkeypatch.setattr("parley.cli.local.prepare", refuse)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(GOOD.replace("order: [each]", "order: [nobody]"))
    files.write(tmp_path / "me.wav", np.zeros(2400, np.int16), 24000)


def test_formats_are_listed() -> None:
    code, output = debate("formats")
    assert code == 0
    assert "oxford" in output


def test_formats_of_ones_own_are_checked_each_with_the_line_of_its_fault() -> None:
    assert debate("check", "good.yaml") == (0, "good.yaml: 'Mine' is a format\n")
    code, output = debate("check", "good.yaml", "bad.yaml", "no.yaml")
    assert code != 0
    assert "bad.yaml:7: rounds.0.order: 'nobody' is none of" in output
    assert "no.yaml: cannot be read" in output
    assert "'Mine' is a format" in output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--spectate to listen, or --input"),
        (["--spectate", "--format", "oxfrod"], "there is no format 'oxfrod'"),
        (["--spectate", "--format", "bad.yaml"], "bad.yaml:7"),
        (["--spectate", "--output", "d.mp3"], "written as .wav"),
        (["--spectate", "--output", "no/d.wav"], "does not exist"),
        (["--spectate", "--transcript", "d.doc"], ".md, .json, .srt, .vtt"),
        (["--spectate", "--debater", ":for"], "is not NAME:SIDE"),
        (["--spectate", "--debater", "Ada,volume=3"], "'volume=3' is none of"),
        (["--spectate", "--debater", "Ada,speed=fast"], "'fast' is no speed"),
        (["--spectate", "--moderator", "Mona:for"], "is not NAME["),
        (["--input", "me.wav"], "is not FILE@SECONDS"),
        (["--input", "me.wav@soon"], "is not FILE@SECONDS"),
        (["--input", "me.wav@-1"], "is not FILE@SECONDS"),
        (["--input", "no.wav@1"], "no.wav"),
    ],
)
def test_what_is_asked_for_wrongly_is_named(options: list[str], words: str) -> None:
    code, output = debate("Cats or dogs", *options)
    assert code != 0
    assert words in output


def test_gaps_are_the_silences_between_two_responses() -> None:
    assert gaps_ms(["", "a", "a", "", "a", "", "", "b", "b", "c"]) == [40.0, 0.0]
    assert gaps_ms([]) == []
