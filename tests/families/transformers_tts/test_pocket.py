"""Pocket TTS: voices by their files and by a recording, frame by frame, several at once, and what will not do."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from parley.adapters.pocket_tts import load
from parley.adapters.stepped_voice import SteppedVoice
from parley.audio import files
from parley.errors import ModelError
from parley.models.fakes import tone
from parley.models.interfaces import Caller, ModelSpec, SpeakingStyle
from tests.families.speaking import (
    files_of,
    gives_everything_back,
    is_found_by_its_family,
    is_refused,
    is_too_large,
    said,
    said_in_turns,
    sound,
)
from tests.families.transformers_tts import tiny_pocket
from tests.families.transformers_tts.conftest import ENGLISH

Loader = Callable[..., Awaitable[SteppedVoice]]
FRAME = tiny_pocket.RATE_HZ * 80 // 1000


@pytest.fixture(scope="session")
def pocket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pocket") / "tiny"
    tiny_pocket.write(folder)
    return folder


@pytest.fixture
def own(pocket: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may spoil."""
    return Path(shutil.copytree(pocket, tmp_path / "own"))


def spec_of(folder: Path, **options: Any) -> ModelSpec:
    return ModelSpec("tiny", "pocket-tts", files_of(folder), {"device": "cpu", "temperature": 0, **options})


@pytest.fixture
async def loaded() -> AsyncIterator[Loader]:
    async with AsyncExitStack() as stack:

        async def made(folder: Path, **options: Any) -> SteppedVoice:
            voice = await load(spec_of(folder, **options))
            stack.push_async_callback(voice.aclose)
            return voice

        yield made


async def test_a_text_is_said_frame_by_frame(pocket: Path, loaded: Loader) -> None:
    voice = await loaded(pocket)
    assert (voice.rate_hz, voice.languages, voice.voices) == (24000, ("en",), ("ann", "bob"))
    assert (voice.times_words, voice.fixed_speed) == (False, True)
    chunks = await said(voice, ENGLISH)
    assert len(chunks) > 3, "it is heard before the sentence is made"
    assert {len(chunk.samples) for chunk in chunks[1:]} == {FRAME}
    assert np.abs(sound(chunks)).max() > 1000


async def test_each_file_is_a_voice_and_the_first_one_may_be_chosen(pocket: Path, loaded: Loader) -> None:
    voice, other = await loaded(pocket), await loaded(pocket, voice="bob")
    assert list(other.voices) == ["bob", "ann"]
    ann, bob = [sound(await said(voice, ENGLISH, voice=name)) for name in ("ann", "bob")]
    assert not np.array_equal(ann[:FRAME], bob[:FRAME])
    assert np.array_equal(sound(await said(voice, ENGLISH)), ann)
    chosen = sound(await said(other, ENGLISH))
    assert len(chosen) == len(bob), "it is as loud as the voice that it was measured with"


async def test_a_recording_is_a_voice_called_as_the_model(own: Path, loaded: Loader) -> None:
    files.write(own / "seed.wav", tone(1.5, 16000), 16000)
    voice = await loaded(own, voice="tiny")
    assert list(voice.voices) == ["tiny", "ann", "bob"]
    cloned, ann = [sound(await said(voice, ENGLISH, voice=name)) for name in ("tiny", "ann")]
    assert not np.array_equal(cloned[:FRAME], ann[:FRAME])


async def test_two_texts_at_once_are_what_each_is_alone(pocket: Path, loaded: Loader) -> None:
    voice = await loaded(pocket)
    texts = {"ann": ENGLISH, "bob": "How are you today?"}
    alone = {name: sound(await said(voice, text, voice=name)) for name, text in texts.items()}
    together = await said_in_turns(voice, texts)
    assert all(np.array_equal(sound(together[name]), alone[name]) for name in texts)


async def test_who_stops_listening_stops_it_and_the_next_text_is_said_as_ever(pocket: Path, loaded: Loader) -> None:
    voice = await loaded(pocket)
    before = sound(await said(voice, ENGLISH))
    async with aclosing(voice.synthesize(ENGLISH, SpeakingStyle(), Caller("ann"))) as chunks:
        await anext(chunks)
    assert np.array_equal(sound(await said(voice, ENGLISH)), before)


async def test_of_letters_that_it_does_not_know_nothing_is_said(pocket: Path, loaded: Loader) -> None:
    voice = await loaded(pocket)
    with pytest.raises(ModelError, match="can say nothing of this text"):
        await said(voice, "నమస్కారం")


async def test_one_that_was_unloaded_has_given_everything_back(pocket: Path) -> None:
    voice = await load(spec_of(pocket))
    await said(voice, ENGLISH)
    await gives_everything_back(voice, lambda network: network._model)


def no_cloning(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["flow_lm.speaker_proj_weight"] = torch.zeros_like(weights["flow_lm.speaker_proj_weight"])
    save_file(weights, folder / "model.safetensors")
    files.write(folder / "seed.wav", tone(1.0, 16000), 16000)


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda f: (f / "model.safetensors").unlink(), {}, "the file model.safetensors is missing; it has ann"),
        (lambda f: (f / "tokenizer.json").unlink(), {}, "the file tokenizer.json or tokenizer.model is missing"),
        (lambda f: (f / "model.safetensors").write_bytes(b"no weights"), {}, "tiny could not be loaded: "),
        (lambda f: (f / "config.yaml").write_text("flow_lm: 1"), {}, "tiny could not be loaded: "),
        (lambda f: [(f / f"{n}.safetensors").unlink() for n in ("ann", "bob")], {}, "there is no voice. Further ones"),
        (no_cloning, {}, "seed.wav: these weights clone no voice"),
        (lambda f: (f / "config.yaml").unlink(), {"config": "latin"}, "the package has no 'latin'; it has dutch"),
        (lambda _: None, {"voice": "eve"}, "no voice is called 'eve'; there are ann, bob"),
        (lambda _: None, {"warmth": 3}, "options: warmth"),
        (lambda _: None, {"device": "cuda"}, "option 'device': cuda is not there"),
    ],
)  # fmt: skip
async def test_what_will_not_do_is_named(
    own: Path, spoil: Callable[[Path], object], options: dict[str, Any], words: str
) -> None:
    spoil(own)
    await is_refused(load, spec_of(own, **options), words)


async def test_too_little_memory_is_told_with_numbers(pocket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await is_too_large(load, spec_of(pocket), monkeypatch)


async def test_it_is_found_by_its_family(pocket: Path) -> None:
    await is_found_by_its_family(spec_of(pocket))
