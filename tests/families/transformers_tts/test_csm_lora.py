"""CSM learns a speaker's clips: the loss falls, and the voice pack's network speaks as it was taught."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
import torch

from parley.audio import files
from parley.errors import UsageError
from parley.train.clips import Clip
from parley.train.csm_lora import Tuned
from parley.train.speakers import HELD_OUT, TRAIN
from parley.train.tuning import CsmTuning
from tests.families.transformers_tts.conftest import Loader

SETTINGS = CsmTuning(
    rank=16, batch=4, accumulate=1, learning_rate=0.02, warmup_steps=0, epochs=60, check_every=20, patience=9,
    held_out_share=0.2,
)  # fmt: skip
TEXT, RATE_HZ = "good morning", 24000


def clip(number: int, path: Path, **change: object) -> Clip:
    given = {
        "id": f"{number}", "source": "s", "audio": str(path), "digest": "sha256:a", "licence": "CC0-1.0",
        "consent": "given", "language": "en", "speaker": "ann", "text": TEXT, "end_s": 0.8, "split": TRAIN,
    } | change  # fmt: skip
    return Clip(**given)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """Ann says one thing five times, and bob and eve say something, too."""
    path = tmp_path_factory.mktemp("recording") / "a.wav"
    times = np.arange(RATE_HZ) / RATE_HZ
    files.write(path, (9000 * np.sin(2 * np.pi * 300 * times)).astype(np.int16), RATE_HZ)
    others = [clip(5, path, speaker="bob"), clip(6, path, speaker="eve", split=HELD_OUT)]
    return [*(clip(number, path) for number in range(5)), *others]


@pytest.fixture(scope="session")
def learnt(csm: Path, data_set: list[Clip], tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    lines: list[str] = []
    output = tmp_path_factory.mktemp("learnt") / "out"
    with torch.enable_grad():
        outcome = Tuned(str(csm), data_set, "ann", output, SETTINGS).run(lines.append)
    return SimpleNamespace(outcome=outcome, lines=lines, output=output)


async def test_the_voice_says_what_was_learnt_and_the_network_itself_does_not(
    learnt: SimpleNamespace, csm: Path, loaded: Loader, tmp_path: Path
) -> None:
    outcome = learnt.outcome
    assert outcome.held_out
    assert outcome.after < outcome.before * 0.6  # its heads, which nobody trains, let no code be very likely
    assert outcome.losses[-1][1] < outcome.losses[0][1]
    folder = Path(shutil.copytree(csm, tmp_path / "csm"))
    shutil.copytree(outcome.voice, folder / "voices" / "ann")
    voice = await loaded(folder, temperature=0)
    assert list(voice.voices) == ["tiny", "ann"]
    network: Any = voice._network
    taught = np.load(learnt.output / "codes" / "0.npy").tolist()

    def said_by(name: str) -> list[list[int]]:
        read = network._embedded([], network._ids(TEXT))
        with torch.inference_mode():
            return [codes[0].tolist() for codes in network._frames(read, len(taught), name)]

    def alike(codes: list[list[int]]) -> float:
        return float(np.mean([a == b for a, b in zip(codes, taught, strict=False)]))

    assert alike(said_by("ann")) > 0.8 > alike(said_by("tiny"))


def test_it_tells_how_far_it_is_and_what_came_of_it(learnt: SimpleNamespace) -> None:
    assert any(line.startswith("step 20 of 60: loss") for line in learnt.lines)
    report = msgspec.json.decode((learnt.output / "report.json").read_bytes())
    assert Path(report["voice"]) == learnt.output / "voices" / "ann"
    assert (learnt.output / "voices" / "ann" / "adapter_config.json").is_file()


@pytest.mark.parametrize(
    ("speaker", "said"),
    [
        ("carl", "'carl' is not in the data set; it has ann, bob, eve"),
        ("eve", "'eve' is held out: models are tried on voices"),
        ("", "'' is not in the data set"),
    ],
)
def test_a_speaker_that_cannot_be_learnt_is_named(
    speaker: str, said: str, csm: Path, data_set: list[Clip], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        Tuned(str(csm), data_set, speaker, tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_none_of_a_voice_is_refused(csm: Path, data_set: list[Clip], tmp_path: Path) -> None:
    odd = clip(9, Path(data_set[0].audio), speaker="a.n/n")
    with pytest.raises(UsageError, match="has a dot or a slash"):
        Tuned(str(csm), [odd], "a.n/n", tmp_path / "out", SETTINGS)


def test_memory_and_folder_are_asked_for_first(
    csm: Path, data_set: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Tuned(str(csm), data_set, "ann", tmp_path / "out", SETTINGS)
    assert training.needs.weights > training.needs.training > 0
    training.claim()
    with pytest.raises(UsageError, match="made of another base, clips or settings"):
        Tuned(str(csm), data_set, "bob", tmp_path / "out", SETTINGS).claim()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    with pytest.raises(UsageError, match=r"needs about .* and 0\.00 GB are free"):
        training.run(lambda _: None)


def test_what_is_no_csm_is_named(data_set: list[Clip], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkpoint of CSM can be loaded"):
        Tuned(str(tmp_path), data_set, "ann", tmp_path / "out", SETTINGS)
