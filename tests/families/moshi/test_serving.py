"""The tiny Moshi as a user has it: in a worker's process, and through a server's WebSocket."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from openai import AsyncOpenAI

from parley.audio.pcm import to_float, to_int16
from parley.errors import Overloaded
from parley.models.store import Store
from parley.workers.fleet import Fleet
from parley.workers.remote_duplex import RemoteDuplex
from tests.conformance.test_official_client import Conversation
from tests.conftest import Clip, start_server
from tests.families.moshi.conftest import GREEDY, Loader, converse, same, sounds
from tests.looking import unexpected

SLOTS = 2


@pytest.fixture
def worker(files: dict[str, Path], tmp_path: Path) -> Iterator[str]:
    """The address of a worker with the tiny checkpoint; its log is looked at in the end."""
    address = f"unix:{tmp_path}/w.sock"
    model = {
        "id": "tiny", "family": "moshi", "kind": "duplex", "files": [str(path) for path in files.values()],
        "options": {"slots": SLOTS, "device": "cpu", "allow_slow": True, "late_s": 1000, **GREEDY},
    }  # fmt: skip
    settings = {"name": "w", "listen": address, "models": [model], "default_model_id": "tiny", "threads": 1}
    (config := tmp_path / "worker.yaml").write_text(yaml.safe_dump(settings))
    with (log := tmp_path / "worker.log").open("wb") as sink:
        command = [sys.executable, "-m", "parley.cli", "worker", "--config", str(config)]
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
    yield address
    process.terminate()
    assert process.wait(60) == 0, log.read_text()
    assert not unexpected(log.read_text())
    assert "step measured" in log.read_text()


async def test_a_worker_steps_two_conversations_as_this_process_would(worker: str, loaded: Loader) -> None:
    heard = [[to_float(to_int16(frame)) for frame in sounds(seed, 8)] for seed in range(SLOTS)]
    here = await loaded(slots=SLOTS)
    expected = [await converse(await here.open_slot(), frames) for frames in heard]
    async with Fleet([worker]) as fleet:
        assert await fleet.loaded("tiny", 120, "duplex")
        model = await RemoteDuplex.find(fleet, "tiny")
        assert (model.rate_hz, model.frame_samples) == (24000, 1920)
        slots = [await until_free(model) for _ in range(SLOTS)]
        said = await asyncio.gather(*(converse(s, frames) for s, frames in zip(slots, heard, strict=True)))
        for one, other in zip(said, expected, strict=True):
            assert same(one, other)
        with pytest.raises(Overloaded, match="all 2 conversations that tiny can carry"):
            await model.open_slot()
        await slots[0].aclose()
        again = await until_free(model)
        assert same(await converse(again, heard[1]), expected[1])
        for slot in (again, slots[1]):
            await slot.aclose()


async def until_free(model: RemoteDuplex) -> Any:
    """A slot, as soon as the worker has noticed that somebody left."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await model.open_slot()
            except Overloaded:
                await asyncio.sleep(0.05)


async def talk(url: str, question: Clip) -> None:
    client = AsyncOpenAI(api_key="none", base_url=f"{url}/v1")
    async with client.realtime.connect(model="tiny") as raw:
        talked = Conversation(raw)
        await talked.until("session.created")
        microphone = asyncio.create_task(talked.speak(question, tail_s=120))
        try:
            for count in range(1, 1000):
                await talked.until("response.output_audio.delta", count, within_s=60)
                if sum(map(loud, deltas(talked, "audio"))) >= 3 and words(talked):
                    break
        finally:
            microphone.cancel()
        assert sum(map(loud, deltas(talked, "audio"))) >= 3
        assert words(talked)
        assert not [e for e in talked.events if e["type"] == "error"]


def deltas(talked: Conversation, of: str) -> list[dict[str, Any]]:
    return [e for e in talked.events if e["type"] == f"response.output_{of}.delta"]


def words(talked: Conversation) -> str:
    return "".join(e["delta"] for e in deltas(talked, "audio_transcript")).strip()


def loud(event: dict[str, Any]) -> bool:
    return bool(np.abs(np.frombuffer(base64.b64decode(event["delta"]), "<i2").astype(int)).max() > 100)


@pytest.mark.timeout(300)
def test_a_server_talks_through_a_worker_over_a_websocket(worker: str, question: Clip, tmp_path: Path) -> None:
    """The server itself has none of the files and would not load them."""
    (home := tmp_path / "home").mkdir()
    (home / "models").symlink_to(Store().root / "models")
    entry = {"id": "tiny", "kind": "duplex", "family": "moshi", "licence": "MIT", "runtime_licence": "MIT"}
    (home / "catalogue.yaml").write_text(yaml.safe_dump([entry | {"files": [{"name": "model.safetensors"}]}]))
    environment = {
        "PARLEY_HOME": str(home), "PARLEY_LLM": "tiny", "PARLEY_WORKERS": json.dumps([worker]),
        "PARLEY_LOCAL_VOICES": "true", "PARLEY_TTS": "espeak", "PARLEY_VOICES": "[]",
    }  # fmt: skip
    with ExitStack() as stack:
        process, server = start_server(tmp_path / "serve.log", **environment)
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        asyncio.run(talk(server.url, question))
        assert not unexpected(server.log.read_text(errors="replace"))
