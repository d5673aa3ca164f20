"""Voices of transformers around a fake network, where its packages are not installed; tests/families has real ones."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from parley.adapters.stepped_voice import Made, SteppedVoice, in_pieces
from parley.adapters.transformers_tts import load
from parley.audio.pcm import Float32
from parley.errors import ModelError, Overloaded
from parley.models.catalogue import catalogue
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec, Priority, SpeakingStyle, SpeechChunk

RATE = 1000


def tone(seconds: float, silent_s: float = 0.0) -> Float32:
    """A square wave behind some silence."""
    loud = np.tile(np.array([0.5, -0.5], np.float32), round(seconds * RATE / 2))
    return np.concatenate([np.zeros(round(silent_s * RATE), np.float32), loud])


class Network:
    """Says each letter for 10 ms, a word in a step; knows letters only; begins with 20 ms of silence."""

    rate_hz = RATE
    voices: Sequence[str] = ("fake",)
    languages: Sequence[str] = ("en",)
    emotions: Collection[str] = ("neutral",)
    times_words = True
    fixed_speed = False
    sample_text = "some text."
    longest_chars = 40

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.owners: list[str] = []
        self.threads: set[int] = set()
        self.closed = False
        self.fails = self.silent = False

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        self.owners.append(owner)
        lengths = [sum(c.isalpha() for c in word.group()) / 100 for word in words]
        if not any(lengths):
            return
        ends = np.cumsum([0.02, *lengths])
        spans = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        yield Made(tone(0, 0.02), ())
        whole = tone(sum(lengths))
        first = round(lengths[0] * RATE)
        for index, part in enumerate((whole[:first], whole[first:])):
            if self.fails:
                raise RuntimeError("out of memory")
            self.threads.add(threading.get_ident())
            self.steps.append(words[0].group())
            yield Made(part * (not self.silent), spans if index == 0 else ())

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def voice() -> AsyncIterator[SteppedVoice]:
    executor = ModelExecutor("fake")
    made = await executor.run(lambda: SteppedVoice("fake", Network(), executor), Caller("load"))
    yield made
    await made.aclose()


def network_of(voice: SteppedVoice) -> Network:
    network = voice._network
    assert isinstance(network, Network)
    network.steps.clear()
    network.owners.clear()
    return network


async def said(voice: SteppedVoice, text: str, caller: Caller = Caller("ann")) -> list[SpeechChunk]:  # noqa: B008
    return [chunk async for chunk in voice.synthesize(text, SpeakingStyle(), caller)]


async def test_sentences_follow_each_other_without_the_silence_in_front(voice: SteppedVoice) -> None:
    chunks = await said(voice, "one three. five")
    words = [word for chunk in chunks for word in chunk.words]
    assert [(w.start_s, w.end_s) for w in words] == [
        pytest.approx(span, abs=0.001) for span in [(0.0, 0.03), (0.03, 0.08), (0.08, 0.12)]
    ]
    assert sum(len(chunk.samples) for chunk in chunks) == 120


async def test_all_steps_are_in_one_thread_and_two_texts_take_turns(voice: SteppedVoice) -> None:
    network = network_of(voice)
    await asyncio.gather(said(voice, "aa bb. cc dd.", Caller("ann")), said(voice, "xx yy. zz ww.", Caller("bob")))
    assert len(network.threads) == 1
    assert threading.get_ident() not in network.threads
    first = network.steps[:4]
    assert set(first) == {"aa", "xx"}


async def test_who_stops_listening_stops_the_voice(voice: SteppedVoice) -> None:
    network = network_of(voice)
    async with aclosing(voice.synthesize("aa bb. cc dd.", SpeakingStyle(), Caller("ann"))) as chunks:
        await anext(chunks)
    await said(voice, "xx.")
    assert network.steps == ["aa", "xx.", "xx."]


async def test_a_text_without_a_letter_that_it_knows_is_refused_and_one_without_any_is_silent(
    voice: SteppedVoice,
) -> None:
    assert await said(voice, "... !") == []
    with pytest.raises(ModelError, match=r"the voice fake can say nothing of this text: .* script of en"):
        await said(voice, "12 34.")
    assert await said(voice, "12. one")


async def test_what_goes_wrong_inside_may_be_tried_again(voice: SteppedVoice) -> None:
    network_of(voice).fails = True
    with pytest.raises(ModelError, match="the voice fake failed: out of memory") as failed:
        await said(voice, "one")
    assert failed.value.retryable


async def test_silence_in_the_place_of_a_text_is_a_failure(voice: SteppedVoice) -> None:
    network_of(voice).silent = True
    with pytest.raises(ModelError, match="made nothing but silence of a text") as failed:
        await said(voice, "one")
    assert failed.value.retryable


async def test_texts_by_rest_belong_to_no_conversation(voice: SteppedVoice) -> None:
    network = network_of(voice)
    await said(voice, "one", Caller("ann"))
    await said(voice, "one", Caller("rest:1", Priority.BACKGROUND))
    assert network.owners == ["ann", ""]


async def test_one_that_was_unloaded_has_given_everything_back(voice: SteppedVoice) -> None:
    network = network_of(voice)
    await voice.aclose()
    assert network.closed
    with pytest.raises(Overloaded):
        await said(voice, "one")


async def test_packages_that_are_missing_are_said_with_the_extra_that_has_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "vits"}')
    names = ("model.safetensors", "tokenizer_config.json", "vocab.json")
    for name in names:
        (tmp_path / name).touch()
    files = {name: tmp_path / name for name in ("config.json", *names)}
    monkeypatch.setitem(sys.modules, "parley.adapters.transformers_vits", None)
    with pytest.raises(ModelError, match=r"tiny needs packages that are not here .*'parley-voice\[transformers-tts\]'"):
        await load(ModelSpec("tiny", "transformers-tts", files))


def test_mms_asks_for_consent_and_is_not_permissive() -> None:
    telugu = catalogue().get("facebook/mms-tts-tel", "tts")
    assert telugu.needs_consent
    assert not telugu.is_permissive
    assert telugu.languages == ("te",)


@pytest.mark.parametrize(
    ("count", "pieces"),
    [
        (0, []),
        (1, [(1, True)]),
        (2, [(2, False), (2, True)]),
        (9, [(2, False), (5, False), (8, False), (9, True)]),
    ],
)
def test_what_is_written_sounds_in_pieces_of_all_so_far_each_a_step(count: int, pieces: list[tuple[int, bool]]) -> None:
    asked: list[tuple[int, bool]] = []

    def sound(so_far: Sequence[int], last: bool) -> Float32:
        assert list(so_far) == list(range(len(so_far)))
        asked.append((len(so_far), last))
        return tone(0.01)

    steps = list(in_pieces(iter(range(count)), (2, 3), sound))
    assert asked == pieces
    assert len(steps) == count + bool(count), "one for each that is written, and one for the last piece"
    assert sum(bool(len(step.sound)) for step in steps) == len(pieces)
