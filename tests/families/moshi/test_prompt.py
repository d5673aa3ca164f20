"""What a conversation is told: before it begins, and between what is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from moshi.models import LMGen, loaders
from moshi.utils.compile import no_compile

from parley.adapters.moshi_prompt import Prompt
from parley.audio import files as audio_files
from parley.models.interfaces import DuplexFrame, DuplexOpening
from tests.families.moshi import tiny
from tests.families.moshi.conftest import Loader, converse, same, sounds
from tests.families.moshi.test_checkpoints import spoken_by

SLOTS = 2
FOX = DuplexOpening(role="you are a quick fox")


class Bench:
    """The language model with a memory for two, and a prompt for it."""

    def __init__(self, files: dict[str, Path], *, most: int = 100, context: int = 60) -> None:
        self.model = loaders.get_moshi_lm(
            files[loaders.MOSHI_NAME], tiny.LM | {"context": context}, dtype=torch.float32
        )
        self.generator = LMGen(self.model, support_out_of_sync=True, use_sampling=False)
        self.generator.streaming_forever(SLOTS)
        mimi = loaders.get_mimi(files[loaders.MIMI_NAME], tiny.MIMI, num_codebooks=4)
        mimi.streaming_forever(SLOTS)
        tokenizer = loaders.sentencepiece.SentencePieceProcessor(str(files[loaders.TEXT_TOKENIZER_NAME]))
        self.tokenizer = tokenizer
        self.prompt = Prompt("tiny", mimi, self.generator, tokenizer, "", None, slots=SLOTS, most=most)

    def says(self, slot: int, steps: int = 12) -> list[list[int]]:
        """Its words and codes, step by step, to a user who always says the same."""
        heard = torch.randint(0, 64, (steps, SLOTS, 4, 1), generator=torch.Generator().manual_seed(3))
        self.generator.set_exec_mask(torch.arange(SLOTS) == slot)
        return [self.generator.step(codes)[slot, :, 0].tolist() for codes in heard]

    def empty(self) -> None:
        self.generator.reset_streaming()
        self.generator.set_exec_mask(torch.ones(SLOTS, dtype=torch.bool))

    def step_through(self, slot: int, steps: Sequence[tuple[int, Any]]) -> None:
        """Say a prompt frame by frame, as the package would have to."""
        delays = self.model.delays[1 : self.model.dep_q + 1]
        tone = self.prompt._tone[None, :, None].expand(SLOTS, -1, -1)
        self.generator.set_exec_mask(torch.arange(SLOTS) == slot)
        for index, (word, _) in enumerate(steps):
            codes = torch.stack([steps[max(index - delay, 0)][1][book] for book, delay in enumerate(delays)])
            self.generator.on_text_hook = lambda drawn, word=word: drawn.fill_(word)
            self.generator.on_audio_hook = lambda drawn, codes=codes: drawn.copy_(codes.expand_as(drawn))
            self.generator.step(tone)
        self.generator.on_text_hook = self.generator.on_audio_hook = None

    def told(self, opening: DuplexOpening) -> list[int]:
        """The words that a slot is led through."""
        with mock.patch.object(self.prompt, "_given", wraps=self.prompt._given) as given:
            self.prompt.lead(0, opening)
        seen = [word for call in given.call_args_list for word, _ in call.args[0]]
        return [word for word in seen if word != self.model.text_padding_token_id]


@pytest.fixture
def bench(files: dict[str, Path]) -> Iterator[Bench]:
    with torch.no_grad(), no_compile():
        yield Bench(files)


def test_what_is_read_in_one_go_is_remembered_as_if_it_had_been_said(bench: Bench) -> None:
    steps = bench.prompt._steps(bench.prompt._words(FOX.role))
    assert len(steps) > 20
    bench.step_through(1, steps)
    said = bench.says(1)
    bench.empty()
    assert bench.says(1) != said
    bench.empty()
    bench.prompt.lead(1, FOX)
    assert bench.says(1) == said


def test_whoever_talks_meanwhile_forgets_nothing_however_long_he_has_talked(bench: Bench) -> None:
    alone = bench.says(0, 80) + bench.says(0, 12)
    bench.empty()
    among = bench.says(0, 80)  # the memory of 60 is full
    bench.prompt.lead(1, FOX)
    assert among + bench.says(0, 12) == alone


def test_of_what_was_said_before_the_last_lines_that_fit_are_told(files: dict[str, Path]) -> None:
    lines = tuple(f"User: the dog says {count}" for count in ("one", "two", "three"))
    with torch.no_grad(), no_compile():
        bench = Bench(files)
        words = [bench.prompt._words(f"You have talked before: {' '.join(lines[-n:])}") for n in (1, 2, 3)]
        for room, count in ((len(words[2]), 3), (len(words[2]) - 1, 2), (len(words[0]), 1), (3, 0)):
            bench = Bench(files, most=room, context=400)
            assert bench.told(DuplexOpening(so_far=lines)) == (words[count - 1] if count else [])


def test_a_role_that_is_too_long_is_cut_and_leaves_no_room_for_more(files: dict[str, Path]) -> None:
    with torch.no_grad(), no_compile():
        bench = Bench(files, most=5)
        assert (
            bench.told(DuplexOpening("you are a lazy dog", ("User: good morning",)))
            == (bench.prompt._words("you are a lazy dog")[:5])
        )


async def test_a_role_of_the_client_takes_the_place_of_that_in_the_options(loaded: Loader) -> None:
    async def said(opening: DuplexOpening, **options: Any) -> list[DuplexFrame]:
        return await converse(await (await loaded(context=300, **options)).open_slot(opening), sounds(1, 12))

    own = await said(DuplexOpening(), role=FOX.role)
    assert same(own, await said(FOX))
    assert same(own, await said(FOX, role="you are a lazy dog"))
    assert not same(own, await said(DuplexOpening(FOX.role, ("User: good morning",))))
    plain = await said(DuplexOpening())
    assert not same(own, plain)
    assert same(plain, await said(FOX, told=0))


async def test_a_long_role_a_long_past_and_a_voice_fit_into_any_memory(loaded: Loader, tmp_path: Path) -> None:
    voice = tmp_path / "voice.wav"
    audio_files.write(voice, (10000 * np.sin(np.arange(5 * 24000) * 0.1)).astype(np.int16), 24000)
    told = DuplexOpening("you are a quick brown fox " * 40, ("User: good morning to all of us",) * 40)
    for context, options in ((100, spoken_by(voice)), (100, {}), (8, {})):
        model = await loaded(context=context, **options)
        assert len(await converse(await model.open_slot(told), sounds(1, 4))) == 4


async def test_the_operators_own_role_is_never_cut(loaded: Loader, tmp_path: Path) -> None:
    tiny.write_lora(weights := tmp_path / "ada.safetensors", 2, strength=0.5)

    async def said(opening: DuplexOpening, **options: Any) -> list[DuplexFrame]:
        model = await loaded(context=300, voices={"ada": str(weights)}, told=0, **options)
        return await converse(await model.open_slot(opening), sounds(1, 12))

    ada = DuplexOpening(voice="ada")
    assert not same(await said(ada), await said(ada, role=FOX.role))


async def test_a_whisper_is_neither_said_nor_heard_and_changes_what_comes_behind_it(loaded: Loader) -> None:
    async def said(whisper: str, **options: Any) -> tuple[list[DuplexFrame], list[DuplexFrame]]:
        model = await loaded(**options)
        slot, other = await model.open_slot(), await model.open_slot()
        before, others = await converse(slot, sounds(1, 4)), await converse(other, sounds(2, 4))
        if whisper:
            await slot.whisper(whisper)
        return before + await converse(slot, sounds(3, 36)), others + await converse(other, sounds(4, 36))

    (plain, other), (told, still) = await said(""), await said("the quick brown fox says good morning")
    assert same(other, still)
    assert same(plain[:4], told[:4])
    assert np.ptp([f.samples.std() for f in told[22:31]]) < 1, "the same codes all the time: those of silence"
    assert np.ptp([f.samples.std() for f in plain[22:31]]) > 10
    assert not same(plain[25:], told[25:])
    words = [f.text for f in plain[6:14]]
    assert any(words), "it would have said something"
    assert not any(f.text for f in told[6:14])
    assert same((await said("the quick brown fox", told=0))[0], plain)


async def test_whispers_of_who_has_left_are_not_told_to_who_comes(loaded: Loader) -> None:
    model = await loaded()
    plain = await converse(await model.open_slot(), sounds(1, 20))
    slot = await model.open_slot()
    await converse(slot, sounds(1, 2))
    await slot.whisper("the quick brown fox says good morning")
    await converse(slot, sounds(2, 2))
    await slot.whisper("good morning")
    await slot.aclose()
    await slot.whisper("good morning")
    assert same(plain, await converse(await model.open_slot(), sounds(1, 20)))
