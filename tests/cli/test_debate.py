"""``parley debate`` without a server: what is asked for wrongly is named before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from parley.audio import files
from parley.cli import app
from parley.cli.debate import _arguing, gaps_ms
from parley.config import Config
from parley.errors import UnavailableError
from parley.models import advice
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


def test_a_debate_is_about_something() -> None:
    code, output = debate(" ", "--spectate")
    assert code != 0
    assert "TOPIC is empty" in output


@pytest.mark.parametrize(
    ("given", "free", "served", "llm"),
    [
        ({}, 4e9, [], advice.BETTER),
        ({}, 2.1e9, [], "auto"),
        ({}, 4e9, ["ollama"], "auto"),
        ({"light": True}, 4e9, [], "auto"),
        ({"llm": "mine"}, 4e9, [], "mine"),
        ({"llm_base_url": "http://localhost:9/v1", "llm": "auto"}, 4e9, [], "auto"),
    ],
)
async def test_who_names_no_language_model_has_the_one_with_arguments_where_it_fits(
    given: dict[str, Any], free: float, served: list[str], llm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought: list[str] = []

    async def found(*_: object) -> list[str]:
        return served

    async def ensure(models: list[Any], *_: object, **__: object) -> None:
        brought.extend(model.id for model in models)

    monkeypatch.setattr("parley.adapters.chat_servers.find_servers", found)
    monkeypatch.setattr("parley.cli.local.ensure", ensure)
    monkeypatch.setattr(advice, "free_memory", lambda: int(free))
    settings = Config.model_validate({"light": False, "llm": "auto", **given})
    chosen = await _arguing(settings, quiet=True)
    assert chosen.llm == llm
    assert brought == ([llm] if llm == advice.BETTER else [])


async def test_a_language_model_that_cannot_be_brought_is_done_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def found(*_: object) -> list[str]:
        return []

    async def ensure(*_: object, **__: object) -> None:
        raise UnavailableError("no source of it answers")

    monkeypatch.setattr("parley.adapters.chat_servers.find_servers", found)
    monkeypatch.setattr("parley.cli.local.ensure", ensure)
    monkeypatch.setattr(advice, "free_memory", lambda: 8_000_000_000)
    settings = Config.model_validate({"light": False, "llm": "auto"})
    assert await _arguing(settings, quiet=True) == settings
    assert "no source of it answers" in capsys.readouterr().err


def test_gaps_are_the_silences_between_two_responses() -> None:
    assert gaps_ms(["", "a", "a", "", "a", "", "", "b", "b", "c"]) == [40.0, 0.0]
    assert gaps_ms([]) == []
