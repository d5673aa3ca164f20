"""Chatterbox: a recording's voice, piece by piece and marked, as lively as asked, several at once, and what fails."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parley.adapters.chatterbox import BUILT_IN, ChatterboxNetwork, load
from parley.adapters.cosyvoice_decoder import Tail
from parley.adapters.stepped_voice import SteppedVoice
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec
from tests.families.chatterbox import tiny
from tests.families.speaking import (
    files_of,
    gives_everything_back,
    is_found_by_its_family,
    is_refused,
    is_too_large,
    said,
    sound,
    stops_with_its_listener,
)

Loader = Callable[..., Awaitable[SteppedVoice]]
ENGLISH = "Good morning to all of us!"
CODE = 24000 // 25
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture
def own(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may spoil."""
    return Path(shutil.copytree(checkpoint, tmp_path / "own"))


def spec_of(folder: Path, **options: Any) -> ModelSpec:
    return ModelSpec("tiny", "chatterbox", files_of(folder), {"device": "cpu", "temperature": 0, "steps": 2, **options})


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


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> ChatterboxNetwork:
    return ChatterboxNetwork(spec_of(checkpoint))


def codes_of(
    network: ChatterboxNetwork, liveliness: float = 0.5, text: str = ENGLISH, voice: str = "tiny"
) -> list[int]:
    read = network._read(text)
    assert read is not None
    return list(network._written(network._speakers[voice], read, liveliness))


async def test_a_text_is_said_piece_by_piece_and_marked(voice: SteppedVoice) -> None:
    assert (voice.rate_hz, voice.voices, voice.languages) == (24000, ("tiny",), ("en",))
    assert (voice.times_words, voice.fixed_speed) == (False, False)
    chunks = await said(voice, ENGLISH)
    assert len(chunks) > 1, "it is heard before the sentence is made"
    heard = sound(chunks)
    assert np.abs(heard).max() > 1000
    marks = voice._network._model.watermarker  # type: ignore[attr-defined]
    assert marks.get_watermark(heard.astype(np.float32) / 32768, sample_rate=24000) == 1.0


def test_the_codes_are_those_that_the_package_writes(checkpoint: Path) -> None:
    from chatterbox.models.t3.modules.cond_enc import T3Cond

    network = ChatterboxNetwork(spec_of(checkpoint, temperature=0.8, guidance=0.5))
    speaker, text = network._speakers["tiny"].t3, network._read(ENGLISH)
    assert text is not None
    torch.manual_seed(3)
    ours = codes_of(network, 0.7)
    manner = T3Cond(
        speaker_emb=speaker.speaker_emb, cond_prompt_speech_tokens=speaker.cond_prompt_speech_tokens,
        emotion_adv=0.7 * torch.ones(1, 1, 1),
    )  # fmt: skip
    torch.manual_seed(3)
    theirs = network._model.t3.inference(
        t3_cond=manner, text_tokens=text.clone(), max_new_tokens=tiny.MOST_CODES, temperature=0.8, cfg_weight=0.5,
        repetition_penalty=1.2, min_p=0.05, top_p=1.0,
    )  # fmt: skip
    assert ours == theirs[0].tolist()
    assert len(ours) == tiny.MOST_CODES


def test_how_lively_it_is_and_what_it_says_changes_what_is_likely(
    network: ChatterboxNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[torch.Tensor] = []

    def choice(_: Any) -> Callable[..., torch.Tensor]:
        def likeliest(_: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            scored.append(scores)
            return scores.argmax(-1)

        return likeliest

    monkeypatch.setattr(ChatterboxNetwork, "_choice", choice)
    for given in ({}, {}, {"liveliness": 1.0}, {"text": "How are you today?"}):
        codes_of(network, **given)
    usual, again, lively, other = scored[:: tiny.MOST_CODES]
    assert torch.equal(usual, again)
    assert not torch.allclose(usual, lively)
    assert not torch.allclose(usual, other)


def test_pieces_follow_on_one_another(network: ChatterboxNetwork) -> None:
    codes, tail = [code for code in codes_of(network) if code < 6561], Tail()
    speaker = network._speakers["tiny"].gen
    first = network._decoder.piece(speaker, codes[:30], tail, last=False)
    kept = tail.sound
    assert kept is not None
    assert len(first) == (30 - 3) * CODE - len(kept)
    second = network._decoder.piece(speaker, codes[:50], tail, last=True)
    assert len(first) + len(second) == 50 * CODE
    assert abs(float(second[0] - kept[0])) < 1e-6, "it begins as what was kept back began"
    assert np.abs(first[: CODE // 4]).max() < 1e-6, "nothing of the recording spills over"


async def test_it_ends_where_the_network_says_so(voice: SteppedVoice, monkeypatch: Any) -> None:
    stop = voice._network._model.t3.hp.stop_speech_token  # type: ignore[attr-defined]

    def choice(_: Any) -> Callable[..., torch.Tensor]:
        return lambda codes, _: torch.tensor([stop if codes.shape[1] > 30 else 7 + codes.shape[1]])

    monkeypatch.setattr(ChatterboxNetwork, "_choice", choice)
    assert len(sound(await said(voice, ENGLISH))) == pytest.approx(30 * CODE, abs=2 * CODE)


async def test_the_built_in_voice_and_the_recording_are_two(own: Path, loaded: Loader, network: Any) -> None:
    network._speakers["tiny"].save(own / "conds.pt")
    voice = await loaded(own, voice=BUILT_IN)
    assert list(voice.voices) == [BUILT_IN, "tiny"]
    assert len(await said(voice, ENGLISH, voice="tiny")) > 1


async def test_two_texts_at_once_are_written_as_each_is_alone(network: ChatterboxNetwork) -> None:
    texts = (ENGLISH, "How are you today?")
    alone = [codes_of(network, text=text) for text in texts]
    speaker = network._speakers["tiny"]
    both = [network._written(speaker, network._read(text), 0.5) for text in texts]
    together = list(zip(*both, strict=False))
    assert [list(codes) for codes in zip(*together, strict=True)] == alone


async def test_who_stops_listening_stops_it(voice: SteppedVoice) -> None:
    await stops_with_its_listener(voice, ENGLISH)


async def test_of_letters_that_it_does_not_know_nothing_is_said(voice: SteppedVoice) -> None:
    with pytest.raises(ModelError, match="can say nothing of this text"):
        await said(voice, "నమస్కారం అందరికీ")


async def test_one_that_was_unloaded_has_given_everything_back(checkpoint: Path) -> None:
    await gives_everything_back(await load(spec_of(checkpoint)), lambda network: network._model.t3)


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda f: (f / "s3gen.safetensors").unlink(), {}, "the file s3gen.safetensors is missing; it has seed.wav"),
        (lambda f: (f / "tokenizer.json").unlink(), {}, "the file tokenizer.json is missing"),
        (lambda f: (f / "t3_cfg.safetensors").write_bytes(b"no weights"), {}, "tiny could not be loaded: "),
        (lambda f: (f / "seed.wav").unlink(), {}, "there is no voice: it has no conds.pt. A voice of your own"),
        (lambda f: (f / "seed.wav").write_bytes(b"no sound"), {}, "seed.wav: not readable as audio"),
        (lambda _: None, {"voice": "eve"}, "no voice is called 'eve'; there are tiny"),
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
    await is_found_by_its_family(spec_of(checkpoint))
