"""Real processes over real sound, with the real detector and recogniser: truth is found, and a kill changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from parley.client.word_errors import rate
from parley.errors import UsageError
from parley.train import clips, report, runner, sources
from parley.train.clips import Clip
from parley.train.settings import Settings, Transcribe
from parley.train.steps import STEPS as ALL
from tests.train.conftest import Corpus, pull

SETTINGS = "shard: 1\ntranscribe: {models: [moonshine-tiny-en]}\n"
STEPS = [step.name for step in ALL]


def command(corpus: Corpus, work: Path) -> list[str]:
    settings = work.parent / "train.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    given = ["train", "run", str(corpus.sources), "--work", str(work), "--settings", str(settings), "--workers", "1"]
    return [sys.executable, "-m", "parley.cli", *given]


@pytest.fixture(scope="session")
def undisturbed(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing happened to."""
    pull(runner.models_of(ALL, Settings(transcribe=Transcribe(models=("moonshine-tiny-en",)))))
    work = tmp_path_factory.mktemp("undisturbed") / "work"
    subprocess.run(command(corpus, work), check=True, capture_output=True, timeout=200)
    return work


def results(work: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(work)): path.read_bytes()
        for path in work.rglob("*")
        if path.name != "lock" and path.is_file()
    }


def overlap(one: Clip, begin_s: float, end_s: float) -> float:
    """Intersection over union."""
    common = min(one.end_s, end_s) - max(one.start_s, begin_s)
    return max(0.0, common) / (max(one.end_s, end_s) - min(one.start_s, begin_s))


def test_segments_and_words_are_the_ones_that_were_said(corpus: Corpus, undisturbed: Path) -> None:
    found = clips.read(undisturbed / "filter" / "clips.jsonl")
    for name in ("a.wav", "b.wav"):
        ours = [clip for clip in found if Path(clip.audio).name == name]
        truth = corpus.truth[name]
        assert len(ours) == len(truth)
        for clip, (begin_s, end_s, words) in zip(ours, truth, strict=True):
            assert overlap(clip, begin_s, end_s) > 0.7  # 0.3 s of padding on each side
            assert rate(words, clip.text) <= 0.5  # the voice is a robot's, the recogniser is tiny
            assert clip.refused == ()


def test_noise_and_what_is_no_sound_are_refused(undisturbed: Path) -> None:
    found = clips.read(undisturbed / "filter" / "clips.jsonl")
    noisy = [clip for clip in found if Path(clip.audio).name == "noisy.wav"]
    assert all("too noisy" in clip.refused for clip in noisy)
    assert noisy
    (broken,) = [clip for clip in found if Path(clip.audio).name == "broken.wav"]
    assert broken.refused[0].startswith("cannot be read")


def test_what_was_said_twice_in_the_same_way_is_kept_once(corpus: Corpus, undisturbed: Path) -> None:
    found = clips.read(undisturbed / "speakers" / "clips.jsonl")
    first, second = ([clip for clip in found if Path(clip.audio).name == name] for name in ("a.wav", "b.wav"))
    assert [(clip.refused, clip.speaker) for clip in first] == [((), "espeak")] * 2
    assert [clip.refused for clip in second] == [(f"the same as {clip.id}",) for clip in reversed(first)]


def test_the_data_set_is_what_was_kept_and_the_report_counts_it(undisturbed: Path) -> None:
    found = report.of(undisturbed)
    assert clips.read(undisturbed / "manifest" / "clips.jsonl") == found.kept
    assert list(found.steps) == STEPS[:-1]
    assert found.settings.transcribe.models == ("moonshine-tiny-en",)


def test_the_report_is_about_the_steps_of_the_last_run(corpus: Corpus, tmp_path: Path) -> None:
    made(corpus, tmp_path, Settings())
    assert report.of(tmp_path).complete
    first_steps = runner.steps_until("filter")
    found = sources.listed(corpus.sources, ["CC0-1.0"], tmp_path)
    runner.run(found, tmp_path, Settings(), first_steps, Here(), lambda *_: None)
    found_now = report.of(tmp_path)
    assert list(found_now.steps) == ["collect", "segment", "transcribe", "align", "filter"]
    assert not found_now.complete


