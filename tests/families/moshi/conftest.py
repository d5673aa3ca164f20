"""A tiny checkpoint, and the models that are made of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from parley.adapters.moshi import load
from parley.adapters.slot_batch import SlotBatch
from parley.audio.pcm import Float32
from parley.models.interfaces import DuplexFrame, DuplexSlot, ModelSpec
from parley.models.store import Store
from tests.conftest import RunningServer, start_server
from tests.families.moshi import tiny
from tests.families.process import running_worker
from tests.looking import unexpected

torch.set_num_threads(1)
GREEDY = {"temperature": 0.0, "text_temperature": 0.0}
"""Nothing is drawn: what a slot says depends on what it hears alone."""
SLOTS = 2
"""Of the worker."""
Loader = Callable[..., Awaitable[SlotBatch]]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return tiny.write(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
async def loaded(files: dict[str, Path]) -> AsyncIterator[Loader]:
    """Loads the tiny checkpoint with options; nothing is late, however busy the machine is."""
    async with AsyncExitStack() as stack:

        async def made(files: dict[str, Path] = files, **options: Any) -> SlotBatch:
            given = {"slots": 3, "device": "cpu", "allow_slow": True, "late_s": 1000, **GREEDY, **options}
            model = await load(ModelSpec("tiny", "moshi", files, given))
            stack.push_async_callback(model.aclose)
            return model

        yield made


@pytest.fixture
def worker(files: dict[str, Path], tmp_path: Path) -> Iterator[str]:
    """The address of a worker with the tiny checkpoint; its log is looked at in the end."""
    model = {
        "id": "tiny", "family": "moshi", "kind": "duplex", "files": [str(path) for path in files.values()],
        "options": {"slots": SLOTS, "device": "cpu", "allow_slow": True, "late_s": 1000, **GREEDY},
    }  # fmt: skip
    with running_worker(tmp_path, "step measured", models=[model], default_model_id="tiny") as address:
        yield address


@pytest.fixture
def served(worker: str, tmp_path: Path) -> Iterator[RunningServer]:
    """A server whose model is that worker's: it has none of the files itself and would not load them."""
    (home := tmp_path / "home").mkdir()
    (home / "models").symlink_to(Store().root / "models")
    entry = {"id": "tiny", "kind": "duplex", "family": "moshi", "licence": "MIT", "runtime_licence": "MIT"}
    (home / "catalogue.yaml").write_text(yaml.safe_dump([entry | {"files": [{"name": "model.safetensors"}]}]))
    environment = {
        "PARLEY_HOME": str(home), "PARLEY_LLM": "tiny", "PARLEY_WORKERS": json.dumps([worker]),
        "PARLEY_LOCAL_VOICES": "true", "PARLEY_TTS": "espeak", "PARLEY_VOICES": "[]",
    }  # fmt: skip
    process, server = start_server(tmp_path / "serve.log", **environment)
    yield server
    process.terminate()
    process.wait(20)
    assert not unexpected(server.log.read_text(errors="replace"))


def sounds(seed: int, frames: int) -> list[Float32]:
    """Frames of tones and noise that change."""
    draws = np.random.default_rng(seed)
    times = np.arange(1920) / 24000
    return [
        (
            draws.uniform(0, 0.5) * np.sin(2 * np.pi * draws.uniform(100, 4000) * times) + draws.normal(0, 0.05, 1920)
        ).astype(np.float32)
        for _ in range(frames)
    ]


async def converse(slot: DuplexSlot, heard: list[Float32]) -> list[DuplexFrame]:
    return [await slot.step(frame) for frame in heard]


def same(one: list[DuplexFrame], other: list[DuplexFrame]) -> bool:
    """To the bit."""
    return [f.text for f in one] == [f.text for f in other] and all(
        np.array_equal(a.samples, b.samples) for a, b in zip(one, other, strict=True)
    )
