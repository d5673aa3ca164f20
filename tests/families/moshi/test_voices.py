"""Adapter weights by conversation: each has its voice, and nobody hears another's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from parley.errors import ModelError
from parley.models.interfaces import DuplexFrame, DuplexOpening
from tests.families.moshi import tiny
from tests.families.moshi.conftest import Loader, converse, same, sounds

ADA, BEA = DuplexOpening(voice="ada"), DuplexOpening(voice="bea")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("voices")
    for name, rank, seed in (("ada", 4, 2), ("bea", 2, 3)):
        tiny.write_lora(folder / f"{name}.safetensors", rank, strength=0.5, seed=seed)
    return {name: str(folder / f"{name}.safetensors") for name in ("ada", "bea")}


def alike(one: list[DuplexFrame], other: list[DuplexFrame]) -> bool:
    """The same words, and nearly the same sound: sums are made in another order."""
    distance = [np.abs(a.samples.astype(int) - b.samples).max() for a, b in zip(one, other, strict=True)]
    return [f.text for f in one] == [f.text for f in other] and max(distance) <= 3


async def test_a_conversation_sounds_as_if_its_weights_were_the_networks(
    loaded: Loader, weights: dict[str, str]
) -> None:
    fox = DuplexOpening("you are a quick fox")
    model = await loaded(slots=3, context=300, voices=weights)
    assert model.voices == ("ada", "bea")
    for name, path in weights.items():
        merged = await loaded(slots=3, context=300, lora=path)
        for told in (DuplexOpening(), fox):
            expected = await converse(await merged.open_slot(told), sounds(1, 12))
            slot = await model.open_slot(DuplexOpening(told.role, voice=name))
            assert alike(await converse(slot, sounds(1, 12)), expected), (name, told)
            await slot.aclose()


async def test_a_voice_is_as_strong_as_the_configuration_says(
    loaded: Loader, weights: dict[str, str], files: dict[str, Path], tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(files["config.json"].read_text()) | {"lora_scaling": 0.0}))
    model = await loaded({**files, "config.json": config}, voices=weights)
    plain = await converse(await model.open_slot(), sounds(1, 12))
    assert alike(await converse(await model.open_slot(ADA), sounds(1, 12)), plain)


async def test_voices_beside_each_other_are_as_alone(loaded: Loader, weights: dict[str, str]) -> None:
    async def alone(opening: DuplexOpening) -> list[DuplexFrame]:
        slot = await model.open_slot(opening)
        said = await converse(slot, sounds(1, 12))
        await slot.aclose()
        return said

    model = await loaded(voices=weights)
    openings = (ADA, DuplexOpening(), BEA)
    expected = [await alone(opening) for opening in openings]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert not same(expected[one], expected[other])
    slots = [await model.open_slot(opening) for opening in openings]
    said: list[list[DuplexFrame]] = [[], [], []]
    for frame in sounds(1, 12):
        for slot, heard in zip(slots, said, strict=True):
            heard.append(await slot.step(frame))
    for heard, one_alone in zip(said, expected, strict=True):
        assert same(heard, one_alone)


async def test_who_comes_behind_a_voice_has_his_own_also_where_nothing_else_is_read(
    loaded: Loader, weights: dict[str, str]
) -> None:
    async def said(opening: DuplexOpening) -> list[DuplexFrame]:
        slot = await model.open_slot(opening)
        heard = await converse(slot, sounds(1, 12))
        await slot.aclose()
        return heard

    model = await loaded(slots=1, voices=weights, told=0)
    plain, ada = await said(DuplexOpening()), await said(ADA)
    assert not same(plain, ada)
    assert same(plain, await said(DuplexOpening()))
    assert same(ada, await said(DuplexOpening("you are a fox", voice="ada")))


async def test_a_voice_that_there_is_not_is_refused_and_takes_no_slot(loaded: Loader, weights: dict[str, str]) -> None:
    model = await loaded(slots=1, voices=weights)
    with pytest.raises(ModelError, match="tiny has no voice 'eve'; there are ada, bea"):
        await model.open_slot(DuplexOpening(voice="eve"))
    await model.open_slot(ADA)
    with pytest.raises(ModelError, match="tiny has no voice 'ada'; there are none"):
        await (await loaded()).open_slot(ADA)


def other_network(path: Path) -> None:
    save_file({"transformer.layers.9.linear.lora_A.weight": torch.zeros(2, 64)}, path)


def other_size(path: Path) -> None:
    save_file({"transformer.layers.0.gating.linear_in.lora_A.weight": torch.zeros(2, 65)}, path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (other_network, "voice 'ada': .* has weights of another network: transformer.layers.9"),
        (other_size, "(?s)voice 'ada': .* does not fit the network: .*size mismatch"),
        (Path.unlink, "option 'voices: ada': .* does not exist"),
    ],
)
async def test_weights_that_do_not_fit_are_named(
    spoil: Callable[[Path], Any], said: str, loaded: Loader, tmp_path: Path
) -> None:
    (path := tmp_path / "ada.safetensors").touch()
    spoil(path)
    with pytest.raises(ModelError, match=said):
        await loaded(voices={"ada": str(path)})


async def test_a_voice_has_a_plain_name(loaded: Loader, weights: dict[str, str]) -> None:
    with pytest.raises(ModelError, match="option 'voices': 'a/b' is no name"):
        await loaded(voices={"a/b": weights["ada"]})
