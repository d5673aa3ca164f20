"""Speakers inside a model, by name, on a real server that has the model on its disk and not in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from parley.audio.pcm import from_bytes
from parley.models.catalogue import catalogue
from parley.models.store import Store
from tests.conftest import RunningServer, start_server, stop_server


@pytest.fixture(scope="module")
def kokoro_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    Store().pull(catalogue().get("kokoro"), lambda *_: None)
    log = tmp_path_factory.mktemp("server") / "serve.log"
    process, running = start_server(log, PARLEY_LLM="smollm2-135m", PARLEY_MAX_OUTPUT_TOKENS="8")
    yield running
    stop_server(process, running)


async def until(socket: ClientConnection, kind: str, **fields: Any) -> dict[str, Any]:
    async with asyncio.timeout(90):
        while True:
            event: dict[str, Any] = json.loads(await socket.recv())
            assert event["type"] != "error", event
            if event["type"] == kind and fields.items() <= event.items():
                return event


async def chosen(socket: ClientConnection, voice: str) -> None:
    audio = {"output": {"voice": voice}}
    await socket.send(json.dumps({"type": "session.update", "session": {"type": "realtime", "audio": audio}}))
    updated = await until(socket, "session.updated")
    assert updated["session"]["audio"]["output"]["voice"] == voice


@pytest.mark.timeout(240)
async def test_a_speaker_is_loaded_when_it_is_chosen_and_then_speaks(kokoro_server: RunningServer) -> None:
    async with connect(f"{kokoro_server.websocket}/v1/realtime?model=gpt-realtime&parley=1") as socket:
        await chosen(socket, "kokoro/af_heart")
        await until(socket, "parley.voice", voice="kokoro/af_heart", state="coming")
        await until(socket, "parley.voice", voice="kokoro/af_heart", state="here")
        await chosen(socket, "kokoro-puck")
        await socket.send(json.dumps({"type": "response.create"}))
        await until(socket, "response.output_audio.delta")


def _said(server: RunningServer, voice: str, **more: Any) -> httpx.Response:
    body = {"input": "Good morning.", "voice": voice, "response_format": "pcm", **more}
    return httpx.post(f"{server.url}/v1/audio/speech", json=body, timeout=90)


def _alike(one: bytes, other: bytes) -> bool:
    """Whether two sounds are one reading: threads that share a sum round it differently."""
    return len(one) == len(other) and int(abs(from_bytes(one).astype(int) - from_bytes(other)).max()) < 50


@pytest.mark.timeout(240)
def test_speakers_sound_each_as_itself_and_by_all_their_names(kokoro_server: RunningServer, tmp_path: Path) -> None:
    heart, puck = (_said(kokoro_server, f"kokoro/{name}").content for name in ("af_heart", "am_puck"))
    assert len(heart) != len(puck)
    assert _alike(_said(kokoro_server, "kokoro").content, heart), "the first one is the usual one"
    assert _alike(_said(kokoro_server, "am_puck").content, puck)
    refused = _said(kokoro_server, "kokoro/foo")
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "voice"
    assert "the model 'kokoro' has af_heart, " in refused.json()["error"]["message"]
    assert "kokoro/am_puck" in httpx.get(f"{kokoro_server.url}/v1/parley").json()["voices"]
