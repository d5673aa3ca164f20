"""XTTS: voices of its files and of a recording, piece by piece, several at once, and what will not do."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parley.adapters.saying import sentences
from parley.adapters.stepped_voice import SteppedVoice
from parley.adapters.xtts import XttsNetwork, load
from parley.audio import files
from parley.errors import ModelError
from parley.models import plugins
from parley.models.fakes import tone
from parley.models.interfaces import Caller, ModelSpec, SpeakingStyle
from tests.families.speaking import (
    files_of,
    gives_everything_back,
    is_refused,
    is_too_large,
    said,
    said_in_turns,
    sound,
)
from tests.families.xtts import tiny

Loader = Callable[..., Awaitable[SteppedVoice]]
ENGLISH = "Good morning to all of us!"
OTHER = "How are you?"


@pytest.fixture
def own(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may spoil."""
    return Path(shutil.copytree(checkpoint, tmp_path / "own"))


def spec_of(folder: Path, **options: Any) -> ModelSpec:
    return ModelSpec("tiny", "xtts", files_of(folder), {"device": "cpu", "temperature": 0, **options})


@pytest.fixture(scope="module")
def voice(checkpoint: Path) -> Iterator[SteppedVoice]:
    """One for all that leave it as it is."""
    made = asyncio.run(load(spec_of(checkpoint)))
    yield made
    asyncio.run(made.aclose())


@pytest.fixture
async def loaded() -> AsyncIterator[Loader]:
    async with AsyncExitStack() as stack:

        async def made(folder: Path, **options: Any) -> SteppedVoice:
            voice = await load(spec_of(folder, **options))
            stack.push_async_callback(voice.aclose)
            return voice

        yield made


async def test_a_text_is_said_piece_by_piece_in_any_voice_of_its_files(voice: SteppedVoice) -> None:
    assert (voice.rate_hz, voice.voices) == (24000, ("Ann Lee", "Bob Day"))
    assert list(voice.languages) == ["en", "de"], "Japanese wants a package that is not here"
    assert (voice.times_words, voice.fixed_speed) == (False, False)
    ann = await said(voice, ENGLISH)
    assert len(ann) > 1, "it is heard before the sentence is made"
    assert np.abs(sound(ann)).max() > 1000
    assert not np.array_equal(sound(await said(voice, ENGLISH, voice="Bob Day")), sound(ann))


def test_the_pieces_are_one_sound(checkpoint: Path) -> None:
    network = XttsNetwork(spec_of(checkpoint, voice="Bob Day"))
    (words,) = sentences(ENGLISH, network.longest_chars)
    style = SpeakingStyle(voice="Bob Day")
    pieces = [made.sound for made in network.say(words, style, "") if len(made.sound)]
    speaker = network._speakers["Bob Day"]
    tokens = network._tokens(ENGLISH, style)
    assert tokens is not None
    thoughts = torch.cat(list(network._thoughts(speaker, tokens)))[None]
    whole = network._model.hifigan_decoder(thoughts, g=speaker.sound).squeeze().numpy()
    joined = np.concatenate(pieces)
    assert len(pieces) > 1
    assert len(joined) == len(whole)
    assert np.abs(joined - whole).mean() < 0.01 * np.abs(whole).mean()


async def test_it_ends_where_the_network_says_so(own: Path, loaded: Loader) -> None:
    longest = sound(await said(await loaded(own), OTHER))
    tiny.make_brief(own)
    assert len(sound(await said(await loaded(own), OTHER))) < len(longest) / 20


async def test_another_speed_and_language_change_how_it_is_said(
    voice: SteppedVoice, checkpoint: Path, loaded: Loader
) -> None:
    german = await loaded(checkpoint, language="de")
    assert list(german.languages) == ["de", "en"]
    usual = sound(await said(voice, OTHER))
    assert len(sound(await said(voice, OTHER, speed=2.0))) == pytest.approx(len(usual) / 2, rel=0.1)
    assert not np.array_equal(sound(await said(voice, OTHER, language="de-AT")), usual)
    assert np.array_equal(sound(await said(voice, OTHER, language="te")), usual), "its first language, where it must"


