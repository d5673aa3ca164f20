"""Moshi learns dialogues: the loss falls, a kill changes nothing of that, and what is loaded of it speaks otherwise."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest

from parley.audio import files as audio_files
from parley.audio.pcm import Float32, to_int16
from parley.errors import UsageError
from parley.models.interfaces import ModelSpec, TimedText
from parley.train.dialogues import LISTS, RATE_HZ
from parley.train.moshi_lora import Outcome, Tuned, _batches, text_stream
from parley.train.speakers import HELD_OUT, TRAIN
from parley.train.tuning import MoshiTuning
from parley.workers.settings import read_settings
from tests.families.moshi import tiny
from tests.families.moshi.conftest import Loader, converse, same

QUICK = {
    "rank": 16, "seconds": 2.0, "batch": 6, "accumulate": 1, "learning_rate": 0.01, "warmup_steps": 0, "epochs": 40,
    "check_every": 20, "patience": 9, "first_code_weight": 1.0,
}  # fmt: skip
SETTINGS = MoshiTuning.model_validate(QUICK)
WORDS = (("good", 0.9), ("morning", 1.3))
"""What the model says in each dialogue, behind a tone of the other, and when."""
_FRAME, _LENGTH_S = 1920, 2.0


@pytest.fixture(scope="session")
def base(files: dict[str, Path]) -> ModelSpec:
    return ModelSpec("tiny", "moshi", files, kind="duplex")


@pytest.fixture(scope="session")
def dialogues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve to learn and one that is held out, in the form of Kyutai's trainer."""
    folder = tmp_path_factory.mktemp("dialogues")
    for number, split in enumerate((*[TRAIN] * 12, HELD_OUT)):
        both = np.zeros((round(_LENGTH_S * RATE_HZ), 2), np.float32)
        both[: RATE_HZ // 2, 1] = tone(number)
        begin = round(WORDS[0][1] * RATE_HZ)
        both[begin : begin + RATE_HZ // 2, 0] = tone(number, hz=900.0)
        audio_files.write_stereo(folder / f"{number}.wav", to_int16(both.ravel()).reshape(-1, 2), RATE_HZ)
        words = [[text, [at, at + 0.3], "SPEAKER_MAIN"] for text, at in WORDS]
        (folder / f"{number}.json").write_bytes(msgspec.json.encode({"alignments": words}))
        with (folder / LISTS[split]).open("ab") as listed:
            listed.write(msgspec.json.encode({"path": f"{number}.wav", "duration": _LENGTH_S}) + b"\n")
    return folder


def tone(number: int, hz: float = 300.0) -> Float32:
    """Half a second; with each number it sounds a little different."""
    times = np.arange(RATE_HZ // 2) / RATE_HZ
    noise = np.random.default_rng(number).normal(0, 0.01, len(times))
    return (0.3 * np.sin(2 * np.pi * hz * times) + noise).astype(np.float32)


@pytest.fixture(scope="session")
def learnt(base: ModelSpec, dialogues: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    lines: list[str] = []
    output = tmp_path_factory.mktemp("learnt") / "out"
    settings = SETTINGS.model_copy(update={"usd_an_hour": 1.5})
    outcome = Tuned(base, dialogues, output, settings).run(lines.append)
    return SimpleNamespace(outcome=outcome, lines=lines, output=output)


async def test_what_a_worker_loads_of_it_says_what_was_learnt(
    learnt: SimpleNamespace, loaded: Loader, base: ModelSpec
) -> None:
    outcome: Outcome = learnt.outcome
    assert outcome.held_out
    assert outcome.after < outcome.before / 2
    assert outcome.losses[-1][1] < outcome.losses[0][1] / 2
    (told,) = read_settings(outcome.worker.read_text(), "worker.yaml").models
    assert (told.id, told.family, told.kind) == ("tiny", "moshi", "duplex")
    assert set(told.files) == {Path(path) for path in base.files.values()}

    async def answer(**options: Any) -> list[Any]:
        model = await loaded({path.name: path for path in told.files}, slots=1, **options)
        heard = np.zeros(25 * _FRAME, np.float32)
        heard[: RATE_HZ // 2] = tone(99)
        return await converse(await model.open_slot(), list(heard.reshape(-1, _FRAME)))

    plain, taught = await answer(), await answer(**told.options)
    assert not same(plain, taught)
    before, after = ({frame.text for frame in said} - {""} for said in (plain, taught))
    learnt_pieces = {" good", " mo", "rning"}
    assert after, "it speaks"
    assert after <= learnt_pieces
    assert not before <= learnt_pieces


def test_it_tells_how_far_it_is_what_is_to_come_and_what_that_costs(learnt: SimpleNamespace) -> None:
    assert any(line.startswith("step 20 of 80: loss ") and line.endswith(" USD") for line in learnt.lines)
    assert any("step 20 of 80: loss on what it is judged by" in line for line in learnt.lines)
    report = msgspec.json.decode((learnt.output / "report.json").read_bytes())
    assert report["held_out"] is True
    assert list((learnt.output / "logs").rglob("events.out.tfevents*")), "for TensorBoard"


KILLED = """
import os, signal, sys
import torch
from parley.cli import main
torch.set_num_threads(1)
saved, how = torch.save, sys.argv.pop(1)
def save(kept, path):
    saved(kept, path)
    if how == "after":
        path.replace(path.with_suffix(".pt"))
    os.kill(os.getpid(), signal.SIGKILL)
if how != "on":
    torch.save = save
sys.argv[0] = "parley"
main()
"""
"""The command, which kills itself when its first checkpoint has been written, before or after it has its name."""


@pytest.mark.parametrize("how", ["before", "after"] if "TEST_KILLS" in os.environ else ["after"])
def test_killed_it_ends_as_if_nothing_had_been(
    how: str, base: ModelSpec, dialogues: Path, files: dict[str, Path], tmp_path: Path
) -> None:
    settings = QUICK | {"epochs": 4, "check_every": 4}
    (tmp_path / "tuning.json").write_bytes(msgspec.json.encode(settings))  # JSON is YAML
    checkpoint = next(iter(files.values())).parent

    def run(how: str) -> subprocess.CompletedProcess[str]:
        given = ["train", "moshi", str(dialogues), "--base", str(checkpoint), "-o", str(tmp_path / "out")]
        command = [sys.executable, "-c", KILLED, how, *given, "--settings", str(tmp_path / "tuning.json")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=environment)

    assert run(how).returncode == -signal.SIGKILL
    done = run("on")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "out" / "worker.yaml")
    assert ("step 4 of" in done.stderr) == (how == "before"), "it goes on behind the checkpoint"
    assert "on dialogues that it never heard" in done.stderr
    after = msgspec.json.decode((tmp_path / "out" / "report.json").read_bytes())
    undisturbed = Tuned(base, dialogues, tmp_path / "other", MoshiTuning.model_validate(settings)).run(lambda _: None)
    assert after["losses"] == [[step, pytest.approx(loss, rel=1e-3)] for step, loss in undisturbed.losses]


@pytest.mark.parametrize(
    ("words", "expected", "left_out"),
    [
        ([], "........", 0),
        ([("ab", 0.0)], "ab......", 0),
        ([("ab", 0.3)], "..-ab...", 0),
        ([("ab", 0.1), ("cd", 0.3)], "-abcd...", 0),
        ([("abcd", 0.1), ("ef", 0.3)], "-abcdef.", 0),
        ([("abcdefghijkl", 0.0)], "abcdefgh", 0),
        ([("ab", 0.9)], "........", 1),
        ([("", 0.2), ("ab", 0.3)], "..-ab...", 1),
    ],
)
def test_words_stand_where_they_are_said(words: Sequence[tuple[str, float]], expected: str, left_out: int) -> None:
    timed = [TimedText(text, at, at + 0.1) for text, at in words]
    stream, missing = text_stream(timed, lambda text: [ord(c) for c in text], 8, 10.0, ord("."), ord("-"))
    assert ("".join(map(chr, stream)), missing) == (expected, left_out)


def test_a_word_that_would_come_a_second_late_is_left_out() -> None:
    words = [TimedText("a" * 12, 0.0, 0.1), TimedText("bb", 0.1, 0.2), TimedText("cc", 0.3, 0.4)]
    stream, missing = text_stream(words, lambda text: [ord(c) for c in text], 20, 10.0, 0, 1)
    assert ("".join(map(chr, stream[:14])), missing) == ("a" * 12 + "cc", 1)


def test_each_piece_is_heard_once_in_each_epoch_and_the_order_does_not_depend_on_where_it_began() -> None:
    pieces = [np.full((1, 1), number, np.int32) for number in range(5)]

    def heard(done: int, steps: int) -> list[list[int]]:
        batches = _batches(pieces, 2, 1, done)
        return [[int(piece[0, 0]) for piece in next(batches)] for _ in range(steps)]

    whole = heard(0, 6)
    for epoch in (whole[:3], whole[3:]):
        assert sorted(chain.from_iterable(epoch)) == list(range(5))
    assert whole[:3] != whole[3:]
    assert [heard(done, 1)[0] for done in range(6)] == whole


def test_a_dry_run_names_the_memory_and_makes_nothing(base: ModelSpec, dialogues: Path, tmp_path: Path) -> None:
    training = Tuned(base, dialogues, tmp_path / "out", SETTINGS)
    assert training.needs.weights > training.needs.training > 0
    longer = Tuned(base, dialogues, tmp_path / "out", SETTINGS.model_copy(update={"seconds": 4.0}))
    assert longer.needs.activations == 2 * training.needs.activations
    assert not (tmp_path / "out").exists()


def test_where_the_memory_does_not_suffice_it_does_not_begin(
    base: ModelSpec, dialogues: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Tuned(base, dialogues, tmp_path / "out", SETTINGS)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100_000))
    with pytest.raises(UsageError, match=r"needs about .* and 0\.00 GB are free; take a smaller batch"):
        training.run(lambda _: None)


def test_a_folder_of_another_training_is_left_alone(base: ModelSpec, dialogues: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    Tuned(base, dialogues, out, SETTINGS).claim()
    Tuned(base, dialogues, out, SETTINGS.model_copy(update={"usd_an_hour": 2.0})).claim()
    changed = shutil.copytree(dialogues, tmp_path / "changed")
    (changed / "0.json").write_bytes(msgspec.json.encode({"alignments": []}))
    for data, settings in ((changed, SETTINGS), (dialogues, SETTINGS.model_copy(update={"rank": 4}))):
        with pytest.raises(UsageError, match="made of another base, clips or settings"):
            Tuned(base, data, out, settings).claim()


def test_what_cannot_be_learnt_from_is_named(base: ModelSpec, dialogues: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no dialogues to train on; train\.jsonl lists them"):
        Tuned(base, tmp_path, tmp_path / "out", SETTINGS)
    without = shutil.copytree(dialogues, tmp_path / "without")
    (without / "1.json").unlink()
    with pytest.raises(UsageError, match=r"1\.json: the words of 1\.wav cannot be read"):
        Tuned(base, without, tmp_path / "out", SETTINGS)


def test_other_networks_than_moshis_are_refused(dialogues: Path, tmp_path: Path) -> None:
    files = tiny.write(tmp_path / "other", dep_q=8, says={"model_type": "personaplex"})
    with pytest.raises(UsageError, match="trained for Moshi itself, which this is not"):
        Tuned(ModelSpec("other", "moshi", files), dialogues, tmp_path / "out", SETTINGS)


def test_a_rate_at_which_nothing_is_learnt_is_said(base: ModelSpec, dialogues: Path, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"learning_rate": 1e30, "check_every": 2})
    with pytest.raises(UsageError, match="the loss is no number any more; take a lower learning_rate"):
        Tuned(base, dialogues, tmp_path / "out", settings).run(lambda _: None)
