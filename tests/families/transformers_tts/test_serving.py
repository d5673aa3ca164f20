"""Tiny voices as a user has them: in a worker's process, by REST, and in a conversation."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from openai import AsyncOpenAI

from parley.models import voicepacks
from parley.models.interfaces import Caller, SpeakingStyle
from parley.models.store import Store
from parley.models.voicepacks import Metadata, Tags
from parley.models.word_times import timed_speech
from parley.workers.fleet import Fleet
from parley.workers.remote_synthesizer import RemoteSynthesizer
from tests.conformance.test_official_client import Conversation
from tests.conftest import start_server
from tests.families.process import running_worker
from tests.families.speaking import files_of
from tests.families.transformers_tts.conftest import ENGLISH, TEXT
from tests.looking import unexpected


@pytest.fixture
def worker(telugu: Path, csm: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a worker with both voices, Telugu from a voice pack; its log is looked at in the end."""
    metadata = Metadata(licence="CC0-1.0", tags=Tags(lang=("te",)), options={"device": "cpu", "seed": 1})
    voicepacks.make(tmp_path / "packs", "transformers-tts", "telugu", list(files_of(telugu).values()), metadata)
    model = {
        "id": "csm", "family": "transformers-tts", "languages": ["en"], "options": {"device": "cpu", "seed": 1},
        "files": [str(path) for path in files_of(csm).values()],
    }  # fmt: skip
    with running_worker(
        tmp_path, "memory asked", models=[model], voicepacks=str(tmp_path / "packs"), default_model_id="telugu",
        preload_model_ids=["csm"],
    ) as address:  # fmt: skip
        yield address


async def test_a_worker_says_a_text_with_its_words(worker: str) -> None:
    async with Fleet([worker]) as fleet:
        for name, text in (("telugu", TEXT), ("csm", ENGLISH)):
            assert await fleet.loaded(name, 120, "tts")
            (announced,) = [w.announcement for w in fleet.workers.values() if w.announcement is not None]
            offer = next(offer for offer in announced.models if offer.id == name)
            voice = RemoteSynthesizer(fleet, offer)
            chunks = [c async for c in timed_speech(voice, text, SpeakingStyle(), Caller("ann"))]
            words = [word for chunk in chunks for word in chunk.words]
            assert [text[w.text_start : w.text_end] for w in words] == text.split()
            assert {w.estimated for w in words} == {name == "csm"}
            assert np.abs(np.concatenate([c.samples for c in chunks])).max() > 100


async def converse(url: str) -> None:
    client = AsyncOpenAI(api_key="none", base_url=f"{url}/v1")
    async with client.realtime.connect(model="gpt-realtime") as raw:
        talked = Conversation(raw)
        await talked.until("session.created")
        await raw.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}
        )
        await raw.response.create()
        await talked.until("response.done", within_s=120)
        sound = [e for e in talked.events if e["type"] == "response.output_audio.delta"]
        assert max(map(loudest, sound)) > 100
        assert not [e for e in talked.events if e["type"] == "error"]


def loudest(event: dict[str, Any]) -> int:
    return int(np.abs(np.frombuffer(base64.b64decode(event["delta"]), "<i2").astype(int)).max())


def entry(name: str, language: str, folder: Path) -> dict[str, Any]:
    """Of an owner's catalogue: a voice whose files are in a folder of this machine."""
    files = [{"name": n, "sources": [{"folder": str(path)}]} for n, path in files_of(folder).items()]
    return {
        "id": name, "kind": "tts", "family": "transformers-tts", "licence": "MIT", "runtime_licence": "Apache-2.0",
        "languages": [language], "files": files, "options": {"device": "cpu", "seed": 1},
    }  # fmt: skip


@pytest.mark.timeout(300)
def test_a_server_speaks_with_them_by_rest_and_in_a_conversation(telugu: Path, csm: Path, tmp_path: Path) -> None:
    """It brings their files from a folder and loads them in its own voice process."""
    (home := tmp_path / "home").mkdir()
    (home / "models").mkdir()
    for model in (Store().root / "models").iterdir():
        (home / "models" / model.name).symlink_to(model)
    catalogue = [entry("csm", "en", csm), entry("telugu", "te", telugu)]
    (home / "catalogue.yaml").write_text(yaml.safe_dump(catalogue))
    environment = {
        "PARLEY_HOME": str(home), "PARLEY_ACCEPT_UNPINNED": "true", "PARLEY_LLM": "smollm2-135m",
        "PARLEY_TTS": "csm", "PARLEY_VOICES": '["telugu"]', "PARLEY_MAX_OUTPUT_TOKENS": "20", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    with ExitStack() as stack:
        process, server = start_server(tmp_path / "serve.log", **environment)
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        asyncio.run(converse(server.url))
        with httpx.Client(base_url=server.url, timeout=60) as http:
            said = speech(http, "telugu", TEXT)
            assert said.status_code == 200, said.text
            assert len(said.content) > 10_000
            moody = speech(http, "telugu", TEXT, emotion="happy")
            assert moody.status_code == 400
            assert "cannot be happy; it can be neutral" in moody.json()["error"]["message"]
            assert speech(http, "csm", ENGLISH, speed=2).status_code == 400
        assert not unexpected(server.log.read_text(errors="replace"))


def speech(http: httpx.Client, voice: str, text: str, **wished: Any) -> httpx.Response:
    return http.post("/v1/audio/speech", json={"model": "tts-1", "voice": voice, "input": text, **wished})