async def test_a_recording_is_a_voice_called_as_the_model(own: Path, loaded: Loader) -> None:
    files.write(own / "seed.wav", tone(1.5, 16000), 16000)
    (own / "speakers_xtts.pth").unlink()
    voice = await loaded(own)
    assert list(voice.voices) == ["tiny"]
    other = sound(await said(voice, OTHER))
    files.write(own / "seed.wav", np.random.default_rng(1).normal(0, 3000, 24000).astype(np.int16), 16000)
    assert not np.array_equal(sound(await said(await loaded(own), OTHER)), other)


async def test_two_texts_at_once_are_what_each_is_alone(voice: SteppedVoice) -> None:
    texts = {"Ann Lee": ENGLISH, "Bob Day": OTHER}
    alone = {name: sound(await said(voice, text, voice=name)) for name, text in texts.items()}
    together = await said_in_turns(voice, texts)
    assert all(np.array_equal(sound(together[name]), alone[name]) for name in texts)


async def test_who_stops_listening_stops_it_and_the_next_text_is_said_as_ever(voice: SteppedVoice) -> None:
    before = sound(await said(voice, ENGLISH))
    async with aclosing(voice.synthesize(ENGLISH, SpeakingStyle(), Caller("ann"))) as chunks:
        await anext(chunks)
    assert np.array_equal(sound(await said(voice, ENGLISH)), before)


async def test_with_warmth_it_draws(checkpoint: Path, loaded: Loader) -> None:
    voice = await loaded(checkpoint, temperature=0.9)
    first, second = [sound(await said(voice, OTHER)) for _ in range(2)]
    assert not np.array_equal(first, second)


async def test_of_letters_that_it_does_not_know_nothing_is_said(voice: SteppedVoice) -> None:
    with pytest.raises(ModelError, match="can say nothing of this text"):
        await said(voice, "నమస్కారం అందరికీ")


async def test_one_that_was_unloaded_has_given_everything_back(checkpoint: Path) -> None:
    await gives_everything_back(await load(spec_of(checkpoint)), lambda network: network._model)


def without(name: str, folder: Path) -> None:
    """A configuration that lacks what the weights are of."""
    told = json.loads((folder / "config.json").read_text())
    told["model_args"]["gpt_layers"] += 1
    (folder / name).write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda f: (f / "model.pth").unlink(), {}, "the file model.pth is missing; it has config.json, speakers"),
        (lambda f: (f / "config.json").unlink(), {}, "the file config.json is missing"),
        (lambda f: (f / "model.pth").write_bytes(b"no weights"), {}, "tiny could not be loaded: "),
        (lambda f: without("config.json", f), {}, "tiny could not be loaded: "),
        (lambda f: (f / "speakers_xtts.pth").unlink(), {}, "there is no voice: it has no speakers_xtts.pth"),
        (lambda f: (f / "seed.wav").write_bytes(b"no sound"), {}, "seed.wav"),
        (lambda _: None, {"voice": "eve"}, "no voice is called 'eve'; there are Ann Lee, Bob Day"),
        (lambda _: None, {"language": "te"}, "option 'language': it speaks en, de, not 'te'"),
        (lambda _: None, {"warmth": 3}, "options: warmth"),
        (lambda _: None, {"device": "cuda"}, "option 'device': cuda is not there"),
    ],
)
async def test_what_will_not_do_is_named(
    own: Path, spoil: Callable[[Path], object], options: dict[str, Any], words: str
) -> None:
    spoil(own)
    await is_refused(load, spec_of(own, **options), words)


async def test_too_little_memory_is_told_with_numbers(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await is_too_large(load, spec_of(checkpoint), monkeypatch)


async def test_it_is_found_by_its_family(checkpoint: Path) -> None:
    voice = await plugins.load(spec_of(checkpoint))
    assert isinstance(voice, SteppedVoice)
    assert voice.rate_hz == tiny.RATE_HZ
    await voice.aclose()
