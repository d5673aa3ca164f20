"""Whisper learns clips: the loss falls, a kill changes nothing of that, and the model that comes of it is loaded."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import psutil
import pytest
import torch
from transformers import WhisperConfig

from parley.adapters.espeak import Espeak
from parley.audio import files
from parley.client.word_errors import rate
from parley.errors import UsageError
from parley.models.catalogue import catalogue
from parley.models.interfaces import MODEL_RATE_HZ, Caller, Guidance
from parley.models.plugins import load
from parley.models.resolve import named
from parley.train import clips, runner
from parley.train.clips import Clip
from parley.train.settings import Settings
from parley.train.speakers import HELD_OUT, TRAIN
from parley.train.steps import STEPS
from parley.train.tuning import WhisperTuning
from parley.train.whisper_lora import Tuned
from tests.families.transformers_tts import tiny_whisper
from tests.train.conftest import said

SAID = (("good morning", "en"), ("good morning", "en+m3"), ("good morning", "en+f2"))
"""Words, and the voice that says them; the last one is held out. They are the same: a network of this size with random
weights does not always come to tell two sounds apart."""
QUICK = {
    "rank": 16,
    "batch": 2,
    "accumulate": 1,
    "learning_rate": 0.005,
    "warmup_steps": 8,
    "epochs": 48,
    "dropout": 0.0,
}
EVERY = {"check_every": 16, "patience": 9}
SETTINGS = WhisperTuning.model_validate(QUICK | EVERY)


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whisper")
    tiny_whisper.write(folder)
    return folder


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose data set is three clips; the speaker of the last one is held out."""
    folder, voice, found = tmp_path_factory.mktemp("work"), Espeak(), []
    for number, (text, speaker) in enumerate(SAID):
        path, sound = folder / f"{number}.wav", asyncio.run(said(voice, text, language=speaker))
        files.write(path, sound, voice.rate_hz)
        found.append(Clip(
            id=f"{number}", source="s", audio=str(path), digest=f"sha256:{number}", licence="CC0-1.0", consent="given",
            language="en", text=text, end_s=len(sound) / voice.rate_hz, split=TRAIN if number < 2 else HELD_OUT,
        ))  # fmt: skip
    voice.close()
    for step in STEPS:
        clips.write(folder / step.name / clips.CLIPS, step.name, "", found)
    ended = runner.Ended(STEPS[-1].name, Settings().model_dump(mode="json"))
    (folder / runner.ENDED).write_bytes(msgspec.json.encode(ended))
    return folder


def data_set(work: Path) -> list[Clip]:
    return clips.read(work / "manifest" / clips.CLIPS)


