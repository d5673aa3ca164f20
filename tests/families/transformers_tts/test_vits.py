"""VITS checkpoints as MMS-TTS has them: letters, times, speed, several at once, and an end of all."""

from __future__ import annotations

import asyncio
import gc
import re
import weakref
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import VitsModel, VitsTokenizer

from parley.adapters.stepped_voice import Made
from parley.errors import ModelError
from parley.models.interfaces import Caller, SpeakingStyle
from tests.families.speaking import said, sound
from tests.families.transformers_tts import tiny
from tests.families.transformers_tts.conftest import TEXT, Loader


async def test_a_text_is_said_at_the_checkpoints_rate_with_every_word_in_its_place(
    telugu: Path, loaded: Loader
) -> None:
    voice = await loaded(telugu)
    assert (voice.rate_hz, voice.languages, voice.voices) == (16000, ("te",), ("tiny",))
    assert (voice.times_words, voice.fixed_speed, tuple(voice.emotions)) == (True, False, ("neutral",))
    chunks = await said(voice, TEXT)
    assert len(chunks) == 2  # a sentence each
    words = [word for chunk in chunks for word in chunk.words]
    assert [TEXT[w.text_start : w.text_end] for w in words] == TEXT.split()
    starts = [w.start_s for w in words]
    assert starts == sorted(starts)
    assert len(set(starts)) == 4
    assert all(w.end_s > w.start_s and not w.estimated for w in words)
    assert words[2].start_s >= len(chunks[0].samples) / 16000  # those of the second sentence, in the second
    assert words[-1].end_s <= len(sound(chunks)) / 16000
    assert np.abs(sound(chunks)).max() > 1000


async def test_words_last_as_long_as_the_models_own_durations_of_their_letters(telugu: Path, loaded: Loader) -> None:
    """The library's forward pass, asked for the same letters, makes as many samples as all durations together."""
    voice = await loaded(telugu, seed=5)
    network = voice._network
    word = "నరకల"
    chunks = await said(voice, f"{word} {word}")
    first, second = chunks[0].words
    ids = [0]
    for letter in f"{word} {word}":
        ids += [tiny.TELUGU.index(letter), 0]
    model = VitsModel.from_pretrained(telugu).eval()
    noted = []
    model.duration_predictor.register_forward_hook(lambda _, __, made: noted.append(made))
    torch.manual_seed(5)
    with torch.inference_mode():
        whole = model(input_ids=torch.tensor([ids]))
    frames = torch.ceil(torch.exp(noted[0])).flatten().tolist()
    assert sum(frames) * tiny.HOP == whole.waveform.shape[-1]
    length_s = sum(frames[1:8]) * tiny.HOP / 16000
    between_s = sum(frames[8:11]) * tiny.HOP / 16000
    assert first.end_s - first.start_s <= length_s + 1e-6  # its begin may have been silent
    assert second.start_s - first.end_s == pytest.approx(between_s)
    assert network.rate_hz == 16000


async def test_speed_is_the_models_speaking_rate(telugu: Path, loaded: Loader) -> None:
    voice = await loaded(telugu)
    slow, usual, fast = [len(sound(await said(voice, TEXT, speed=speed))) for speed in (0.5, 1.0, 2.0)]
    assert slow > 1.5 * usual
    assert fast < usual


async def test_the_letter_that_is_also_the_blank_is_read_like_any_other(telugu: Path, loaded: Loader) -> None:
    """The library's tokenizer leaves out the blanks beside it, which the network was not taught."""
    voice = await loaded(telugu)
    tokenizer = VitsTokenizer.from_pretrained(telugu)
    read = voice._network._letters.read  # type: ignore[attr-defined]
    others, with_blank = "నర కల", "నత"
    assert read(others.split())[0] == tokenizer(others).input_ids
    assert read([with_blank]) == ([0, tiny.TELUGU.index("న"), 0, 0, 0], [(1, 4)])


