"""Folders of files that will not do, and what is said of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import VitsModel

from parley.adapters.transformers_tts import load
from parley.errors import ModelError
from parley.models import plugins
from parley.models.interfaces import ModelSpec
from tests.families.speaking import files_of
from tests.families.transformers_tts import tiny
from tests.families.transformers_tts.conftest import Loader

WEIGHTS = "model.safetensors"


@pytest.fixture
def own(telugu: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may spoil."""
    return Path(shutil.copytree(telugu, tmp_path / "own"))


def without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def garbled(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def configured(name: str = "config.json", **settings: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | settings))

    return change


def less_a_weight(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights["decoder.conv_pre.weight"]
    save_file(weights, folder / WEIGHTS, {"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without("config.json"), "tiny: the file config.json is missing; it has model.safetensors"),
        (without(WEIGHTS), "tiny: the file model.safetensors is missing; it has config.json"),
        (without("vocab.json"), "tiny: the file vocab.json is missing; it has config.json"),
        (without("tokenizer_config.json"), "tiny: the file tokenizer_config.json is missing"),
        (garbled("config.json", b"{"), "config.json is no JSON"),
        (garbled("config.json", b"[]"), "model_type 'None' is no voice that is known; known: vits, csm"),
        (configured(model_type="bark"), "config.json: model_type 'bark' is no voice that is known"),
        (garbled(WEIGHTS, b"nonsense"), "tiny could not be loaded: SafetensorError"),
        (configured(hidden_size=32), "tiny could not be loaded: RuntimeError: .*mismatch"),
        (configured(num_hidden_layers=2), r"no weights called text_encoder.* and \d+ more, which config.json asks for"),
        (configured(upsample_rates=[8, 8]), "tiny could not be loaded: .*upsample"),
        (less_a_weight, "no weights called decoder.conv_pre.weight, which"),
        (configured("tokenizer_config.json", phonemize=True), "checkpoints that read phonemes are not supported"),
    ],
)
async def test_what_is_wrong_with_a_checkpoint_is_said(
    spoil: Callable[[Path], object], said: str, own: Path, loaded: Loader
) -> None:
    spoil(own)
    with pytest.raises(ModelError, match=f"(?s){said}"):
        await loaded(own)


async def test_files_that_are_not_in_one_folder_or_gone_are_named(own: Path, tmp_path: Path) -> None:
    files = files_of(own)
    moved = shutil.move(own / "vocab.json", tmp_path / "vocab.json")
    with pytest.raises(ModelError, match=r"the file vocab\.json is missing \(.*own/vocab\.json\)"):
        await load(ModelSpec("tiny", "transformers-tts", files))
    with pytest.raises(ModelError, match=r"vocab\.json must be in one folder with the other files, .*own"):
        await load(ModelSpec("tiny", "transformers-tts", files | {"vocab.json": Path(moved)}))


async def test_nobodys_voice_is_cloned(own: Path) -> None:
    (own / "ref").mkdir()
    (own / "ref" / "seed.wav").touch()
    files = files_of(own) | {"seed.wav": own / "ref" / "seed.wav"}
    with pytest.raises(ModelError, match="no voice of this family is cloned from a recording"):
        await load(ModelSpec("tiny", "transformers-tts", files))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "cuda:9"}, "tiny: option 'device': cuda:9 is not there"),
        ({"device": "tpu"}, "option 'device': 'tpu' is no device"),
        ({"dtype": "int8"}, "tiny: options: dtype"),
        ({"speed": 2}, "tiny: options: speed: Extra inputs are not permitted"),
        ({"threads": 0}, "tiny: options: threads"),
    ],
)
async def test_what_is_wrong_with_the_options_is_said(
    options: dict[str, Any], said: str, telugu: Path, loaded: Loader
) -> None:
    with pytest.raises(ModelError, match=said):
        await loaded(telugu, **options)


async def test_memory_that_does_not_suffice_is_said_in_numbers_before_anything_is_loaded(
    telugu: Path, loaded: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=100_000))
    monkeypatch.setattr(VitsModel, "from_pretrained", None)
    with pytest.raises(ModelError, match=r"tiny needs 0\.\d\d GB of memory on cpu \(.* of weights\) and 0.00 GB are"):
        await loaded(telugu)


async def test_the_memory_that_is_asked_is_what_the_weights_take_and_a_tenth(
    tmp_path: Path, loaded: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    log = SimpleNamespace(info=lambda _, **what: asked.append(what["needed_mb"]), warning=lambda *_, **__: None)
    monkeypatch.setattr("parley.adapters.torch_device.log", log)
    tiny.write_vits(tmp_path, hidden_size=192, flow_size=192, posterior_encoder_num_wavenet_layers=16)
    file_mb = (tmp_path / WEIGHTS).stat().st_size / (1 << 20)
    assert file_mb > 10
    for dtype, share in (("float32", 1.1), ("bfloat16", 0.55)):
        await loaded(tmp_path, dtype=dtype)
        assert asked[-1] == pytest.approx(share * file_mb, abs=1.5)


async def test_the_adapter_is_found_by_its_familys_name(telugu: Path) -> None:
    voice = await plugins.load(ModelSpec("tiny", "transformers-tts", files_of(telugu), {"device": "cpu"}))
    assert voice.name == "tiny"
    await plugins.close(voice)
    assert torch.get_num_threads() >= 1
