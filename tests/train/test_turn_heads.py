"""A head for a turn model: what it learns, what it is judged by, and the folder that the server loads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parley.adapters.turn_head import read
from parley.audio.pcm import Float32
from parley.errors import UsageError
from parley.models.resolve import HEAD
from parley.train import turn_heads
from parley.train.turn_heads import Fitted, axes, folds, regression
from parley.train.turns import LOOKS_S, Silence, Span

VALUES = 4
TELLING = 2
"""The value that tells of ends."""


class Base:
    """Sees nothing itself (`silences` is replaced); says "finished" of everything."""

    def look(self, samples: Float32) -> Float32:
        raise AssertionError("nothing is looked at")

    def judge(self, seen: Float32) -> float:
        return 0.99


def span(number: int, speaker: str, folder: Path, *, held_out: bool = False, finished: bool = True) -> Span:
    path = folder / f"{number}.wav"
    path.touch()
    return Span(path, 0.0, 1.0, (), finished, speaker, "te" if number % 2 else "en", held_out)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Span]:
    """The turns that are looked at: each has two pauses, a cut and, where it is finished, an end."""
    asked: list[Span] = []

    def look(of: Span, _: Callable[[Float32], Float32]) -> list[Silence]:
        asked.append(of)
        random = np.random.default_rng(int(of.audio.stem))

        def seen(finished: bool, reached: int = len(LOOKS_S)) -> Float32:
            rows = random.normal(0, 1, (len(LOOKS_S), VALUES))
            rows[:, TELLING] += 3 if finished else -3
            rows[reached:] = np.nan
            return rows.astype(np.float32)

        found = [Silence(0.7, seen(False, 2)), Silence(0.3, seen(False, 1)), Silence(0.8, seen(False), cut=True)]
        return [*found, Silence(np.inf, seen(True))] if of.finished else found

    monkeypatch.setattr(turn_heads, "silences", look)
    return asked


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"weights")
    return path


def made(folder: Path, network: Path, spans: list[Span]) -> Any:
    return Fitted(Base(), network, spans, folder / "out").run(lambda *_: None)


def test_what_tells_of_ends_is_learnt_and_shown_on_speakers_left_out(
    looked: list[Span], network: Path, tmp_path: Path
) -> None:
    came = made(tmp_path, network, [span(n, f"speaker-{n % 6}", tmp_path) for n in range(12)])
    assert (came.turns, came.speakers, came.judged_by) == (12, 6, "speakers left out in turns")
    before, after = came.before["auto"], came.after["auto"]
    assert (before.ends, before.pauses) == (after.ends, after.pauses) == (12, 24)
    assert before.taken == 24, "it says of everybody that he has finished"
    assert after.taken <= 1
    assert after.wait_p95_s < 0.8
    head = read(came.model / HEAD)
    assert int(np.argmax(np.abs(head.weights))) == TELLING
    assert head.languages == ["en", "te"]
    assert (came.model / "net.onnx").read_bytes() == b"weights"
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["after"]["auto"]["taken"] == after.taken


def test_speakers_who_are_held_out_judge_and_are_not_learnt(looked: list[Span], network: Path, tmp_path: Path) -> None:
    spans = [span(n, f"speaker-{n}", tmp_path, held_out=n >= 8) for n in range(10)]
    came = made(tmp_path, network, spans)
    assert came.judged_by == "speakers held out"
    assert came.after["auto"].ends == 2
    only = made(tmp_path / "out", network, spans[:8])
    assert read(only.model / HEAD).weights == read(came.model / HEAD).weights


def test_where_there_is_one_speaker_it_is_said_that_he_was_learnt(
    looked: list[Span], network: Path, tmp_path: Path
) -> None:
    came = made(tmp_path, network, [span(n, "ann", tmp_path) for n in range(3)])
    assert came.judged_by == "the speakers that it learnt"
    assert came.after["low"].ends == 3


def test_what_was_looked_at_is_kept(looked: list[Span], network: Path, tmp_path: Path) -> None:
    spans = [span(n, f"speaker-{n}", tmp_path) for n in range(6)]
    first = made(tmp_path, network, spans)
    steps: list[tuple[int, int]] = []
    again = Fitted(Base(), network, spans, tmp_path / "out").run(lambda *step: steps.append(step))
    assert again == first
    assert len(looked) == 6
    assert steps == [(n, 6) for n in range(7)]


def test_a_folder_of_another_training_is_refused(looked: list[Span], network: Path, tmp_path: Path) -> None:
    made(tmp_path, network, [span(1, "ann", tmp_path)])
    with pytest.raises(UsageError, match="name another folder"):
        made(tmp_path, network, [span(2, "ann", tmp_path)])


def test_without_ends_there_is_nothing_to_learn(looked: list[Span], network: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two are to take turns"):
        made(tmp_path, network, [span(1, "ann", tmp_path, finished=False)])


def test_speakers_are_never_in_two_parts() -> None:
    names = ["a", "b", "a", "c", "d", "e", "f", "b"]
    parts = folds(names)
    assert len({(name, int(part)) for name, part in zip(names, parts, strict=True)}) == len(set(names))
    assert len(set(parts.tolist())) == turn_heads.FOLDS


def test_the_regression_finds_the_weights_that_made_the_data() -> None:
    random = np.random.default_rng(3)
    rows = random.normal(0, (1.0, 5.0), (20000, 2))
    odds = 0.5 + rows @ np.array([1.0, -0.2])
    yes = (random.uniform(size=len(rows)) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    weights, bias = regression(rows, yes, np.ones(len(rows)), 1e-6)
    assert weights == pytest.approx([1.0, -0.2], abs=0.05)
    assert bias == pytest.approx(0.5, abs=0.05)


def test_a_silence_that_counts_less_moves_a_fit_less() -> None:
    rows, yes = np.array([[-1.0], [1.0], [1.0]]), np.array([0.0, 1.0, 0.0])
    often, _ = regression(rows, yes, np.array([1.0, 1.0, 1.0]), 0.05)
    seldom, _ = regression(rows, yes, np.array([1.0, 1.0, 0.1]), 0.05)
    assert seldom[0] > often[0]


@pytest.mark.parametrize(("verdicts", "taken"), [([0.99, 0.99, 0.99], 1), ([0.01, 0.01, 0.01], 0)])
def test_a_pause_is_taken_where_the_server_would_not_have_waited_for_its_end(verdicts: list[float], taken: int) -> None:
    pause = Silence(0.8, np.zeros((3, 1), np.float32))
    end = Silence(np.inf, np.zeros((3, 1), np.float32))
    short = Silence(0.2, np.zeros((3, 1), np.float32))
    found = axes([(pause, verdicts), (end, verdicts), (short, verdicts)], "auto")
    assert (found.pauses, found.taken, found.ends) == (1, taken, 1), "what is shorter than any pause is none"


def test_a_later_verdict_takes_the_place_of_an_earlier_one() -> None:
    sure, unsure = [0.01, 0.99, 0.99], [0.01, 0.01, 0.01]
    end = Silence(np.inf, np.zeros((3, 1), np.float32))
    first, second = (axes([(end, verdicts)], "auto").wait_p50_s for verdicts in (sure, unsure))
    assert LOOKS_S[1] < first < second
