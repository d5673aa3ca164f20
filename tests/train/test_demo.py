"""The corpus of known truth: the real steps find it within the stated bounds, and the scores notice what they miss."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parley.audio import files
from parley.errors import UsageError
from parley.train import demo, runner
from parley.train.clips import Clip
from parley.train.demo import Said
from parley.train.report import Report
from tests.train.conftest import pull

CLIP = Clip(id="", source="s", audio="", digest="", licence="CC0-1.0", consent="given", language="en")


def test_the_steps_find_the_truth_within_the_bounds(tmp_path: Path) -> None:
    pull(runner.models_of(runner.steps_until(None), demo.SETTINGS))
    given = ["train", "demo", "--minutes", "0.1", "--work", str(tmp_path / "demo"), "--workers", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "parley.cli", *given], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(demo.scores(*perfect()))


def test_a_corpus_is_made_once_and_anew_for_another_length(tmp_path: Path) -> None:
    sources, truth = demo.make(tmp_path, 0.1)
    recordings = sorted((tmp_path / "sounds").iterdir())
    before = [(path.name, path.stat().st_mtime_ns) for path in recordings]
    assert demo.make(tmp_path, 0.1) == (sources, truth)
    assert [(path.name, path.stat().st_mtime_ns) for path in recordings] == before
    assert {said.audio for said in truth} == {path.name for path in recordings}
    demo.make(tmp_path, 0.2)
    assert [path.stat().st_mtime_ns for path in recordings] != [time for _, time in before]


def test_files_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "sounds" / "holiday.wav"
    own.parent.mkdir()
    own.write_bytes(b"x")
    with pytest.raises(UsageError, match=r"holiday\.wav: is no recording of the demo"):
        demo.make(tmp_path, 0.1)
    assert [path.name for path in own.parent.iterdir()] == ["holiday.wav"]


def test_speech_is_where_the_truth_says_and_nowhere_else(tmp_path: Path) -> None:
    _, truth = demo.make(tmp_path, 0.1)
    name = "00000-plain.wav"
    samples, rate_hz = files.read(tmp_path / "sounds" / name)
    pauses = np.ones(len(samples), bool)
    for said in truth:
        if said.audio == name:
            begin, end = round(said.start_s * rate_hz), round(said.end_s * rate_hz)
            pauses[begin - rate_hz // 1000 : end + rate_hz // 1000] = False  # the truth is told to a millisecond
            assert np.abs(samples[begin : begin + rate_hz // 10]).max() > 500
            assert np.abs(samples[end - rate_hz // 10 : end]).max() > 500
    assert np.abs(samples[pauses]).max() < 500


def perfect() -> tuple[Report, list[Said]]:
    """A corpus of two speakers, and a report that misses nothing."""
    truth = [
        Said("0-plain.wav", "plain", "anna", 1.0, 3.0, "one two three"),
        Said("0-plain.wav", "plain", "anna", 5.0, 7.0, "a box of apples"),
        Said("1-dialogue.wav", "dialogue", "ben", 1.0, 3.0, "the old house"),
        Said("2-noisy.wav", "noisy", "ben", 1.0, 3.0, "after dinner"),
        Said("3-copy.wav", "copy", "anna", 1.0, 3.0, "one two three"),
    ]
    why = {"noisy": ("too noisy",), "copy": ("the same as 0",)}
    found = [
        replace(CLIP, id=f"{i}", audio=f"/x/{s.audio}", speaker=f"speaker-{s.speaker}", start_s=s.start_s,
                end_s=s.end_s, text=s.text, refused=why.get(s.kind, ()))
        for i, s in enumerate(truth)
    ]  # fmt: skip
    return Report(Path("work"), demo.SETTINGS, {"speakers": found}), truth


def missed(*changed: tuple[int, Clip | None]) -> set[str]:
    """Names of the scores that miss their bound when some clips are others, or are not there."""
    report, truth = perfect()
    by_number: dict[int, Clip | None] = {**dict(enumerate(report.clips)), **dict(changed)}
    clips = [clip for clip in by_number.values() if clip is not None]
    found = demo.scores(replace(report, steps={"speakers": clips}), truth)
    return {score.name for score in found if not score.reached}


def test_nothing_is_missed_of_what_is_found_as_it_is() -> None:
    assert missed() == set()


@pytest.mark.parametrize(
    ("number", "change", "names"),
    [
        (1, {"start_s": 6.6}, {"utterances found (IoU of 0.5 or more)", "mean IoU of utterances"}),
        (1, {"refused": ("too short",)}, {"good utterances kept"}),
        (1, {"text": "an ox has maples"}, {"word errors of what is kept"}),
        (1, {"speaker": "speaker-x"}, {"pairs of clips of one speaker that are named so"}),
        (2, {"speaker": "speaker-anna"}, {"pairs of clips named one speaker that are one"}),
        (3, {"refused": ()}, {"clips with noise refused"}),
        (4, {"refused": ()}, {"copies that would be kept refused as such"}),
        (4, {"refused": ("recognisers disagree",)}, set()),
    ],
)
def test_what_is_wrong_shows_in_its_score(number: int, change: dict[str, object], names: set[str]) -> None:
    report, _ = perfect()
    assert missed((number, replace(report.clips[number], **change))) == names  # type: ignore[arg-type]


def test_wide_borders_show_in_the_mean() -> None:
    first, second = perfect()[0].clips[:2]
    found = missed((0, replace(first, start_s=2.0)), (1, replace(second, start_s=6.0)))
    assert found == {"mean IoU of utterances"}


def test_an_utterance_that_is_not_there_is_neither_found_nor_kept() -> None:
    assert missed((2, None)) == {
        "utterances found (IoU of 0.5 or more)", "mean IoU of utterances", "good utterances kept",
    }  # fmt: skip
