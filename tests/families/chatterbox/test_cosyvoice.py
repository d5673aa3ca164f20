"""CosyVoice 2: a recording's voice, piece by piece, in moods and at speeds, several at once, and what fails."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parley.adapters.cosyvoice import load
from parley.adapters.cosyvoice_decoder import Tail
from parley.adapters.cosyvoice_network import CosyVoiceNetwork
from parley.adapters.drawing import choice_without_repetition
from parley.adapters.stepped_voice import SteppedVoice
from parley.audio import files
from parley.emotions import EMOTIONS
from parley.errors import ModelError
from parley.models import plugins
from parley.models.fakes import tone
from tests.families.chatterbox.tiny_cosyvoice import spec_of
from tests.families.speaking import (
    gives_everything_back,
    is_refused,
    is_too_large,
    said,
    sound,
    stops_with_its_listener,
)

Loader = Callable[..., Awaitable[SteppedVoice]]
ENGLISH = "Good morning!"
CODE = 24000 // 25
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture
def own(cosyvoice: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may spoil."""
    return Path(shutil.copytree(cosyvoice, tmp_path / "own"))


@pytest.fixture(scope="module")
def voice(cosyvoice: Path) -> Iterator[SteppedVoice]:
    """One for all that leave it as it is."""
    made = asyncio.run(load(spec_of(cosyvoice, temperature=0)))
    yield made
    asyncio.run(made.aclose())


@pytest.fixture(scope="module")
def network(cosyvoice: Path) -> CosyVoiceNetwork:
    return CosyVoiceNetwork(spec_of(cosyvoice, temperature=0, words="How are you today?"))


@pytest.fixture
async def loaded() -> AsyncIterator[Loader]:
    async with AsyncExitStack() as stack:

        async def made(folder: Path, **options: Any) -> SteppedVoice:
            voice = await load(spec_of(folder, **options))
            stack.push_async_callback(voice.aclose)
            return voice

        yield made


async def test_a_text_is_said_piece_by_piece(voice: SteppedVoice) -> None:
    assert (voice.rate_hz, voice.voices, voice.languages) == (24000, ("tiny",), ("zh", "en", "ja", "ko"))
    assert (voice.times_words, voice.fixed_speed, set(voice.emotions)) == (False, False, set(EMOTIONS))
    chunks = await said(voice, ENGLISH)
    assert len(chunks) > 1, "it is heard before the sentence is made"
    assert np.abs(sound(chunks)).max() > 1000


def test_the_language_model_writes_what_the_library_writes_of_the_same_weights(
    network: CosyVoiceNetwork, cosyvoice: Path
) -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    weights = torch.load(cosyvoice / "llm.pt")
    model = Qwen2ForCausalLM(Qwen2Config.from_json_file(cosyvoice / "config.json")).eval()
    model.load_state_dict({k.removeprefix("llm.model."): v for k, v in weights.items() if k.startswith("llm.model.")})
    text = network._tokens(ENGLISH)
    read = network._embedded(text, "neutral")
    codes: list[int] = []
    while len(codes) < 30:
        hidden = model(inputs_embeds=read, output_hidden_states=True, use_cache=False).hidden_states[-1][:, -1]
        scores = hidden @ weights["llm_decoder.weight"].T + weights["llm_decoder.bias"]
        codes.append(int(scores[:, :6561].argmax()))
        read = torch.cat([read, weights["speech_embedding.weight"][None, codes[-1:]]], dim=1)
    ours = [code for code, _ in zip(network._written(text, "neutral"), range(30), strict=False)]
    assert ours == codes


def test_moods_are_wishes_before_the_text_and_the_recordings_words_its_manner(network: CosyVoiceNetwork) -> None:
    text = network._tokens(ENGLISH)
    plain, happy, calm = (network._embedded(text, mood)[0] for mood in ("neutral", "happy", "calm"))
    table = network._writer["model"].embed_tokens.weight
    words, recording = network._tokens("How are you today?"), network._speaker["prompt_token"]
    assert len(plain) == 1 + len(words) + len(text) + 1 + recording.shape[1]
    assert torch.equal(plain[1 : 1 + len(words)], table[words])
    assert torch.equal(plain[-recording.shape[1] :], network._writer["speech_embedding"](recording)[0])
    wish = network._tokens("你能用高兴的情感说吗？")
    assert torch.equal(happy[1:-1], table[[*wish, network._end_of_prompt, *text]])
    assert not torch.equal(happy[1 : 1 + len(wish)], calm[1 : 1 + len(wish)])


def test_a_wish_ends_with_the_token_that_the_published_files_have_for_it(network: CosyVoiceNetwork) -> None:
    """151646 behind a vocabulary of 151643."""
    assert network._end_of_prompt == len(network._reader.get_vocab()) - 1 + 151646 - 151643


def test_without_its_words_the_recording_is_heard_by_the_decoder_alone(cosyvoice: Path) -> None:
    network = CosyVoiceNetwork(spec_of(cosyvoice))
    text = network._tokens(ENGLISH)
    assert network._embedded(text, "neutral").shape[1] == len(text) + 2


def test_pieces_follow_on_one_another_and_take_the_time_that_is_asked_for(network: CosyVoiceNetwork) -> None:
    codes = list(range(50))
    lengths = {}
    for speed in (0.5, 1.0, 2.0):
        tail = Tail()
        first = network._decoder.piece(network._speaker, codes[:30], tail, last=False, speed=speed)
        kept = tail.sound
        second = network._decoder.piece(network._speaker, codes, tail, last=True, speed=speed)
        assert kept is not None
        assert abs(float(second[0] - kept[0])) < 1e-6, "it begins as what was kept back began"
        lengths[speed] = len(first) + len(second)
    assert lengths == {0.5: 100 * CODE, 1.0: 50 * CODE, 2.0: 25 * CODE}


