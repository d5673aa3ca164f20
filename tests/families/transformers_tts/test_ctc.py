"""Recognisers that write letter by letter: what they write, when its words are said, and where a given text is."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from parley.adapters.espeak import Espeak
from parley.adapters.transformers_asr import load
from parley.audio.pcm import to_float
from parley.audio.resample import resample
from parley.errors import ModelError
from parley.models.interfaces import MODEL_RATE_HZ, Aligner, Caller, Guidance, ModelSpec
from tests.families.speaking import files_of
from tests.families.transformers_tts import tiny_ctc
from tests.train.conftest import said

TEXT = "hello yellow piano"
NEAR_S = 0.2
CALLER = Caller("test")


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A checkpoint, the recording that it has learnt, and where the words are."""
    voice, words = Espeak(), []
    for word in TEXT.split():
        sound = to_float(asyncio.run(said(voice, word)))
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        words.append(resample(sound[loud[0] : loud[-1]], voice.rate_hz, MODEL_RATE_HZ))
    voice.close()
    recording, spans = tiny_ctc.spaced(words)
    folder = tmp_path_factory.mktemp("ctc")
    tiny_ctc.write(folder, [(recording, TEXT)])
    return SimpleNamespace(folder=folder, recording=recording, spans=spans)


@pytest.fixture
async def recognizer(known: SimpleNamespace) -> AsyncIterator[Any]:
    made = await load(ModelSpec("tiny", "transformers-asr", files_of(known.folder), languages=("en",)))
    yield made
    made.close()


async def test_what_it_has_learnt_is_written_with_the_times_of_the_words(
    recognizer: Any, known: SimpleNamespace
) -> None:
    stream = recognizer.open("en", Guidance(word_times=True))
    stream.feed(known.recording)
    found = await stream.finish(CALLER)
    assert found.text.lower() == TEXT
    assert [word.text.lower() for word in found.words] == TEXT.split()
    assert found.language == "en"
    assert recognizer.languages == ("en",)
    assert -1 < found.mean_logprob < 0
    for word, (begin_s, end_s) in zip(found.words, known.spans, strict=True):
        assert begin_s - NEAR_S < word.start_s < word.end_s < end_s + NEAR_S


async def test_a_text_is_found_in_the_sound_in_any_case_and_with_signs_that_have_no_sound(
    recognizer: Any, known: SimpleNamespace
) -> None:
    assert isinstance(recognizer, Aligner)
    found: Any = await recognizer.align(known.recording, "Hello, yellow — PIANO!", CALLER)
    assert [word.text for word in found.words] == ["Hello,", "yellow", "PIANO!"]
    for word, (begin_s, end_s) in zip(found.words, known.spans, strict=True):
        assert begin_s - NEAR_S < word.start_s < word.end_s < end_s + NEAR_S
    other: Any = await recognizer.align(known.recording, "hey pal yellow", CALLER)
    assert other.mean_logprob < found.mean_logprob - 1, "another text fits worse"


async def test_what_is_too_short_for_a_text_or_for_any_word_is_told(recognizer: Any, known: SimpleNamespace) -> None:
    assert await recognizer.align(known.recording[:3200], TEXT, CALLER) is None
    assert (await recognizer.align(known.recording, "—", CALLER)).words == ()
    stream = recognizer.open()
    stream.feed(known.recording[:800])
    assert (await stream.finish(CALLER)).text == ""


@pytest.mark.parametrize(
    ("missing", "options", "said"),
    [
        ("config.json", {}, "tiny: the file config.json is missing; it has"),
        ("model.safetensors", {}, "tiny could not be loaded"),
        ("", {"voice": "x"}, "tiny: options: voice: Extra inputs are not permitted"),
        ("", {"device": "tpu"}, "option 'device': 'tpu' is no device"),
    ],
)
async def test_what_will_not_do_is_said(
    missing: str, options: dict[str, Any], said: str, known: SimpleNamespace, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(known.folder, tmp_path / "own"))
    if missing:
        (own / missing).unlink()
    with pytest.raises(ModelError, match=said):
        await load(ModelSpec("tiny", "transformers-asr", files_of(own), options))