@pytest.fixture(scope="session")
def learnt(whisper: Path, work: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    lines: list[str] = []
    output = tmp_path_factory.mktemp("learnt") / "out"
    settings = SETTINGS.model_copy(update={"usd_an_hour": 1.5})
    outcome = Tuned(str(whisper), data_set(work), output, settings).run(lines.append)
    return SimpleNamespace(outcome=outcome, lines=lines, output=output)


async def heard(model: Path, clip: Clip) -> str:
    """What the server's own adapter writes down."""
    spec = named(catalogue(), "asr", str(model))
    recognizer = await load(spec)  # type: ignore[arg-type]
    stream = recognizer.open("en", Guidance())
    stream.feed(files.read_float(Path(clip.audio), MODEL_RATE_HZ))
    text: str = (await stream.finish(Caller("test"))).text
    recognizer.close()
    return text


async def test_the_model_that_comes_of_it_says_what_was_learnt(learnt: SimpleNamespace, work: Path) -> None:
    losses = [loss for _, loss in learnt.outcome.losses]
    assert losses[-1] < losses[0] / 4
    assert learnt.outcome.before.words >= 1.0
    assert learnt.outcome.after.words == 0, "who is held out says what others say"
    for clip in data_set(work)[:2]:
        assert rate(clip.text, await heard(learnt.outcome.model, clip)) == 0


def test_in_a_batch_each_sound_has_its_own_words(whisper: Path, work: Path, tmp_path: Path) -> None:
    first, second, _ = data_set(work)
    found = [first, replace(second, text="a red piano", language="te")]
    training = Tuned(str(whisper), found, tmp_path / "out", SETTINGS)
    training._cut()
    batch = training.collated(found)
    tokenizer: Any = training._tokenizer
    ignored = batch["labels"] == -100
    assert ignored.sum(dim=1).tolist() == [1, 0], "the shorter one is filled up"
    written = tokenizer.batch_decode(batch["labels"].masked_fill(ignored, tokenizer.eos_token_id))
    assert written[0].startswith("<|en|><|transcribe|><|notimestamps|>good morning<|endoftext|>")
    assert written[1] == "<|te|><|transcribe|><|notimestamps|>a red piano<|endoftext|>"
    for clip, features in zip(found, batch["input_features"], strict=True):
        assert torch.equal(features, torch.from_numpy(training.features(clip)))
    assert not torch.equal(*batch["input_features"])


def test_it_tells_how_far_it_is_what_is_to_come_and_what_that_costs(learnt: SimpleNamespace) -> None:
    steps = [line for line in learnt.lines if line.startswith("step 16 of 48: loss")]
    assert len(steps) == 2, "of what is learnt, and of those who are held out"
    assert all(" h so far, " in line and line.endswith("USD") for line in steps)
    report = msgspec.json.decode((learnt.output / "report.json").read_bytes())
    assert report["held_out"] is True
    assert list((learnt.output / "checkpoints").rglob("events.out.tfevents*")), "for TensorBoard"


KILLED = """
import os, signal, sys
from transformers import Trainer
from parley.cli import main
saved = Trainer._save_checkpoint
def save(self, *given, **named):
    saved(self, *given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv.pop(1) == "killed":
    Trainer._save_checkpoint = save
sys.argv[0] = "parley"
main()
"""
"""The command, which kills itself behind its first checkpoint if it is told so."""


def test_killed_it_goes_on_from_the_last_checkpoint(whisper: Path, work: Path, tmp_path: Path) -> None:
    settings = QUICK | {"epochs": 16, "check_every": 8, "patience": 9}
    (tmp_path / "tuning.json").write_bytes(msgspec.json.encode(settings))  # JSON is YAML

    def run(how: str) -> subprocess.CompletedProcess[str]:
        given = ["train", "whisper", str(work), "--base", str(whisper), "-o", str(tmp_path / "out")]
        command = [sys.executable, "-c", KILLED, how, *given, "--settings", str(tmp_path / "tuning.json")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=environment)

    assert run("killed").returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "model").exists()
    done = run("on")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "out" / "model")
    assert "step 8 of" not in done.stderr, "it goes on behind the checkpoint"
    assert "step 16 of 16" in done.stderr
    assert "on speakers that it never heard" in done.stderr
    losses = msgspec.json.decode((tmp_path / "out" / "report.json").read_bytes())["losses"]
    assert [step for step, _ in losses] == list(range(1, 17)), "those before the kill are not forgotten"


def test_a_dry_run_names_the_memory_and_makes_nothing(whisper: Path, work: Path, tmp_path: Path) -> None:
    training = Tuned(str(whisper), data_set(work), tmp_path / "out", SETTINGS)
    assert training.needs.weights > training.needs.training > 0
    vocabulary = WhisperConfig.from_pretrained(whisper).vocab_size
    assert training.needs.activations > 2 * 448 * vocabulary * 12, "what it foresees of two clips"
    assert "GB (weights 0.0" in str(training.needs)
    assert not (tmp_path / "out").exists()


def test_where_the_memory_does_not_suffice_it_does_not_begin(
    whisper: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Tuned(str(whisper), data_set(work), tmp_path / "out", SETTINGS)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1_000_000))
    with pytest.raises(UsageError, match=r"needs about .* and 0\.00 GB are free; take a smaller batch"):
        training.run(lambda _: None)


def test_a_folder_of_another_training_is_left_alone(whisper: Path, work: Path, tmp_path: Path) -> None:
    Tuned(str(whisper), data_set(work), tmp_path / "out", SETTINGS).claim()
    Tuned(str(whisper), data_set(work), tmp_path / "out", SETTINGS.model_copy(update={"usd_an_hour": 2.0})).claim()
    for found, settings in ((data_set(work)[:1], SETTINGS), (data_set(work), SETTINGS.model_copy(update={"rank": 4}))):
        with pytest.raises(UsageError, match="made of another base, clips or settings"):
            Tuned(str(whisper), found, tmp_path / "out", settings).claim()


def test_what_is_no_whisper_is_named(work: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkpoint of Whisper can be loaded"):
        Tuned(str(tmp_path), data_set(work), tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists(), "another name may be tried"


def test_layers_that_there_are_not_are_named(whisper: Path, work: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"layers: .*gate_proj"):
        Tuned(str(whisper), data_set(work), tmp_path / "out", WhisperTuning(layers=("gate_proj",)))


def test_without_clips_to_learn_nothing_begins(whisper: Path, work: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no clips to train on"):
        Tuned(str(whisper), data_set(work)[2:], tmp_path / "out", SETTINGS)
