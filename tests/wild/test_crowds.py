"""Many requests and few people: who talks live comes first."""

from __future__ import annotations

import asyncio

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect

from tests.conftest import RunningServer


@pytest.mark.wild(before="forty wait in the queue of the voice, and whoever talks waits behind them")
async def test_forty_speech_requests_of_one_address(server: RunningServer) -> None:
    body = {"input": "One two three. " * 200, "response_format": "pcm"}

    async def status(client: httpx.AsyncClient) -> tuple[int, str]:
        async with client.stream("POST", f"{server.url}/v1/audio/speech", json=body) as answer:
            return answer.status_code, answer.headers.get("retry-after", "")

    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=50)) as client:
        found = await asyncio.gather(*(status(client) for _ in range(40)))
    assert (429, "5") in found
    assert any(code == 200 for code, _ in found)


@pytest.mark.wild(before="hundreds of connections to the language model, until no file can be opened")
async def test_a_session_with_responses_beside_the_conversation_without_end(server: RunningServer) -> None:
    wish = {"conversation": "none", "output_modalities": ["text"], "input": [], "instructions": "Tell a long story."}
    event = msgspec.json.encode({"type": "response.create", "response": wish}).decode()
    async with connect(f"{server.websocket}/v1/realtime") as socket:
        for _ in range(30):
            await socket.send(event)
        codes: list[str] = []
        async with asyncio.timeout(30):
            while "too_many_responses" not in codes:
                given = msgspec.json.decode(await socket.recv())
                codes.append((given.get("error") or {}).get("code") or "")
