"""REST, health, metrics, logs, keys and origins of a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from parley.audio import files
from tests.conftest import UNDERSTOOD, Clip, RunningServer, start_server, stop_server


async def get(server: RunningServer, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.get(server.url + path, headers=headers)


async def test_health_has_the_documented_shape(server: RunningServer) -> None:
    answer = await get(server, "/health")
    body = answer.json()
    assert answer.status_code == 200
    assert body["status"] == "healthy"
    assert set(body["runpod"]) == {"pod_id", "public_ip", "tcp_port"}
    assert all(body["models"].values())
    assert set(body["gpu"]) == {"available", "device_name", "memory_total"}


@pytest.mark.parametrize("kind", ["wav", "mp3", "opus", "flac", "aac", "pcm"])
async def test_speech_in_every_format_is_readable(server: RunningServer, kind: str) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        body = {"input": "Good morning to you.", "response_format": kind, "speed": 1.5}
        answer = await client.post(f"{server.url}/v1/audio/speech", json=body)
    assert answer.status_code == 200
    if kind == "pcm":
        assert len(answer.content) > 24000
        return
    samples, rate_hz = files.read(answer.content)
    assert 0.5 < len(samples) / rate_hz < 3.0


async def test_speed_changes_the_length(server: RunningServer) -> None:
    lengths = []
    async with httpx.AsyncClient(timeout=60) as client:
        for speed in (0.7, 1.5):
            body = {"input": "One two three four five six.", "response_format": "pcm", "speed": speed}
            lengths.append(len((await client.post(f"{server.url}/v1/audio/speech", json=body)).content))
    assert lengths[0] > 1.5 * lengths[1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"input": ""}, "input"),
        ({"input": "x", "response_format": "doc"}, "response_format"),
        ({"input": "x", "voice": "nobody"}, "voice"),
    ],
)
async def test_bad_speech_requests_name_the_field(server: RunningServer, body: dict[str, str], field: str) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{server.url}/v1/audio/speech", json=body)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["param"]


@pytest.mark.parametrize("form", ["json", "text", "verbose_json", "srt", "vtt"])
async def test_transcriptions_in_every_form(server: RunningServer, question: Clip, form: str) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        sound = {"file": ("q.wav", question.path.read_bytes())}
        answer = await client.post(f"{server.url}/v1/audio/transcriptions", files=sound, data={"response_format": form})
    assert UNDERSTOOD.search(answer.text)
    assert ("-->" in answer.text) == (form in ("srt", "vtt"))


async def test_transcriptions_can_be_streamed(server: RunningServer, question: Clip) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        sound = {"file": ("q.wav", question.path.read_bytes())}
        answer = await client.post(f"{server.url}/v1/audio/transcriptions", files=sound, data={"stream": "true"})
    assert answer.text.index("transcript.text.delta") < answer.text.index("transcript.text.done")


@pytest.mark.parametrize("data", [b"", b"not audio at all", b"RIFF\x00\x00"])
async def test_broken_recordings_get_an_error_that_names_the_file(server: RunningServer, data: bytes) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{server.url}/v1/audio/transcriptions", files={"file": ("broken.wav", data)})
    assert answer.status_code == 400
    assert "broken.wav" in answer.json()["error"]["message"]


async def test_metrics_are_fed_and_logs_listed_without_words(server: RunningServer) -> None:
    assert "parley_active_sessions" in (await get(server, "/metrics")).text
    names = [entry["name"] for entry in (await get(server, "/logs")).json()["logs"]]
    assert "model" in names
    assert "loaded" in (await get(server, "/logs/model")).text
    assert (await get(server, "/logs/..%2Fpasswd")).status_code == 404


async def test_the_page_is_served_with_a_strict_policy(server: RunningServer) -> None:
    answer = await get(server, "/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text


async def test_foreign_pages_are_refused(server: RunningServer) -> None:
    assert (await get(server, "/v1/models", origin="https://evil.example")).status_code == 403
    async with connect(f"{server.websocket}/v1/realtime", origin=Origin("https://evil.example")) as socket:
        assert "origin" in str(await socket.recv())


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a key and one place."""
    log = tmp_path_factory.mktemp("locked") / "serve.log"
    process, running = start_server(
        log, PARLEY_API_KEY="open-sesame", PARLEY_MAX_SESSIONS="1", PARLEY_LLM="smollm2-135m"
    )
    yield running
    stop_server(process, running)


async def test_a_locked_server_wants_its_key_and_counts_its_places(locked: RunningServer) -> None:
    assert (await get(locked, "/v1/models")).status_code == 401
    assert (await get(locked, "/v1/models", authorization="Bearer wrong")).status_code == 401
    assert (await get(locked, "/v1/models", authorization="Bearer open-sesame")).status_code == 200
    assert (await get(locked, "/health")).status_code == 200
    address = f"{locked.websocket}/v1/realtime"
    async with connect(address) as socket:
        assert "invalid_api_key" in str(await socket.recv())
    key = {"Authorization": "Bearer open-sesame"}
    async with connect(address, additional_headers=key) as first:
        assert "session.created" in str(await first.recv())
        async with connect(address, additional_headers=key) as second:
            refusal = msgspec.json.decode(await second.recv())["error"]
            assert refusal["code"] == "server_full"
            assert refusal["retry_after_s"] == 60
            with pytest.raises(ConnectionClosed) as closed:
                await second.recv()
            assert "places of your address are taken" in str(closed.value)
        async with connect(address, additional_headers=key, subprotocols=[Subprotocol("realtime")]) as third:
            assert third.subprotocol == "realtime", "a browser would else close without showing the reason"
            assert "server_full" in str(await third.recv())
    async with httpx.AsyncClient() as client:
        secret = (await client.post(f"{locked.url}/v1/realtime/client_secrets", headers=key)).json()["value"]
    await asyncio.sleep(0.3)
    protocols = [Subprotocol("realtime"), Subprotocol(f"openai-insecure-api-key.{secret}")]
    async with connect(address, subprotocols=protocols) as socket:
        assert "session.created" in str(await socket.recv())


def test_the_log_of_a_locked_server_holds_no_key(locked: RunningServer) -> None:
    assert "open-sesame" not in Path(locked.log).read_text()


@pytest.mark.parametrize("path", ["/v1/realtime/client_secrets", "/v1/chat/completions"])
@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 5000 + b"]" * 5000, b"[]", b'"x"'])
async def test_a_body_that_is_no_object_is_the_clients_fault(server: RunningServer, path: str, body: bytes) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        answer = await client.post(server.url + path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("invalid_json", "invalid_type")


async def test_a_chat_that_the_language_model_cannot_take_is_no_fault_of_this_server(server: RunningServer) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        answer = await client.post(f"{server.url}/v1/chat/completions", json={"messages": [{"content": "Hello."}]})
    assert answer.status_code in (400, 502)
    assert answer.json()["error"]["message"]