KILLED = """
import os, signal, sys
import psutil
from parley.cli import train
from parley.train import runner
step, *arguments = sys.argv[1:]
run = runner.run

def run_until_killed(found, work, settings, steps, pool, progress):
    def kill(name, done, total):
        if name == step and done:
            print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    return run(found, work, settings, steps, pool, kill)

runner.run = run_until_killed
train.app(arguments)
"""
"""The command, which kills itself when the first shard of a step has been done."""
KILLED_IN = STEPS if "TEST_KILLS" in os.environ else ["transcribe", "speakers", "manifest"]
"""With models, with all clips at once, and the last; `just accept` has all."""


def test_killed_in_a_step_it_ends_as_if_nothing_had_been(corpus: Corpus, undisturbed: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    for step in KILLED_IN:
        arguments = command(corpus, work)[4:]  # behind "python -m parley.cli train"
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, step, *arguments], capture_output=True, text=True, timeout=200, check=False
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert killed.stdout.split()
        left = [psutil.Process(int(pid)) for pid in killed.stdout.split() if psutil.pid_exists(int(pid))]
        assert psutil.wait_procs(left, timeout=60)[1] == []
        assert (work / step / "shard-00000.jsonl").exists()
        assert not (work / step / "clips.jsonl").exists()
    subprocess.run(command(corpus, work), check=True, capture_output=True, timeout=200)
    assert results(work) == results(undisturbed)


class Here:
    """A pool that gives each shard back as it is."""

    places = 1

    def __init__(self) -> None:
        self.steps: list[str] = []
        """That it was asked for."""

    def submit(self, step: str, settings: Settings, shard: Sequence[Clip]) -> Future[list[Clip]]:
        self.steps.append(step)
        future: Future[list[Clip]] = Future()
        future.set_result(list(shard))
        return future


def made(corpus: Corpus, work: Path, settings: Settings) -> list[str]:
    """Run all; returns the steps of which shards were made."""
    found, pool = sources.listed(corpus.sources, settings.collect.licences, work), Here()
    runner.run(found, work, settings, ALL, pool, lambda *_: None)
    return pool.steps


def test_only_what_is_not_there_is_made(corpus: Corpus, tmp_path: Path) -> None:
    settings = Settings(shard=3)
    assert made(corpus, tmp_path, settings) == [step.name for step in ALL for _ in range(1 if step.whole else 2)]
    assert made(corpus, tmp_path, settings) == []
    (lost := tmp_path / "segment" / "shard-00001.jsonl").unlink()
    assert made(corpus, tmp_path, settings) == ["segment"]
    assert lost.exists()


def test_other_settings_make_their_step_anew_and_no_other(corpus: Corpus, tmp_path: Path) -> None:
    made(corpus, tmp_path, Settings())
    assert made(corpus, tmp_path, Settings.model_validate({"filter": {"shortest_s": 0.5}})) == ["filter"]
    another = Settings.model_validate({"transcribe": {"models": ["moonshine-tiny-en"]}})
    assert made(corpus, tmp_path, another)[0] == "transcribe"


def test_larger_shards_leave_none_of_the_smaller_behind(corpus: Corpus, tmp_path: Path) -> None:
    made(corpus, tmp_path, Settings(shard=1))
    made(corpus, tmp_path, Settings(shard=4))
    assert [path.name for path in sorted((tmp_path / "filter").iterdir())] == ["clips.jsonl", "shard-00000.jsonl"]


def test_a_file_that_was_being_written_is_made_anew(corpus: Corpus, tmp_path: Path) -> None:
    made(corpus, tmp_path, Settings())
    shard = tmp_path / "segment" / "shard-00000.jsonl"
    before = shard.read_bytes()
    shard.with_name("shard-00000.jsonl.tmp").write_bytes(before[:20])
    shard.unlink()
    assert made(corpus, tmp_path, Settings()) == ["segment"]
    assert [(path.name, path.read_bytes()) for path in shard.parent.glob("shard-*")] == [(shard.name, before)]


def test_two_runs_do_not_work_in_one_folder(corpus: Corpus, tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"), pytest.raises(UsageError, match="another run works in this folder"):
        made(corpus, tmp_path, Settings())


def test_a_recogniser_that_does_not_know_the_language_is_named(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "sources.csv"
    row = f"{corpus.sources.parent / 'sounds'},CC0-1.0,given,te,\n"
    path.write_text(",".join(sources.COLUMNS) + "\n" + row, encoding="utf-8")
    with pytest.raises(UsageError, match="'moonshine-tiny-en' does not understand 'te'"):
        runner.run(
            sources.listed(path, ["CC0-1.0"], tmp_path), tmp_path / "work", Settings(), ALL, Here(), lambda *_: None
        )
