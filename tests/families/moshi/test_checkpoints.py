"""Checkpoints in the package's layout: what is read of them, and what is said of those that will not do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from moshi.models import loaders
from moshi.utils.compile import no_compile

from parley.adapters import moshi_checkpoint as checkpoint
from parley.audio import files as audio_files
from parley.errors import AudioError, ModelError
from parley.models.interfaces import ModelSpec
from parley.models.store import sha256_of
from tests.families.moshi import tiny
from tests.families.moshi.conftest import Loader, converse, same, sounds

WEIGHTS, CODEC, TOKENIZER = loaders.MOSHI_NAME, loaders.MIMI_NAME, loaders.TEXT_TOKENIZER_NAME


@pytest.fixture
def own(files: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """A checkpoint that a test may spoil."""
    copies = {name: tmp_path / name for name in files}
    for name, path in files.items():
        shutil.copyfile(path, copies[name])
    return copies


def configure(files: dict[str, Path], **settings: Any) -> None:
    path = files["config.json"]
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def without(name: str) -> Callable[[dict[str, Path]], object]:
    return lambda files: files[name].unlink()


def garbled(name: str, content: bytes) -> Callable[[dict[str, Path]], object]:
    return lambda files: files[name].write_bytes(content)


def setting(**settings: Any) -> Callable[[dict[str, Path]], object]:
    return lambda files: configure(files, **settings)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without(WEIGHTS), "tiny: the file model.safetensors is missing"),
        (without(CODEC), f"tiny: the file {CODEC} is missing"),
        (without(TOKENIZER), f"tiny: the file {TOKENIZER} is missing"),
        (setting(moshi_name="other.safetensors"), "tiny: the file other.safetensors is missing; it has config.json"),
        (garbled("config.json", b"{"), "config.json is no JSON"),
        (garbled("config.json", b"[]"), "config.json must be an object"),
        (garbled(WEIGHTS, b"nonsense"), "tiny could not be loaded: SafetensorError"),
        (garbled(TOKENIZER, b"nonsense"), "tiny could not be loaded"),
        (setting(model_type="hibiki"), "model_type 'hibiki' does not converse; known: moshi, personaplex"),
        (setting(depth=3), "tiny could not be loaded: TypeError: .*'depth'"),
        (setting(dim=128), "tiny could not be loaded: RuntimeError: .*size mismatch"),
        (setting(dep_q=0), "speaks no sound"),
    ],
)
async def test_what_is_wrong_with_a_checkpoint_is_said(
    spoil: Callable[[dict[str, Path]], object], said: str, own: dict[str, Path], loaded: Loader
) -> None:
    spoil(own)
    with pytest.raises(ModelError, match=f"(?s){said}"):
        await loaded(own)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"slots": 0}, "tiny: options: slots: .*greater than or equal to 1"),
        ({"slot": 2}, "tiny: options: slot: Extra inputs are not permitted"),
        ({"device": "cuda:9"}, "option 'device': cuda:9 is not there"),
        ({"device": "tpu"}, "option 'device': 'tpu' is no device"),
        ({"dtype": "int8"}, "options: dtype"),
        ({"lora": "absent.safetensors"}, "option 'lora': absent.safetensors does not exist"),
        ({"lora": WEIGHTS}, "model.safetensors has no LoRA weights of Moshi"),
        ({"voice_prompt": "absent.wav"}, "option 'voice_prompt': absent.wav does not exist"),
        ({"role": "You are " + "kind " * 40}, "role and voice take .* frames and the network remembers 40"),
    ],
)
async def test_what_is_wrong_with_the_options_is_said(options: dict[str, Any], said: str, loaded: Loader) -> None:
    with pytest.raises(ModelError, match=said):
        await loaded(**options)


async def test_memory_that_does_not_suffice_is_said_in_numbers_before_anything_is_loaded(
    loaded: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1_000_000))
    monkeypatch.setattr(loaders.CheckpointInfo, "get_moshi", None)
    with pytest.raises(ModelError, match=r"needs 0\.\d\d GB of memory on cpu .* 3 slots\) and 0.00 GB are free; fewer"):
        await loaded()


async def test_a_shorter_context_and_fewer_slots_take_less_memory(
    loaded: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    log = SimpleNamespace(
        info=lambda event, **what: asked.append(what.get("needed_mb", -1)), warning=lambda *_, **__: 0
    )
    monkeypatch.setattr("parley.adapters.moshi_network.log", log)
    for options in ({"context": 4000}, {"context": 2000}, {"context": 2000, "slots": 1}):
        await loaded(**options)
    most, less, least = [megabytes for megabytes in asked if megabytes >= 0]
    assert most > 1.5 * less > 3 * least


async def test_a_machine_that_is_slower_than_speech_is_refused_with_numbers(
    loaded: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(np.arange(1000) * 0.1)
    monkeypatch.setattr("parley.adapters.moshi_network.time.perf_counter", lambda: float(next(seconds)))
    with pytest.raises(ModelError, match=r"a step of 3 slots takes 100.0 ms on cpu, a frame lasts 80 ms; take a GPU"):
        await loaded(allow_slow=False)
    await loaded(allow_slow=True)


async def test_adapter_weights_change_what_is_said(loaded: Loader, tmp_path: Path) -> None:
    async def said(**options: Any) -> list[Any]:
        model = await loaded(slots=1, **options)
        return await converse(await model.open_slot(), sounds(1, 12))

    for strength in (0.0, 0.5):
        tiny.write_lora(tmp_path / f"{strength}.safetensors", 4, strength=strength)
    plain = await said()
    assert same(plain, await said(lora=str(tmp_path / "0.0.safetensors")))
    assert not same(plain, strong := await said(lora=str(tmp_path / "0.5.safetensors")))
    assert same(plain, await said(lora=str(tmp_path / "0.5.safetensors"), lora_scaling=0.0))
    assert not same(strong, await said(lora=str(tmp_path / "0.5.safetensors"), lora_scaling=0.5))


async def test_of_personaplex_what_predicts_the_users_codes_is_left_out(loaded: Loader, tmp_path: Path) -> None:
    files = tiny.write(tmp_path, dep_q=8, says={"model_type": "personaplex"})
    info = checkpoint.find(ModelSpec("tiny", "moshi", files), None)
    outline = checkpoint.outline(info, torch.float32, {})
    kept = checkpoint.language_model(info, outline, torch.device("cpu"), torch.float32, {})
    whole = loaders.get_moshi_lm(files[WEIGHTS], tiny.LM | {"dep_q": 8}, dtype=torch.float32)
    codes = torch.randint(0, 64, (1, 9, 12))
    with torch.no_grad(), no_compile():
        expected = whole(codes).logits[:, :4]
        torch.testing.assert_close(kept(codes).logits, expected, equal_nan=True, rtol=1e-3, atol=1e-3)
    model = await loaded(files)
    assert (await converse(await model.open_slot(), sounds(1, 4)))[-1].samples.any()


async def test_every_conversation_begins_behind_the_role_and_the_voice(loaded: Loader, tmp_path: Path) -> None:
    voice = tmp_path / "voice.wav"
    audio_files.write(voice, (10000 * np.sin(np.arange(24000) * 0.1)).astype(np.int16), 24000)

    async def said(**options: Any) -> list[Any]:
        model = await loaded(slots=3, context=100, **options)
        slots = [await model.open_slot() for _ in range(3)]
        all_said = [await converse(slot, sounds(1, 12)) for slot in (slots[2], slots[0])]
        await slots[1].aclose()
        all_said.append(await converse(await model.open_slot(), sounds(1, 12)))
        assert same(all_said[0], all_said[1])
        assert same(all_said[0], all_said[2])
        return all_said[0]

    plain, role, both = (
        await said(),
        await said(role="You are a fox."),
        await said(role="You are a fox.", **spoken_by(voice)),
    )
    other = await said(role="You are a dog.")
    for one, two in ((plain, role), (role, other), (role, both), (plain, both)):
        assert not same(one, two)


def spoken_by(recording: Path, of: Path | None = None) -> dict[str, Any]:
    """Options to speak like a recording, with a consent to it or to another one."""
    statement = "I let this server speak with my voice."
    given = {
        "speaker": "Ann Ray",
        "statement": statement,
        "given": "2026-11-28",
        "recording": sha256_of(of or recording),
    }
    return {"voice_prompt": str(recording), "consent": given}


async def test_a_recording_without_a_voice_is_refused(loaded: Loader, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioError, match=r"empty\.wav"):
        await loaded(**spoken_by(tmp_path / "empty.wav"))
    audio_files.write(tmp_path / "still.wav", np.zeros(24000, np.int16), 24000)
    with pytest.raises(ModelError, match="there is no voice in this recording"):
        await loaded(**spoken_by(tmp_path / "still.wav"))


async def test_nobody_is_spoken_like_who_has_not_agreed_to_it(loaded: Loader, tmp_path: Path) -> None:
    for name in ("ann.wav", "bob.wav"):
        audio_files.write(tmp_path / name, np.full(24000, ord(name[0]), np.int16), 24000)
    with pytest.raises(ModelError, match=r"ann\.wav is a voice to clone and there is no consent of its speaker"):
        await loaded(voice_prompt=str(tmp_path / "ann.wav"))
    with pytest.raises(ModelError, match=r"Ann Ray agreed to another recording than bob\.wav"):
        await loaded(**spoken_by(tmp_path / "bob.wav", of=tmp_path / "ann.wav"))
