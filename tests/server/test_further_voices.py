"""Voices that are not loaded are brought when somebody asks for one."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from parley.errors import ModelError, ProtocolError
from parley.models.catalogue import File, Model, Source
from parley.models.store import Store
from parley.server.further_voices import FurtherVoices

CONTENT = b"a voice"


class FakeModels:
    """Takes a voice when it is told to."""

    def __init__(self, *models: Model) -> None:
        self.absent_voices = {model.id: model for model in models}
        self.may = asyncio.Event()
        self.fault: ModelError | None = None
        self.taken: list[str] = []

    async def take_voice(self, name: str, _: float) -> None:
        await self.may.wait()
        if self.fault is not None:
            raise self.fault
        self.taken.append(name)


def voice(name: str, source: Path) -> Model:
    file = File(f"{name}.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), (Source(folder=str(source)),))
    return Model(name, "tts", "kokoro", "MIT", "MIT", files=(file,))


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    source = tmp_path / "source.bin"
    source.write_bytes(CONTENT)
    loaded_models = FakeModels(voice("ann", source), voice("bob", tmp_path / "nowhere"))
    store = Store(tmp_path / "home")
    return SimpleNamespace(loaded_models=loaded_models, store=store, further=FurtherVoices(loaded_models, store))  # type: ignore[arg-type]


async def until(further: FurtherVoices, name: str, state: str) -> None:
    async with asyncio.timeout(60):
        while (found := further.found.get(name)) is not None and found.state != state:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_voice_is_fetched_then_loaded_then_like_any_other(stage: Any) -> None:
    assert [(v.model.id, v.state) for v in stage.further.found.values()] == [("ann", "not here"), ("bob", "not here")]
    ann = stage.further.bring("ann")
    assert ann.state == "pulling"
    await until(stage.further, "ann", "loading")
    assert ann.done == len(CONTENT)
    assert stage.store.is_present(ann.model)
    assert stage.further.bring("ann") is ann, "whoever asks again is told how far it is"
    stage.loaded_models.may.set()
    await until(stage.further, "ann", "")
    assert list(stage.further.found) == ["bob"]
    assert stage.loaded_models.taken == ["ann"]


async def test_one_is_brought_at_a_time_and_only_what_there_is(stage: Any) -> None:
    stage.further.bring("ann")
    with pytest.raises(ProtocolError, match="another voice is being brought"):
        stage.further.bring("bob")
    with pytest.raises(ProtocolError, match="no further voice is called 'carl'; there are: ann, bob"):
        stage.further.bring("carl")
    await stage.further.aclose()


async def test_what_cannot_be_had_says_why_and_may_be_asked_for_again(stage: Any) -> None:
    bob = stage.further.bring("bob")
    await until(stage.further, "bob", "failed")
    assert "could not be pulled" in bob.why
    stage.loaded_models.fault = ModelError("it was not loaded")
    stage.loaded_models.may.set()
    ann = stage.further.bring("ann")
    await until(stage.further, "ann", "failed")
    assert ann.why == "it was not loaded"
    stage.loaded_models.fault = None
    stage.further.bring("ann")
    await until(stage.further, "ann", "")
    assert stage.loaded_models.taken == ["ann"]
