"""Tiny checkpoints, and the voices that are made of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import torch

from parley.adapters.stepped_voice import SteppedVoice
from parley.adapters.transformers_tts import load
from parley.models.interfaces import ModelSpec
from tests.families.speaking import files_of
from tests.families.transformers_tts import tiny

torch.set_num_threads(1)
TEXT = "నమసకారం గురువు. అందరికీ వందనం!"
ENGLISH = "good morning to all of us."
Loader = Callable[..., Awaitable[SteppedVoice]]


@pytest.fixture(scope="session")
def telugu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mms")
    tiny.write_vits(folder)
    return folder


@pytest.fixture(scope="session")
def csm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csm")
    tiny.write_csm(folder)
    return folder


@pytest.fixture
async def loaded() -> AsyncIterator[Loader]:
    """Loads a folder with options, by the adapter's own entry point."""
    async with AsyncExitStack() as stack:

        async def made(folder: Path, **options: Any) -> SteppedVoice:
            given = {"device": "cpu", "seed": 1, **options}
            voice = await load(ModelSpec("tiny", "transformers-tts", files_of(folder), given))
            stack.push_async_callback(voice.aclose)
            return voice

        yield made
