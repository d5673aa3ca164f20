"""CosyVoice 3: what it reads, and pieces of sound that are parts of the whole."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parley.adapters.cosyvoice import load
from parley.adapters.cosyvoice3_flow import AHEAD, BLOCK_CODES
from parley.adapters.cosyvoice_network import CosyVoiceNetwork
from parley.adapters.stepped_voice import SteppedVoice
from parley.audio import files
from parley.emotions import EMOTIONS
from parley.errors import ModelError
from parley.models.fakes import tone
from tests.families.chatterbox import tiny_cosyvoice
from tests.families.chatterbox.tiny_cosyvoice import spec_of
from tests.families.speaking import (
    gives_everything_back,
    is_refused,
    is_too_large,
    said,
    sound,
    stops_with_its_listener,
)

ENGLISH = "Good morning!"
CODE = 24000 // 25
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def third(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made behind another one, for the package warns of others when it is imported."""
    folder = tmp_path_factory.mktemp("cosyvoice3") / "tiny"
    tiny_cosyvoice.write(folder, 3)
    files.write(folder / "seed.wav", tone(2.0, 16000), 16000)
    return folder


@pytest.fixture(scope="module")
def voice(third: Path) -> Iterator[SteppedVoice]:
    made = asyncio.run(load(spec_of(third, temperature=0)))
    yield made
    asyncio.run(made.aclose())


@pytest.fixture(scope="module")
def network(third: Path) -> CosyVoiceNetwork:
    return CosyVoiceNetwork(spec_of(third, temperature=0, words="How are you today?"))


async def test_a_text_is_said_piece_by_piece(voice: SteppedVoice) -> None:
    assert (voice.rate_hz, voice.voices, voice.fixed_speed) == (24000, ("tiny",), False)
    assert voice.languages == ("zh", "en", "ja", "ko", "de", "es", "fr", "it", "ru")
    assert set(voice.emotions) == set(EMOTIONS)
    chunks = await said(voice, f"{ENGLISH} {ENGLISH}")
    assert len(chunks) > 1, "it is heard before the sentence is made"
    assert np.abs(sound(chunks)).max() > 1000
    assert sound(await said(voice, "Привет!", speed=1.5)).any()
    with pytest.raises(ModelError, match="can say nothing of this text"):
        await said(voice, "నమస్కారం అందరికీ")


@pytest.mark.parametrize("count", [60, 77])
def test_pieces_are_parts_of_what_is_made_in_one_go(network: CosyVoiceNetwork, count: int) -> None:
    decoder, speaker = network._decoder, network._speaker
    codes = [(17 * n) % 6561 for n in range(count)]
    whole = decoder.piece(speaker, codes, decoder.begin(), last=True)
    assert len(whole) == count * CODE
    first, later, _ = decoder.sizes(speaker)
    tail, ends = decoder.begin(), [end for end in (first, first + later, count) if end <= count]
    parts = [decoder.piece(speaker, codes[:end], tail, last=end == count) for end in ends]
    assert len(parts) > 1
    assert all(len(part) for part in parts)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)


def test_a_first_piece_makes_the_block_whole_that_the_recording_began(network: CosyVoiceNetwork) -> None:
    before = network._speaker["prompt_token"].shape[1]
    first, *later = network._decoder.sizes(network._speaker)
    assert (before + first - AHEAD) % BLOCK_CODES == 0
    assert all(size % BLOCK_CODES == 0 for size in later)


@pytest.mark.parametrize(("over", "speed"), [(0, 1.0), (15, 1.0), (18, 2.0), (22, 1.0), (24, 4.0)])
def test_a_recording_of_any_length_will_do(network: CosyVoiceNetwork, over: int, speed: float) -> None:
    decoder, count = network._decoder, 25 + over
    speaker = network._speaker | {
        "prompt_token": torch.arange(count)[None], "prompt_feat": torch.zeros(1, 2 * count, 80),
    }  # fmt: skip
    first = decoder.sizes(speaker)[0]
    assert first >= 13
    tail, codes = decoder.begin(), list(range(first + 2))
    parts = [
        decoder.piece(speaker, codes[:end], tail, last=end == len(codes), speed=speed) for end in (first, len(codes))
    ]
    assert speed > 1 or len(parts[0]), "the first piece is heard"
    assert sum(map(len, parts)) == pytest.approx(len(codes) * CODE / speed, abs=CODE)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_it_takes_the_time_that_is_asked_for(network: CosyVoiceNetwork, speed: float) -> None:
    codes, tail = list(range(60)), network._decoder.begin()
    lengths = [
        len(network._decoder.piece(network._speaker, codes[:end], tail, last=end == 60, speed=speed))
        for end in (28, 60)
    ]
    assert sum(lengths) == pytest.approx(60 * CODE / speed, abs=CODE)


