"""llama.cpp's own server with a model that hears: a real server, and a tiny model of random numbers."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parley.adapters import llama_cpp
from parley.adapters.llama_cpp import LlamaCpp, load_as
from parley.conversation.sounds import sound_part
from parley.errors import ModelError
from parley.models.interfaces import MODEL_RATE_HZ, Caller, ChatOptions, ModelSpec
from parley.models.keeper import all_keepers
from tests.tiny_gguf import hearing_model

SECONDS = np.arange(25 * MODEL_RATE_HZ) / MODEL_RATE_HZ
HISS = sound_part(np.random.default_rng(0).normal(0, 0.1, len(SECONDS)).astype(np.float32))
TONE = sound_part((0.3 * np.sin(2 * np.pi * 280 * SECONDS)).astype(np.float32))


def spec(files: dict[str, Path]) -> ModelSpec:
    return ModelSpec("tiny", "llama-cpp", files, {"slots": 2, "context": 2048})


@pytest.fixture
async def hearing(tmp_path: Path) -> AsyncIterator[LlamaCpp]:
    model = await load_as("tiny", spec(hearing_model(tmp_path)))
    yield model
    await model.aclose()


async def answer(model: LlamaCpp, content: Any) -> str:
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": content}]
    options = ChatOptions(max_tokens=10, temperature=0.0)
    async with aclosing(model.stream(messages, options, Caller("test"))) as deltas:
        return "".join([delta.text async for delta in deltas])


async def test_a_model_with_ears_beside_it_hears(hearing: LlamaCpp) -> None:
    assert hearing.hears
    hiss = await answer(hearing, [HISS])
    assert len(hiss.split()) == 10
    assert hiss == await answer(hearing, [HISS]), "the same of the same sound"
    assert len({hiss, await answer(hearing, [TONE]), await answer(hearing, "Hello.")}) == 3, "of others something else"


async def test_a_model_without_ears_does_not_hear_and_says_so(tmp_path: Path) -> None:
    files = hearing_model(tmp_path)
    model = await load_as("tiny", spec({"tiny.gguf": files["tiny.gguf"]}))
    try:
        assert not model.hears
        assert await answer(model, "Hello.")
        with pytest.raises(ModelError, match=r"does not take the request|out of order"):
            await answer(model, [HISS])
    finally:
        await model.aclose()


async def test_a_model_that_does_not_say_whether_it_hears_is_waited_for_and_not_taken_for_deaf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def says_nothing(address: str, *, within_s: float) -> None:
        asked.append(within_s)

    monkeypatch.setattr(llama_cpp, "hears_of", says_nothing)
    with pytest.raises(ModelError, match=r"did not say whether it hears with mmproj-tiny\.gguf"):
        await load_as("tiny", spec(hearing_model(tmp_path)))
    assert asked[0] >= 30, "a busy machine takes seconds"
    assert "tiny" not in {keeper.name for keeper in all_keepers()}


async def test_ears_of_nothing_are_refused_by_their_name(tmp_path: Path) -> None:
    files = hearing_model(tmp_path)
    shutil.copy(files["tiny.gguf"], files["mmproj-tiny.gguf"])
    with pytest.raises(ModelError, match=r"tiny\.gguf with mmproj-tiny\.gguf"):
        await load_as("tiny", spec(files))
