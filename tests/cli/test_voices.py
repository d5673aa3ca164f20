"""``parley voices``: what there is, by language and name, and the same words by each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from parley.audio import files
from parley.cli import app
from parley.models.fakes import FakeSynthesizer


def voices(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["voices", *arguments])
    return result.exit_code, result.output


def told(*arguments: str) -> dict[str, dict[str, Any]]:
    code, output = voices(*arguments, "--json")
    assert code == 0, output
    return {voice["voice"]: voice for voice in json.loads(output)}


def test_voices_are_listed_with_every_speaker() -> None:
    found = told()
    assert {"hibari-heart", "kokoro/am_fenrir", "espeak"} <= set(found)
    assert found["kokoro/am_fenrir"]["sounds"].startswith("am_fenrir, ")
    assert found["hibari-heart"]["permissive"]
    assert not found["espeak"]["permissive"]
    assert "hibari-heart" in voices()[1]


def test_those_of_a_language_are_found_by_any_of_its_names() -> None:
    telugu = told("--language", "Telugu")
    assert "espeak" in telugu
    assert "hibari-heart" not in telugu
    assert told("--language", "te-IN") == telugu


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--language", "Klingon"], "--language"),
        (["hibari-heart", "--language", "te"], "no voice of these speaks"),
        (["nobody"], "called 'nobody'"),
    ],
)
def test_what_is_not_there_is_named(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["voices", *arguments])
    assert result.exit_code != 0
    assert words in f"{result.output}{result.exception}"


def test_the_same_words_are_said_by_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[tuple[str, FakeSynthesizer]] = []

    async def load(name: str, *_: object, **__: object) -> FakeSynthesizer:
        made.append((name, FakeSynthesizer()))
        return made[-1][1]

    monkeypatch.setattr("parley.cli.local.load_model", load)
    names = ["hibari-heart", "kokoro/am_fenrir"]
    code, output = voices(*names, "--output", str(tmp_path / "samples"), "--text", "It is noon.")
    assert code == 0, output
    assert [(name, voice.said) for name, voice in made] == [(name, ["It is noon."]) for name in names]
    written = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert written == ["hibari-heart.wav", "kokoro-am_fenrir.wav"]
    samples, rate_hz = files.read(tmp_path / "samples" / written[0])
    assert rate_hz == 22050
    assert len(samples) / rate_hz == pytest.approx(0.9, abs=0.01)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(app, ["voices", "espeak", "--output", str(tmp_path / "file" / "samples")])
    assert result.exit_code != 0
    assert "--output" in f"{result.output}{result.exception}"
