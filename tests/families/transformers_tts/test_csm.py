"""CSM: what the library itself generates, a frame at a time, going on from how the conversation has sounded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, CsmForConditionalGeneration

from parley.errors import ModelError
from parley.models.interfaces import Caller, Priority, SpeakingStyle
from tests.families.speaking import said
from tests.families.transformers_tts.conftest import ENGLISH, Loader

FRAME = 1920


def network_of(voice: Any) -> Any:
    return voice._network


def ending(network: Any, frames: int) -> None:
    """Let each sentence end behind so many frames of anything."""

    def made(read: torch.Tensor, most: int, voice: str) -> Iterator[torch.Tensor]:
        for _ in range(frames):
            yield torch.randint(1, 4, (1, 3))

    network._frames = made


async def test_a_sentence_is_what_the_library_itself_generates_of_it(csm: Path, loaded: Loader) -> None:
    """Nothing is drawn, so both must find the same codes, and their sound."""
    voice = await loaded(csm, temperature=0)
    network = network_of(voice)
    model = CsmForConditionalGeneration.from_pretrained(csm).eval()
    model.generation_config.do_sample = model.depth_decoder.generation_config.do_sample = False
    tokenizer = AutoTokenizer.from_pretrained(csm)
    ids = tokenizer(f"<|begin_of_text|>[0]{ENGLISH}<|end_of_text|>", add_special_tokens=False, return_tensors="pt")
    frames = 40
    with torch.inference_mode():
        expected = model.generate(input_ids=ids.input_ids, max_new_tokens=frames, output_audio=False)
        read = network._embedded([], network._ids(ENGLISH))
        found = [codes[0].tolist() for codes in network._frames(read, frames, "tiny")]
    assert found
    assert found == expected[0, : len(found)].tolist()


async def test_pieces_follow_on_each_other_without_a_seam(csm: Path, loaded: Loader) -> None:
    """Decoded bit by bit it is the sound of all frames decoded at once."""
    network = network_of(await loaded(csm))
    made = [torch.randint(1, 4, (1, 3)) for _ in range(40)]
    with torch.inference_mode():
        whole = network._sound(made, 0)
        parts = [network._sound(made[:end], begin) for begin, end in [(0, 3), (3, 9), (9, 21), (21, 40)]]
    assert len(whole) == 40 * FRAME
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4)


async def test_sound_comes_from_inside_a_sentence(csm: Path, loaded: Loader) -> None:
    voice = await loaded(csm)
    assert (voice.rate_hz, voice.fixed_speed, voice.times_words) == (24000, True, False)
    ending(network_of(voice), 40)
    chunks = await said(voice, "good.")
    frames = [len(chunk.samples) / FRAME for chunk in chunks]
    assert 0 < frames[0] <= 3  # less what was silent in front
    assert frames[1:] == [6, 12, 19]
    assert not any(chunk.words for chunk in chunks)


async def test_a_sentence_that_finds_no_end_is_stopped_and_not_gone_on_from(csm: Path, loaded: Loader) -> None:
    voice = await loaded(csm)
    network = network_of(voice)
    ending(network, 25 + 3 * len("good."))
    await said(voice, "good.")
    assert not network._remembered("ann", "tiny")
    ending(network, 24 + 3 * len("good."))
    await said(voice, "good.")
    assert len(network._remembered("ann", "tiny")) == 1
    with torch.inference_mode():
        read = network._embedded([], network._ids("good."))
    assert network._most(read, "good.") == 40
    assert network._most(read, "good " * 1000) == 600 - read.shape[1]


async def test_a_conversation_goes_on_from_its_own_sound_and_from_no_others(csm: Path, loaded: Loader) -> None:
    network = network_of(voice := await loaded(csm))
    seen: list[int] = []
    embedded = network._embedded

    def noted(before: list[Any], ids: torch.Tensor) -> Any:
        seen.append(len(before))
        return embedded(before, ids)

    network._embedded = noted
    ending(network, 10)
    for owner in ("ann", "ann", "bob"):
        await said(voice, ENGLISH, owner=owner)
    assert seen == [1, 2, 1]
    rest = Caller("ann", Priority.BACKGROUND)
    async with aclosing(voice.synthesize(ENGLISH, SpeakingStyle(), rest)) as chunks:
        assert [chunk async for chunk in chunks]
    assert seen[-1] == 1


async def test_what_was_broken_off_is_not_gone_on_from_and_old_sound_is_forgotten(csm: Path, loaded: Loader) -> None:
    network = network_of(voice := await loaded(csm, context_s=1.0))
    ending(network, 5)
    async with aclosing(voice.synthesize(ENGLISH, SpeakingStyle(), Caller("ann"))) as chunks:
        await anext(chunks)
    assert not network._remembered("ann", "tiny")
    kept = []
    for _ in range(4):
        await said(voice, ENGLISH, owner="bob")
        kept.append(len(network._remembered("bob", "tiny")))
    assert kept == [1, 2, 2, 2]  # a second has 12.5 frames
    for i in range(70):
        network._remember(str(i), "tiny", network._beginnings["tiny"])
    assert len(network._conversations) == 64
    assert ("bob", "tiny") not in network._conversations


async def test_two_conversations_take_turns_frame_by_frame(csm: Path, loaded: Loader) -> None:
    network = network_of(voice := await loaded(csm))
    ending(network, 40)
    turns: list[object] = []
    frames = network._frames

    def noted(read: torch.Tensor, most: int, voice: str) -> Any:
        whose = object()
        for codes in frames(read, most, voice):
            turns.append(whose)
            yield codes

    network._frames = noted
    await asyncio.gather(*(said(voice, "good.", owner=owner) for owner in ("ann", "bob")))
    assert len(turns) == 80
    assert len(set(turns[:6])) == 2


async def test_the_seed_chooses_the_voice_that_all_conversations_begin_with(csm: Path, loaded: Loader) -> None:
    one, same, other = [network_of(await loaded(csm, seed=seed))._beginnings["tiny"].codes for seed in (1, 1, 2)]
    assert torch.equal(one, same)
    assert not (one.shape == other.shape and torch.equal(one, other))


async def test_no_sentence_ends_before_it_began(csm: Path, loaded: Loader) -> None:
    network = network_of(await loaded(csm))
    with torch.inference_mode():
        network._model.lm_head.weight.zero_()
        network._drawn = lambda likely: likely.argmax(dim=-1, keepdim=True)  # the end is the first of equals
        network._model.depth_decoder.generate = lambda input_ids, **_: torch.cat(
            [input_ids, *[input_ids[:, 1:]] * 2], dim=1
        )
        made = list(network._frames(network._embedded([], network._ids("good.")), 20, "tiny"))
    assert [codes.tolist() for codes in made] == [[[1, 1, 1]]]


async def test_marks_that_are_no_codes_of_the_codec_do_no_harm(csm: Path, loaded: Loader) -> None:
    network = network_of(await loaded(csm))
    with torch.inference_mode():
        assert len(network._sound([torch.full((1, 3), 6)], 0)) == FRAME


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"context_s": 61}, "tiny: options: context_s: .*less than or equal to 60"),
        ({"speaker": 10}, "tiny: options: speaker"),
        ({"voice": "ann"}, "option 'voice': no voice is called 'ann'; there are tiny"),
    ],
)
async def test_what_is_wrong_with_the_options_is_said(
    options: dict[str, Any], message: str, csm: Path, loaded: Loader
) -> None:
    with pytest.raises(ModelError, match=message):
        await loaded(csm, **options)
