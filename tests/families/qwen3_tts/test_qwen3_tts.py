"""Qwen3-TTS: voices of its own, cloned and described, frame by frame, in moods, several at once, and what fails."""

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

from parley.adapters import qwen3_tts_network
from parley.adapters.qwen3_tts import load
from parley.adapters.qwen3_tts_network import QwenNetwork
from parley.adapters.stepped_voice import SteppedVoice
from parley.emotions import EMOTIONS
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec, SpeakingStyle
from tests.families.qwen3_tts import tiny
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
FRAME = 1920
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture
def own(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may spoil."""
    return Path(shutil.copytree(checkpoint, tmp_path / "own"))


def spec_of(folder: Path, **options: Any) -> ModelSpec:
    return ModelSpec("tiny", "qwen3-tts", files_of(folder), {"device": "cpu", **options})


@pytest.fixture(scope="module")
def voice(checkpoint: Path) -> Iterator[SteppedVoice]:
    """One for all that leave it as it is."""
    made = asyncio.run(load(spec_of(checkpoint, temperature=0)))
    yield made
    asyncio.run(made.aclose())


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> QwenNetwork:
    return QwenNetwork(spec_of(checkpoint))


def frames_of(network: QwenNetwork, text: str = ENGLISH, **style: Any) -> list[list[int]]:
    torch.manual_seed(3)
    return [frame.tolist() for frame in network._frames(text, SpeakingStyle(**style))]


def package_says(network: QwenNetwork, text: str, style: SpeakingStyle) -> list[list[int]]:
    """What the package's own writing makes of what it has put together, with the same draws."""
    told = dict(network._told(text, style)) | {"max_new_tokens": len(text) * 3 + 25}
    torch.manual_seed(3)
    made = type(network._talker).generate(network._talker, **told)
    codes = torch.stack([hidden[-1] for hidden in made.hidden_states if hidden[-1] is not None], dim=1)[0]
    return [frame.tolist() for frame in codes if int(frame[0]) != told["eos_token_id"]]


async def test_a_text_is_said_piece_by_piece(voice: SteppedVoice) -> None:
    assert (voice.rate_hz, voice.voices, voice.languages) == (24000, ("eric", "vivian"), ("zh", "en", "de"))
    assert (voice.times_words, voice.fixed_speed, set(voice.emotions)) == (False, True, set(EMOTIONS))
    chunks = await said(voice, ENGLISH)
    assert len(chunks) > 1, "it is heard before the sentence is made"
    assert np.abs(sound(chunks)).max() > 1000


@pytest.mark.parametrize("style", [{}, {"voice": "vivian", "language": "en"}, {"emotion": "happy", "intensity": 0.9}])
def test_with_the_same_draws_it_writes_what_the_package_writes(network: QwenNetwork, style: dict[str, Any]) -> None:
    ours = frames_of(network, **style)
    assert len(ours) > 5
    assert ours[: len(package_says(network, ENGLISH, SpeakingStyle(**style)))] == package_says(
        network, ENGLISH, SpeakingStyle(**style)
    )


def test_voice_language_and_mood_change_what_the_talker_reads(network: QwenNetwork) -> None:
    def read(**style: Any) -> torch.Tensor:
        told: torch.Tensor = network._told(ENGLISH, SpeakingStyle(**style))["inputs_embeds"]
        return told

    usual = read(voice="vivian", language="en")
    assert torch.equal(usual, read(voice="vivian", language="en-GB"))
    assert not torch.equal(usual, read(voice="eric", language="en"))
    assert not torch.equal(usual, read(voice="vivian", language="de"))
    assert read(voice="vivian").shape[1] == usual.shape[1] - 1, "no language is named to it"
    happy, very = (read(voice="vivian", language="en", emotion="happy", intensity=much) for much in (0.5, 1.0))
    assert torch.equal(happy[:, -usual.shape[1] :], usual)
    assert very.shape[1] > happy.shape[1] > usual.shape[1]


def test_a_small_model_takes_no_wishes(tmp_path: Path) -> None:
    tiny.write(tmp_path / "small", "custom_voice", size="0b6")
    assert QwenNetwork(spec_of(tmp_path / "small")).emotions == ("neutral",)


def test_pieces_are_the_whole_where_the_decoder_hears_all_before(network: QwenNetwork) -> None:
    words = list(re.finditer(r"\S+", ENGLISH))
    torch.manual_seed(3)
    pieces = [made.sound for made in network.say(words, SpeakingStyle(), "")]
    sizes = [len(piece) // FRAME for piece in pieces if len(piece)]
    assert sizes[:3] == [4, 8, 16]
    frames = torch.tensor(frames_of(network)).T[None]
    whole = network._codec.decoder(frames).flatten().numpy()
    together = np.concatenate(pieces)
    assert len(together) == len(whole)
    heard_all = 25 * FRAME
    assert np.allclose(together[:heard_all], whole[:heard_all], atol=1e-4)


async def test_it_ends_where_the_network_says_so(voice: SteppedVoice, monkeypatch: pytest.MonkeyPatch) -> None:
    count = iter(range(1000))

    def drawn(_: torch.Tensor, *, likeliest: bool) -> torch.Tensor:
        return torch.tensor([tiny.END if next(count) == 10 else 7])

    monkeypatch.setattr(qwen3_tts_network, "draw", drawn)
    assert len(sound(await said(voice, ENGLISH))) == pytest.approx(10 * FRAME, abs=FRAME)


@pytest.mark.parametrize(("words", "more"), [("", 0), ("How are you?", 1)])
async def test_a_base_model_speaks_as_a_recording_does(cloning: Path, words: str, more: int) -> None:
    voice = await load(spec_of(cloning, words=words, temperature=0))
    assert (voice.voices, set(voice.emotions)) == (("tiny",), {"neutral"})
    assert sound(await said(voice, ENGLISH)).any()
    network: Any = voice._network
    read = network._told(ENGLISH, SpeakingStyle())["inputs_embeds"].shape[1]
    assert len(network._before) == 25 * more, "and the decoder hears them before the first sound"
    await voice.aclose()
    assert (read > 3 * 12) == bool(more), "the recording's codes stand before the text where its words are known"


async def test_a_model_that_designs_voices_is_told_who_speaks(designing: Path) -> None:
    await is_refused(load, spec_of(designing), "option 'description': this model is told in words who speaks")
    network = QwenNetwork(spec_of(designing, description="An old man."))
    assert (network.voices, set(network.emotions)) == (("tiny",), set(EMOTIONS))
    other = QwenNetwork(spec_of(designing, description="A young woman."))
    assert frames_of(network)
    assert not torch.equal(*(one._told(ENGLISH, SpeakingStyle())["inputs_embeds"][:, :8] for one in (network, other)))


async def test_texts_of_several_at_once_are_said_as_each_is_alone(voice: SteppedVoice) -> None:
    texts = {"vivian": ENGLISH, "eric": "The quick brown fox."}
    alone = {name: sound(await said(voice, text, voice=name)) for name, text in texts.items()}
    together = await said_in_turns(voice, texts)
    assert all(np.array_equal(sound(together[name]), alone[name]) for name in texts)


async def test_who_stops_listening_stops_it(voice: SteppedVoice) -> None:
    await stops_with_its_listener(voice, ENGLISH)


async def test_of_letters_that_it_does_not_know_and_of_marks_alone_nothing_is_said(voice: SteppedVoice) -> None:
    with pytest.raises(ModelError, match="can say nothing of this text"):
        await said(voice, "నమస్కారం అందరికీ")
    assert await said(voice, "!") == []
    assert sound(await said(voice, "你好，大家。")).any()


def test_letters_that_are_syllables_take_longer(network: QwenNetwork) -> None:
    lengths = []
    for text in ("a" * 10, "好" * 10):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(qwen3_tts_network, "draw", lambda _, likeliest: torch.tensor([7]))
            lengths.append(len(frames_of(network, text)))
    assert lengths == [10 * 3 + 25, 60], "the second up to what generation_config.json has"


def test_the_codec_stays_exact_where_the_talker_is_not(checkpoint: Path, network: QwenNetwork) -> None:
    half = QwenNetwork(spec_of(checkpoint, dtype="bfloat16"))
    assert next(half._talker.parameters()).dtype is torch.bfloat16
    for ours, exact in zip(half._codec.parameters(), network._codec.parameters(), strict=True):
        assert torch.equal(ours, exact)
    assert frames_of(half)


async def test_one_that_was_unloaded_has_given_everything_back(checkpoint: Path) -> None:
    await gives_everything_back(await load(spec_of(checkpoint)), lambda network: network._talker)


def _other_codec(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["tokenizer_type"] = "qwen3_tts_tokenizer_25hz"
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda f: (f / "merges.txt").unlink(), {}, "the file merges.txt is missing; it has "),
        (
            lambda f: (f / "speech_tokenizer_config.json").unlink(),
            {},
            "the file speech_tokenizer_config.json is missing",
        ),
        (lambda f: (f / "model.safetensors").write_bytes(b"no weights"), {}, "tiny could not be loaded: "),
        (_other_codec, {}, "tokenizer_type: qwen3_tts_tokenizer_25hz is not known here"),
        (lambda _: None, {"voice": "eve"}, "no voice is called 'eve'; there are eric, vivian"),
        (lambda _: None, {"language": "te"}, "option 'language': it speaks zh, en, de, not 'te'"),
        (lambda _: None, {"warmth": 3}, "options: warmth"),
        (lambda _: None, {"device": "cuda"}, "option 'device': cuda is not there"),
    ],
)
async def test_what_will_not_do_is_named(
    own: Path, spoil: Callable[[Path], object], options: dict[str, Any], words: str
) -> None:
    spoil(own)
    await is_refused(load, spec_of(own, **options), words)


async def test_without_a_recording_a_base_model_has_no_voice(cloning: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(cloning, tmp_path / "own"))
    (own / "seed.wav").unlink()
    await is_refused(load, spec_of(own), "there is no voice: it has no seed.wav")


async def test_too_little_memory_is_told_with_numbers(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await is_too_large(load, spec_of(checkpoint), monkeypatch)


async def test_it_is_found_by_its_family(checkpoint: Path) -> None:
    await is_found_by_its_family(spec_of(checkpoint))