def test_every_text_stands_behind_the_opening_and_a_wish_follows_it(network: CosyVoiceNetwork) -> None:
    text = network._tokens(ENGLISH)
    opening, end = network._tokens("You are a helpful assistant."), network._end_of_prompt
    words, recording = network._tokens("How are you today?"), network._speaker["prompt_token"]
    table, own = network._writer["model"].embed_tokens.weight, network._writer["speech_embedding"].weight
    plain = network._embedded(text, "neutral")[0]
    assert torch.equal(plain[0], own[6561])
    assert torch.equal(plain[1 : -recording.shape[1] - 1], table[[*opening, end, *words, *text]])
    assert torch.equal(plain[-recording.shape[1] - 1], own[6563])
    assert torch.equal(plain[-recording.shape[1] :], own[recording[0]])
    happy = network._embedded(text, "happy")[0]
    wish = network._tokens("You are a helpful assistant. 请非常开心地说一句话。")
    assert torch.equal(happy[1:-1], table[[*wish, end, *text]])


def test_any_mark_behind_the_codes_ends_a_text(network: CosyVoiceNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    text = network._tokens(ENGLISH)
    for mark in (6561, 6760):
        choose = lambda _, scores, mark=mark: scores.scatter(1, torch.tensor([[mark]]), 1e6).argmax(-1)  # noqa: E731
        monkeypatch.setattr(network, "_choice", lambda choose=choose: choose)
        assert len(list(network._written(text, "neutral"))) in (0, 2 * len(text))


async def test_who_stops_listening_stops_it(voice: SteppedVoice) -> None:
    await stops_with_its_listener(voice, f"{ENGLISH} {ENGLISH}", emotion="happy")


async def test_one_that_was_unloaded_has_given_everything_back(third: Path) -> None:
    await gives_everything_back(await load(spec_of(third)), lambda network: network._writer)


def _other_flow(folder: Path) -> None:
    weights = torch.load(folder / "flow.pt")
    weights.pop("decoder.estimator.proj_out.weight")
    torch.save(weights, folder / "flow.pt")


def _no_flow(folder: Path) -> None:
    torch.save({"x": torch.zeros(1)}, folder / "flow.pt")


def _other_vocoder(folder: Path) -> None:
    weights = torch.load(folder / "hift.pt")
    weights["generator.conv_post.bias"] = torch.zeros(3)
    torch.save(weights, folder / "hift.pt")


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda f: (f / "hift.pt").unlink(), {}, "the file hift.pt is missing"),
        (_other_flow, {}, 'Missing key(s) in state_dict: "decoder.estimator.proj_out.weight"'),
        (_no_flow, {}, "tiny could not be loaded: KeyError: 'decoder.estimator.input_embed.proj.weight'"),
        (_other_vocoder, {}, "size mismatch for conv_post.bias"),
        (lambda f: (f / "seed.wav").unlink(), {}, "there is no voice: it has no seed.wav"),
        (lambda _: None, {"language": "te"}, "option 'language': it speaks zh, en, ja, ko, de, es, fr, it, ru, not"),
    ],
)
async def test_what_will_not_do_is_named(
    third: Path, tmp_path: Path, spoil: Callable[[Path], object], options: dict[str, Any], words: str
) -> None:
    own = Path(shutil.copytree(third, tmp_path / "own"))
    spoil(own)
    await is_refused(load, spec_of(own, **options), words)


async def test_too_little_memory_is_told_with_numbers(third: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await is_too_large(load, spec_of(third), monkeypatch)
