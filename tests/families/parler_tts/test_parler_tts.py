"""Parler-TTS: described voices, moods and paces, piece by piece, several at once, and what fails."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parley.adapters.parler_tts import load
from parley.adapters.parler_tts_network import ParlerNetwork
from parley.adapters.stepped_voice import SteppedVoice
from parley.emotions import EMOTIONS
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec, SpeakingStyle
from tests.families.parler_tts import tiny
from tests.families.speaking import (
    files_of,
    gives_everything_back,
    is_found_by_its_family,
    is_refused,
    is_too_large,
    said,
    said_in_turns,
    sound,
    stops_with_its_listener,
)

ENGLISH = "Good morning to all of us!"
FRAME = 512
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture
def own(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may spoil."""
    return Path(shutil.copytree(checkpoint, tmp_path / "own"))


def spec_of(folder: Path, **options: Any) -> ModelSpec:
    return ModelSpec("tiny", "parler-tts", files_of(folder), {"device": "cpu", **options}, "tts", ("te", "en"))


@pytest.fixture(scope="module")
def voice(checkpoint: Path) -> Iterator[SteppedVoice]:
    """One for all that leave it as it is."""
    made = asyncio.run(load(spec_of(checkpoint, temperature=0)))
    yield made
    asyncio.run(made.aclose())


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> ParlerNetwork:
    return ParlerNetwork(spec_of(checkpoint))


def frames_of(network: ParlerNetwork, text: str = ENGLISH, style: SpeakingStyle | None = None) -> list[list[int]]:
    read = network._read(text)
    assert read is not None
    return [frame.tolist() for frame in network._frames(read, network._description(style or SpeakingStyle()))]


async def test_a_text_is_said_piece_by_piece(voice: SteppedVoice) -> None:
    assert (voice.rate_hz, voice.voices, voice.languages) == (44100, ("woman", "man"), ("te", "en"))
    assert (voice.times_words, voice.fixed_speed, set(voice.emotions)) == (False, False, set(EMOTIONS))
    chunks = await said(voice, ENGLISH)
    assert len(chunks) > 1, "it is heard before the sentence is made"
    assert np.abs(sound(chunks)).max() > 1000


@pytest.mark.parametrize(("own_codec", "reads_beside"), [(False, False), (True, False), (False, True)])
def test_with_the_same_draws_it_says_what_the_package_says(tmp_path: Path, own_codec: bool, reads_beside: bool) -> None:
    """The pieces together, sample for sample; the package pads the last codes of a text that finds no end."""
    if own_codec:
        tiny.shrink_own_codec()
    tiny.write(tmp_path / "tiny", own_codec=own_codec, reads_beside=reads_beside)
    network = ParlerNetwork(spec_of(tmp_path / "tiny"))
    words = list(re.finditer(r"\S+", ENGLISH))
    torch.manual_seed(3)
    pieces = [made.sound for made in network.say(words, SpeakingStyle(), "")]
    assert sum(bool(len(piece)) for piece in pieces) > 1
    ours = np.concatenate(pieces)
    torch.manual_seed(3)
    theirs = network._model.generate(
        input_ids=torch.tensor([network._reader.encode(network._description(SpeakingStyle())).ids]),
        prompt_input_ids=network._read(ENGLISH),
    )
    heard = theirs.flatten().numpy()
    assert len(heard) == len(ours)
    assert np.abs(heard).max() > 1e-3
    padded = (tiny.BOOKS + 11) * FRAME
    assert np.allclose(ours[:-padded], heard[:-padded], atol=1e-5 * float(np.abs(heard).max()))


def test_the_description_tells_who_speaks_in_which_mood_and_how_fast(network: ParlerNetwork) -> None:
    def told(**style: Any) -> str:
        return network._description(SpeakingStyle(**style)).partition(".")[0]

    assert told() == "A woman speaks at a moderate pace"
    assert told(voice="man", speed=0.7) == "A man speaks at a slow pace"
    assert told(emotion="happy", speed=1.3) == "A woman speaks in a happy tone at a fast pace"
    assert told(emotion="angry", intensity=1.0) == "A woman speaks in a very angry tone at a moderate pace"
    assert (
        told(emotion="sad", intensity=0.1, voice="nobody") == "A woman speaks in a slightly sad tone at a moderate pace"
    )


