"""``parley train``: what is asked for wrongly is named, before a model is fetched."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parley.cli import app
from parley.train import clips
from parley.train.settings import Settings
from parley.train.steps import STEPS


def train(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["train", *arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("filter: {shortest_s: 40}\n", "train.yaml:1: filter.longest_s: is to be more than shortest_s"),
        (
            "shard: 1\ntranscribe: {models: [vosk, vosk]}\n",
            "train.yaml:2: transcribe.models: a recogniser that is named",
        ),
        ("filtre: {}\n", "train.yaml:1: filtre: Extra inputs are not permitted"),
    ],
)
def test_a_fault_of_the_settings_is_named(settings: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(settings, encoding="utf-8")
    code, output = train("run", "sources.csv", "--work", str(tmp_path / "work"), "--settings", str(path))
    assert code == 1
    assert message in output


def test_a_step_that_there_is_not_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    _, output = train("run", "sources.csv", "--work", str(tmp_path / "work"), "--until", "segments")
    known = "collect, segment, transcribe, align, filter, dedupe, embed, speakers, manifest"
    assert f"--until: 'segments' is no step; the steps are {known}" in output


@pytest.fixture(autouse=True)
def _no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model is fetched")

    monkeypatch.setattr("parley.cli.local.ensure", refuse)


def test_a_source_without_licence_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sources.csv"
    path.write_text("source,licence,consent,language,speaker\n.,,given,en,\n", encoding="utf-8")
    _, output = train("run", str(path), "--work", str(tmp_path / "work"), "--quiet")
    assert "sources.csv:2: licence: is empty; nothing is used without it" in output


def ended(work: Path, until: str = STEPS[-1].name, found: tuple[clips.Clip, ...] = ()) -> None:
    """As a run leaves a folder, with some clips."""
    for step in STEPS[: [step.name for step in STEPS].index(until) + 1]:
        clips.write(work / step.name / clips.CLIPS, step.name, "", found)
    (work / "run.json").write_text(json.dumps({"until": until, "settings": Settings().model_dump(mode="json")}))


def test_a_report_on_a_run_that_stopped_early_has_no_data_card(tmp_path: Path) -> None:
    ended(tmp_path, "collect")
    code, output = train("report", str(tmp_path))
    assert (code, output.split()) == (0, [str(tmp_path / "report.html")])
    assert not (tmp_path / "card.md").exists()
    ended(tmp_path)
    assert train("report", str(tmp_path))[1].split() == [str(tmp_path / "card.md"), str(tmp_path / "report.html")]


@pytest.mark.parametrize(
    "command", [("dialogues", "--output"), ("whisper", "--base", "none", "--output")], ids=["dialogues", "whisper"]
)
def test_what_is_made_of_a_data_set_is_not_made_of_half_of_one(command: tuple[str, ...], tmp_path: Path) -> None:
    name, *options = command
    _, output = train(name, str(tmp_path), *options, str(tmp_path / "out"))
    assert "no run has ended here" in output
    ended(tmp_path, "filter")
    _, output = train(name, str(tmp_path), *options, str(tmp_path / "out"))
    assert "the last run stopped before the data set" in output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("options", "who"), [((), ""), (("--main", "ann"), ", one of them ann,")])
def test_where_nobody_takes_turns_there_are_no_dialogues(options: tuple[str, ...], who: str, tmp_path: Path) -> None:
    ended(tmp_path)
    _, output = train("dialogues", str(tmp_path), "--output", str(tmp_path / "out"), *options)
    assert f"nowhere do two speakers{who} take turns" in output


@pytest.mark.parametrize(
    ("what", "extra"), [("whisper", "train"), ("csm --speaker ann", "train"), ("moshi", "train-moshi")]
)
def test_training_says_what_to_install(what: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    ended(tmp_path)
    command, *more = what.split()
    _, output = train(command, str(tmp_path), *more, "--base", "none", "--output", str(tmp_path / "out"))
    assert f"pip install 'parley-voice[{extra}]'" in output
