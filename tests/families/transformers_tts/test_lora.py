"""Voices that LoRA adapters make of one network."""

from __future__ import annotations

import builtins
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from parley.errors import ModelError
from tests.families.speaking import said, sound
from tests.families.transformers_tts import tiny
from tests.families.transformers_tts.conftest import ENGLISH, Loader

NAMES = ["ann", "bob", "eve"]
FRAMES = 12


@pytest.fixture(scope="session")
def three(csm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with three adapters."""
    folder = Path(shutil.copytree(csm, tmp_path_factory.mktemp("lora") / "csm"))
    for seed, name in enumerate(NAMES):
        tiny.write_lora(csm, folder / "voices" / name, seed)
    return folder


def network_of(voice: Any) -> Any:
    return voice._network


def frames(network: Any, voice: str) -> Iterator[list[int]]:
    read = network._embedded([], network._ids(ENGLISH))
    return (codes[0].tolist() for codes in network._frames(read, FRAMES, voice))


def spoken(network: Any, voice: str) -> list[list[int]]:
    with torch.inference_mode():
        return list(frames(network, voice))


async def test_each_adapter_is_a_voice_and_the_network_itself_is_one(three: Path, csm: Path, loaded: Loader) -> None:
    voice = await loaded(three, temperature=0)
    assert list(voice.voices) == ["tiny", *NAMES]
    said_by = [spoken(network_of(voice), name) for name in voice.voices]
    assert len({str(codes) for codes in said_by}) == 4
    assert said_by[0] == spoken(network_of(await loaded(csm, temperature=0)), "tiny")


async def test_sentences_of_several_voices_at_once_are_what_each_says_alone(three: Path, loaded: Loader) -> None:
    """Their frames are made in turns on the one network."""
    network = network_of(await loaded(three, temperature=0))
    names = ["ann", "tiny", "eve"]
    alone = {name: spoken(network, name) for name in names}
    with torch.inference_mode():
        running = {name: frames(network, name) for name in names}
        together: dict[str, list[list[int]]] = {name: [] for name in names}
        for _ in range(FRAMES):
            for name, codes in running.items():
                together[name] += [made] if (made := next(codes, None)) is not None else []
    assert together == alone


async def test_the_networks_weights_are_there_once(three: Path, csm: Path, loaded: Loader) -> None:
    network, plain = network_of(await loaded(three)), network_of(await loaded(csm))

    def bytes_of(model: Any, *, lora: bool) -> int:
        return sum(p.nbytes for name, p in model.named_parameters() if ("lora_" in name) == lora)

    assert bytes_of(network._model, lora=False) == bytes_of(plain._model, lora=False)
    files = sum(
        value.nbytes
        for name in NAMES
        for value in load_file(three / f"voices/{name}/adapter_model.safetensors").values()
    )
    assert bytes_of(network._model, lora=True) == files


async def test_a_voice_is_asked_for_by_its_name_and_has_its_own_beginning(three: Path, loaded: Loader) -> None:
    voice = await loaded(three, temperature=0, voice="bob")
    network = network_of(voice)
    assert voice.voices[0] == "bob"
    beginnings = network._beginnings
    assert set(beginnings) == {"tiny", *NAMES}
    assert not torch.equal(beginnings["ann"].codes[0, :2], beginnings["eve"].codes[0, :2])
    first = {name: sound(await said(voice, ENGLISH, owner="", voice=name)) for name in NAMES}
    assert len({audio.tobytes() for audio in first.values()}) == 3
    usual = sound(await said(voice, ENGLISH, owner=""))
    assert usual.tobytes() == first["bob"].tobytes()


async def test_a_conversation_remembers_what_each_voice_has_said_in_it(three: Path, loaded: Loader) -> None:
    network = network_of(await loaded(three))
    network._remember("carl", "ann", network._beginnings["ann"])
    assert len(network._remembered("carl", "ann")) == 1
    assert not network._remembered("carl", "bob")


def less(name: str) -> Any:
    return lambda folder: (folder / name).unlink()


def elsewhere(folder: Path) -> None:
    """Trained on a network with other layers."""
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"target_modules": ["attention_of_others"]}))


def wider(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    save_file({name: torch.cat([value, value]) for name, value in load_file(path).items()}, path)


def half(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    save_file({name: value for name, value in load_file(path).items() if "lora_A" in name}, path)


@pytest.mark.parametrize(
    ("spoil", "said_of_it"),
    [
        (less("adapter_config.json"), r"voices/ann is no LoRA adapter: the file adapter_config\.json is missing"),
        (less("adapter_model.safetensors"), r"voices/ann is no LoRA adapter: the file adapter_model\.safetensors is"),
        (elsewhere, "voices/ann does not fit this network: .*attention_of_others"),
        (wider, "voices/ann does not fit this network"),
        (half, r"voices/ann does not fit this network: .*lora_B.* and \d+ more"),
    ],
)
async def test_an_adapter_that_does_not_fit_is_named(
    spoil: Any, said_of_it: str, three: Path, tmp_path: Path, loaded: Loader
) -> None:
    own = Path(shutil.copytree(three, tmp_path / "own"))
    spoil(own / "voices/ann")
    with pytest.raises(ModelError, match=f"(?s)tiny: .*{said_of_it}"):
        await loaded(own)


@pytest.mark.parametrize(
    ("name", "why"),
    [("tiny", "this name is the network's own"), ("ann.v2", "the name of a voice has no dot in it")],
)
async def test_an_adapter_with_a_name_that_will_not_do_is_refused(
    name: str, why: str, three: Path, tmp_path: Path, loaded: Loader
) -> None:
    own = Path(shutil.copytree(three, tmp_path / "own"))
    (own / "voices/ann").rename(own / "voices" / name)
    with pytest.raises(ModelError, match=f"voices/{name}: {why}; rename the folder"):
        await loaded(own)


async def test_a_missing_library_is_named_with_its_extra(
    three: Path, loaded: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = builtins.__import__

    def without_peft(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "peft":
            raise ImportError("No module named 'peft'")
        return find(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_peft)
    with pytest.raises(ModelError, match=r"needs the package peft .*pip install 'parley-voice\[transformers-tts\]'"):
        await loaded(three)


async def test_networks_of_other_kinds_have_no_adapters(
    three: Path, telugu: Path, tmp_path: Path, loaded: Loader
) -> None:
    own = Path(shutil.copytree(telugu, tmp_path / "own"))
    shutil.copytree(three / "voices", own / "voices")
    with pytest.raises(ModelError, match="voices/ann: LoRA adapters are voices of csm, not of vits"):
        await loaded(own)