def test_what_is_described_and_what_is_said_changes_what_is_likely(network: ParlerNetwork) -> None:
    texts = [
        network._described(network._description(SpeakingStyle(emotion=mood))) for mood in ("happy", "sad", "happy")
    ]
    assert torch.equal(texts[0], texts[2])
    assert not torch.equal(texts[0], texts[1])
    torch.manual_seed(1)
    usual = frames_of(network)
    for other in ({"text": "How are you?"}, {"style": SpeakingStyle(voice="man")}):
        torch.manual_seed(1)
        assert frames_of(network, **other) != usual


def test_own_speakers_and_another_description(checkpoint: Path) -> None:
    network = ParlerNetwork(
        spec_of(
            checkpoint, speakers="lalitha, old = An old man", description="{voice} is heard {manner}!", language="te"
        )
    )
    assert (network.voices, network.languages) == (("lalitha", "old"), ("te",))
    assert network._description(SpeakingStyle(emotion="calm")) == "Lalitha is heard in a calm tone at a moderate pace!"
    assert network._description(SpeakingStyle(voice="old")).startswith("An old man is heard ")


async def test_texts_of_several_at_once_are_said_as_each_is_alone(voice: SteppedVoice) -> None:
    texts = {"woman": ENGLISH, "man": "The quick brown fox."}
    alone = {name: sound(await said(voice, text, voice=name)) for name, text in texts.items()}
    together = await said_in_turns(voice, texts)
    assert all(np.array_equal(sound(together[name]), alone[name]) for name in texts)


async def test_who_stops_listening_stops_it(voice: SteppedVoice) -> None:
    await stops_with_its_listener(voice, ENGLISH)


async def test_of_letters_that_it_does_not_know_nothing_is_said(voice: SteppedVoice) -> None:
    with pytest.raises(ModelError, match="can say nothing of this text"):
        await said(voice, "你好，大家。")


async def test_one_that_was_unloaded_has_given_everything_back(checkpoint: Path) -> None:
    await gives_everything_back(await load(spec_of(checkpoint)), lambda network: network._model)


def _other_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["decoder"]["num_hidden_layers"] = 3
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda f: (f / "tokenizer.json").unlink(), {}, "the file tokenizer.json is missing; it has config.json"),
        (lambda f: (f / "model.safetensors").write_bytes(b"no weights"), {}, "tiny could not be loaded: "),
        (lambda f: (f / "config.json").write_text("{"), {}, "tiny could not be loaded: "),
        (_other_config, {}, "its files have no weights called decoder.model.decoder.layers.2."),
        (lambda _: None, {"voice": "eve"}, "no voice is called 'eve'; there are woman, man"),
        (lambda _: None, {"speakers": "eve, =Eve"}, "options: speakers"),
        (lambda _: None, {"description": "a woman"}, "options: description"),
        (lambda _: None, {"warmth": 3}, "options: warmth"),
        (lambda _: None, {"device": "cuda"}, "option 'device': cuda is not there"),
    ],
)
async def test_what_will_not_do_is_named(
    own: Path, spoil: Callable[[Path], object], options: dict[str, Any], words: str
) -> None:
    spoil(own)
    await is_refused(load, spec_of(own, **options), words)


def test_the_codec_stays_exact_where_the_rest_is_not(checkpoint: Path, network: ParlerNetwork) -> None:
    half = ParlerNetwork(spec_of(checkpoint, dtype="bfloat16"))
    assert next(half._model.decoder.parameters()).dtype is torch.bfloat16
    for ours, exact in zip(
        half._model.audio_encoder.parameters(), network._model.audio_encoder.parameters(), strict=True
    ):
        assert torch.equal(ours, exact)
    assert frames_of(half)


async def test_files_of_two_folders_are_no_checkpoint(own: Path, tmp_path: Path) -> None:
    away = shutil.copy(own / "tokenizer.json", tmp_path / "tokenizer.json")
    spec = spec_of(own)
    moved = ModelSpec("tiny", "parler-tts", {**spec.files, "tokenizer.json": Path(away)}, spec.options)
    await is_refused(load, moved, "must be in one folder with the other files")


async def test_too_little_memory_is_told_with_numbers(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await is_too_large(load, spec_of(checkpoint), monkeypatch)


async def test_it_is_found_by_its_family(checkpoint: Path) -> None:
    await is_found_by_its_family(spec_of(checkpoint))
