"""A model that is not here is never silently another one."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from parley.models.fakes import FakeSynthesizer
from tests.conftest import RunningServer
from tests.server.fake_server import recording, served

MISSING = "no-such-model"


async def asked(client: httpx.AsyncClient, path: str, model: str) -> httpx.Response:
    if path.startswith("/v1/audio/trans"):
        files = {"file": ("a.wav", recording(0.5))}
        return await client.post(path, data={"model": model}, files=files)
    return await client.post(path, json={"model": model, "input": "Hello.", "messages": []})


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/v1/audio/speech", "fake-voice"),
        ("/v1/audio/transcriptions", "fake-ears"),
        ("/v1/audio/translations", "fake-ears"),
        ("/v1/chat/completions", "fake-chat"),
        ("/v1/responses", "fake-chat"),
    ],
)
async def test_every_route_says_that_there_is_none_of_that_name_and_what_there_is(path: str, there: str) -> None:
    async with served() as client:
        answer = await asked(client, path, MISSING)
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": f"no model is called '{MISSING}' here; there are {there}",
        "type": "invalid_request_error", "param": "model", "code": "model_not_found",
    }  # fmt: skip


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": None}])
async def test_a_chat_without_messages_is_refused_by_the_field(body: dict[str, object]) -> None:
    async with served() as client:
        answer = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "messages"


@pytest.mark.parametrize("model", ["fake-voice", "tts-1-hd", "gpt-4o-mini-tts"])
async def test_a_text_is_said_by_a_voice_that_is_here_under_any_known_name(model: str) -> None:
    async with served() as client:
        assert (await asked(client, "/v1/audio/speech", model)).status_code == 200


async def test_the_model_says_whose_speaker_is_meant() -> None:
    voices = {"ann": FakeSynthesizer(), "many/af_bea": FakeSynthesizer(), "many/af_cleo": FakeSynthesizer()}
    async with served(voices=voices) as client:
        body = {"model": "many", "input": "Hello.", "voice": "cleo"}
        assert (await client.post("/v1/audio/speech", json=body)).status_code == 200
        assert [len(voice.said) for voice in voices.values()] == [0, 0, 1]
        refused = await client.post("/v1/audio/speech", json={**body, "voice": "ann"})
    assert refused.json()["error"]["message"] == "no voice is called 'many/ann'; the model 'many' has af_bea, af_cleo"
    assert refused.json()["error"]["param"] == "voice"


@pytest.mark.parametrize(
    "query", [f"model={MISSING}", f"model={MISSING}&intent=transcription", f"model={'%E0%B0%95' * 60}"]
)
async def test_a_socket_is_told_and_closed(server: RunningServer, query: str) -> None:
    async with connect(f"{server.websocket}/v1/realtime?{query}") as socket:
        error: dict[str, Any] = json.loads(await socket.recv())["error"]
        assert (error["code"], error["param"]) == ("model_not_found", "model")
        assert ("moonshine" if "intent" in query else "smollm2-135m") in error["message"]
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_a_call_and_a_client_secret_are_refused_the_same_way(server: RunningServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        offer = {"content": "v=0", "headers": {"Content-Type": "application/sdp"}}
        call = await client.post("/v1/realtime/calls", params={"model": MISSING}, **offer)  # type: ignore[arg-type]
        wanted = {"session": {"type": "realtime", "model": MISSING}}
        secret = await client.post("/v1/realtime/client_secrets", json=wanted)
    assert [a.json()["error"]["code"] for a in (call, secret)] == ["model_not_found"] * 2
    assert [a.json()["error"]["param"] for a in (call, secret)] == ["model", "session.model"]