def test_a_piece_sounds_the_same_whatever_was_said_before(network: CosyVoiceNetwork) -> None:
    """The noise that the decoder begins with is the same, over the recording too."""
    mels = []
    for _ in range(2):
        tail = Tail()
        network._decoder.piece(network._speaker, list(range(30)), tail, last=False)
        mels.append(tail.mel)
    assert torch.equal(*mels)


async def test_it_ends_where_the_network_says_so_and_not_before_anything_is_said(
    voice: SteppedVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    least = 2 * len(voice._network._tokens(ENGLISH))  # type: ignore[attr-defined]

    def ending(_: Any) -> Callable[..., torch.Tensor]:
        """The end is likeliest at any time."""
        return lambda _, scores: scores.scatter(1, torch.tensor([[6561]]), scores[:, 6561:6562] + 1e6).argmax(-1)

    monkeypatch.setattr(CosyVoiceNetwork, "_choice", ending)
    assert len(sound(await said(voice, ENGLISH))) == pytest.approx(least * CODE, abs=2 * CODE)


def test_its_languages_begin_with_the_one_that_is_asked_for(cosyvoice: Path) -> None:
    assert CosyVoiceNetwork(spec_of(cosyvoice, language="ja")).languages == ("ja", "zh", "en", "ko")


async def test_two_texts_at_once_are_written_as_each_is_alone(network: CosyVoiceNetwork) -> None:
    texts = [network._tokens(text) for text in (ENGLISH, "How are you?")]
    alone = [list(network._written(text, "neutral")) for text in texts]
    both = [network._written(text, "neutral") for text in texts]
    together = list(zip(*both, strict=False))
    length = len(together)
    assert [list(codes) for codes in zip(*together, strict=True)] == [codes[:length] for codes in alone]


def test_a_code_is_drawn_anew_where_it_was_among_the_last() -> None:
    torch.manual_seed(1)
    choose = choice_without_repetition(3, 1.0)
    scores = torch.tensor([[9.0, 1.0, 1.0]])
    drawn = Counter(int(choose(torch.tensor([[0, 1, 1, 1]]), scores)) for _ in range(200))
    assert drawn[0] > 150, "it was said longer ago"
    again = Counter(int(choose(torch.tensor([[2, 1, 0]]), scores)) for _ in range(200))
    assert again[0] == 0
    assert min(again[1], again[2]) > 50


async def test_who_stops_listening_stops_it(voice: SteppedVoice) -> None:
    await stops_with_its_listener(voice, ENGLISH, emotion="happy")


async def test_of_letters_that_it_does_not_know_nothing_is_said(voice: SteppedVoice) -> None:
    with pytest.raises(ModelError, match="can say nothing of this text"):
        await said(voice, "నమస్కారం అందరికీ")
    assert sound(await said(voice, "你好，大家。")).any()


async def test_one_that_was_unloaded_has_given_everything_back(cosyvoice: Path) -> None:
    await gives_everything_back(await load(spec_of(cosyvoice)), lambda network: network._writer)


def _too_long(folder: Path) -> None:
    files.write(folder / "seed.wav", tone(31.0, 16000), 16000)


def _other_flow(folder: Path) -> None:
    weights = torch.load(folder / "flow.pt")
    weights.pop("encoder_proj.weight")
    torch.save(weights, folder / "flow.pt")


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda f: (f / "llm.pt").unlink(), {}, "the file llm.pt is missing; it has campplus.onnx"),
        (lambda f: (f / "merges.txt").unlink(), {}, "the file merges.txt is missing"),
        (lambda f: (f / "llm.pt").write_bytes(b"no weights"), {}, "tiny could not be loaded: "),
        (_other_flow, {}, 'Missing key(s) in state_dict: "encoder_proj.weight"'),
        (lambda f: (f / "seed.wav").unlink(), {}, "there is no voice: it has no seed.wav, some seconds of whoever"),
        (lambda f: (f / "seed.wav").write_bytes(b"no sound"), {}, "seed.wav: not readable as audio"),
        (_too_long, {}, "seed.wav is longer than 30 seconds"),
        (lambda _: None, {"voice": "eve"}, "no voice is called 'eve'; there are tiny"),
        (lambda _: None, {"language": "te"}, "option 'language': it speaks zh, en, ja, ko, not 'te'"),
        (lambda _: None, {"warmth": 3}, "options: warmth"),
        (lambda _: None, {"device": "cuda"}, "option 'device': cuda is not there"),
    ],
)
async def test_what_will_not_do_is_named(
    own: Path, spoil: Callable[[Path], object], options: dict[str, Any], words: str
) -> None:
    spoil(own)
    await is_refused(load, spec_of(own, **options), words)


async def test_too_little_memory_is_told_with_numbers(cosyvoice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await is_too_large(load, spec_of(cosyvoice), monkeypatch)


async def test_it_is_found_by_its_family(cosyvoice: Path, loaded: Loader) -> None:
    voice = await plugins.load(spec_of(cosyvoice, temperature=0.9))
    assert isinstance(voice, SteppedVoice)
    assert sound(await said(voice, ENGLISH, speed=1.5)).any()
    await voice.aclose()
