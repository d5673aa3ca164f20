"""Conversations on one tiny Moshi, made by the package's own classes: each is as if it were alone."""

from __future__ import annotations

import asyncio
import gc
import random
import weakref
from pathlib import Path

import numpy as np
import psutil
import pytest

from parley.adapters.slot_batch import SlotBatch
from parley.errors import Overloaded
from parley.models.interfaces import DuplexFrame, DuplexSlot
from tests.families.moshi import tiny
from tests.families.moshi.conftest import Loader, converse, same, sounds


async def alone(model: SlotBatch, seed: int, frames: int) -> list[DuplexFrame]:
    """What is said to somebody who is the only one."""
    slot = await model.open_slot()
    said = await converse(slot, sounds(seed, frames))
    await slot.aclose()
    return said


async def test_sound_and_words_come_out_frame_by_frame(loaded: Loader) -> None:
    model = await loaded()
    assert (model.name, model.rate_hz, model.frame_samples) == ("tiny", 24000, 1920)
    said = await alone(model, 1, 20)
    assert all(frame.samples.dtype == np.int16 and len(frame.samples) == 1920 for frame in said)
    assert not said[0].samples.any(), "the codes of one moment come with a delay"
    assert all(frame.samples.any() for frame in said[2:])
    assert "".join(frame.text for frame in said).strip()
    assert not same(said, await alone(model, 2, 20)), "it hears"


async def test_a_slot_says_the_same_alone_and_among_others_that_come_and_go(loaded: Loader) -> None:
    model = await loaded(slots=4)
    expected = {seed: await alone(model, seed, 30) for seed in range(6)}
    draws, said = random.Random(7), {seed: list[DuplexFrame]() for seed in expected}
    waiting, slots = list(expected), dict[int, DuplexSlot]()
    while waiting or slots:
        if waiting and len(slots) < 4 and draws.random() < 0.3:
            slots[seed := waiting.pop(0)] = await model.open_slot()
        speaking = [seed for seed in slots if draws.random() < 0.7]
        frames = await asyncio.gather(*(slots[s].step(sounds(s, 30)[len(said[s])]) for s in speaking))
        for seed, frame in zip(speaking, frames, strict=True):
            said[seed].append(frame)
        for seed in [s for s in slots if len(said[s]) == 30]:
            await slots.pop(seed).aclose()
    for seed, frames in said.items():
        assert same(frames, expected[seed]), seed


async def test_the_memory_of_a_slot_is_bounded_and_still_its_own(loaded: Loader) -> None:
    """More frames than the network and its codec remember, while a neighbour comes and goes."""
    model = await loaded(slots=2)
    expected = await alone(model, 1, 60)
    slot, said = await model.open_slot(), []
    for number, frame in enumerate(sounds(1, 60)):
        said.append(await slot.step(frame))
        if number % 7 == 0:
            await alone(model, 100 + number, 3)
    assert same(said, expected)


async def test_twelve_conversations_are_stepped_in_one_batch(loaded: Loader) -> None:
    model = await loaded(slots=12)
    slots = [await model.open_slot() for _ in range(12)]
    before = model.steps
    heard = [sounds(seed, 8) for seed in range(12)]
    said = [await asyncio.gather(*(s.step(h[n]) for s, h in zip(slots, heard, strict=True))) for n in range(8)]
    assert model.steps - before <= 2 * 8, "the first may go before the others are there"
    with pytest.raises(Overloaded, match="all 12 conversations that tiny can carry"):
        await model.open_slot()
    for slot in slots:
        await slot.aclose()
    for seed in (0, 5, 11):
        assert same([frames[seed] for frames in said], await alone(model, seed, 8))


async def test_a_conversation_that_is_cancelled_in_mid_stream_disturbs_nobody(loaded: Loader) -> None:
    model = await loaded(slots=2)
    expected = {seed: await alone(model, seed, 12) for seed in (1, 2, 3)}
    slot, other = await model.open_slot(), await model.open_slot()
    said = await converse(slot, sounds(1, 4))
    broken = asyncio.create_task(converse(other, sounds(2, 12)))
    said += await converse(slot, sounds(1, 12)[4:8])
    broken.cancel()
    await asyncio.wait([broken])
    await other.aclose()
    newcomer = await model.open_slot()
    rest, fresh = await asyncio.gather(converse(slot, sounds(1, 12)[8:]), converse(newcomer, sounds(3, 12)))
    assert same(said + rest, expected[1])
    assert same(fresh, expected[3])


async def test_what_is_drawn_repeats_with_the_seed_only(loaded: Loader) -> None:
    async def drawn(seed: int) -> list[DuplexFrame]:
        return await alone(await loaded(seed=seed, temperature=0.8, text_temperature=0.7), 1, 10)

    first = await drawn(1)
    assert same(first, await drawn(1))
    assert not same(first, await drawn(2))


async def test_letters_that_come_byte_by_byte_are_put_together(loaded: Loader) -> None:
    network = (await loaded())._network
    tokens = network._tokenizer.encode("తెలుగు fox")  # type: ignore[attr-defined]
    assert len(tokens) > 10, "its vocabulary has no Telugu letters"
    said = [network._word(1, token) for token in (0, 3, *tokens, 3, 2)]  # type: ignore[attr-defined]
    assert "".join(said) == " తెలుగు fox"
    assert said[:2] == ["", ""], "the padding between words is silent"


async def test_unloading_gives_the_memory_back(loaded: Loader, tmp_path: Path) -> None:
    files = tiny.write(tmp_path, dim=768, num_layers=4)
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    model = await loaded(files)
    network = weakref.ref(model._network._generator.lm_model)  # type: ignore[attr-defined]
    slot = await model.open_slot()
    await converse(slot, sounds(1, 3))
    weights = files["model.safetensors"].stat().st_size
    assert process.memory_info().rss - before > 0.8 * weights > 50e6
    await model.aclose()
    assert network() is None
    assert process.memory_info().rss - before < 0.3 * weights