async def test_what_has_no_letters_of_the_script_is_left_out_and_a_whole_text_of_it_refused(
    telugu: Path, loaded: Loader
) -> None:
    voice = await loaded(telugu)
    chunks = await said(voice, "నమ (x) రక")
    words = [word for chunk in chunks for word in chunk.words]
    assert len(words) == 3
    assert words[1].start_s == words[1].end_s
    assert await said(voice, "... !") == []
    with pytest.raises(ModelError, match=r"the voice tiny can say nothing of this text: .* script of te") as refused:
        await said(voice, "Hello there.")
    assert not refused.value.retryable


async def test_several_texts_are_said_at_once_a_sentence_each_in_turn(telugu: Path, loaded: Loader) -> None:
    voice = await loaded(telugu)
    alone = sound(await said(voice, TEXT))
    order: list[str] = []

    async def say(owner: str) -> None:
        made = []
        async for chunk in voice.synthesize(TEXT, SpeakingStyle(), Caller(owner)):
            order.append(owner)
            made.append(chunk)
        assert np.array_equal(sound(made), alone)

    await asyncio.gather(say("ann"), say("bob"))
    assert order[:2] in (["ann", "bob"], ["bob", "ann"])
    assert len(order) == 4


async def test_who_stops_listening_stops_the_voice_and_others_go_on(telugu: Path, loaded: Loader) -> None:
    voice = await loaded(telugu)
    sentences: list[str] = []
    say = voice._network.say

    def noted(words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        sentences.append(words[0].group())
        return say(words, style, owner)

    voice._network.say = noted  # type: ignore[method-assign]
    async with aclosing(voice.synthesize("నమ. రక. లవ.", SpeakingStyle(), Caller("ann"))) as chunks:
        await anext(chunks)
    assert await said(voice, "వప.", "bob")
    assert sentences == ["నమ.", "వప."]


async def test_unloading_gives_the_memory_back_and_waits_for_what_is_under_way(telugu: Path, loaded: Loader) -> None:
    voice = await loaded(telugu)
    model = weakref.ref(voice._network._model)  # type: ignore[attr-defined]
    running = voice.synthesize(TEXT, SpeakingStyle(), Caller("ann"))
    await anext(running)
    await voice.aclose()
    gc.collect()
    assert model() is None
    await running.aclose()


async def test_a_checkpoint_with_several_speakers_has_a_voice_for_each(tmp_path: Path, loaded: Loader) -> None:
    tiny.write_vits(tmp_path, num_speakers=3, speaker_embedding_size=8)
    voice = await loaded(tmp_path, voice="speaker-2")
    assert voice.voices == ("speaker-2", "speaker-0", "speaker-1")
    usual, named, other = [sound(await said(voice, TEXT, voice=name)) for name in (None, "speaker-2", "speaker-1")]
    assert np.array_equal(usual, named)
    assert not np.array_equal(usual, other)
    with pytest.raises(ModelError, match="option 'voice': no speaker is called 'ann'; it has speaker-0, speaker-1"):
        await loaded(tmp_path, voice="ann")


async def test_letters_of_other_scripts_become_latin_ones_where_the_checkpoint_reads_those(
    tmp_path: Path, loaded: Loader
) -> None:
    tiny.write_vits(tmp_path, tiny.LATIN, says={"is_uroman": True, "language": "kor"})
    voice = await loaded(tmp_path)
    assert voice.languages == ("ko",)
    read = voice._network._letters.read  # type: ignore[attr-defined]
    assert read(["나무"])[0] == read(["namu"])[0]
    assert await said(voice, "나무.")


async def test_a_language_that_parley_has_no_code_for_keeps_its_own(tmp_path: Path, loaded: Loader) -> None:
    tiny.write_vits(tmp_path, says={"language": "abi-script_latin"})
    assert (await loaded(tmp_path)).languages == ("abi",)
    assert (await loaded(tmp_path, language="telugu")).languages == ("te",)
