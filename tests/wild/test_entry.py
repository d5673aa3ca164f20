"""Pages and requests that are not meant to come in."""

from __future__ import annotations

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.conftest import RunningServer

REBOUND = {"host": "evil.example:8000", "origin": "http://evil.example:8000"}
"""What a browser sends when a foreign page's own name has come to mean this machine."""


@pytest.mark.wild(before="models, logs and speech are the page's to read")
async def test_a_page_whose_name_was_rebound_to_this_machine(server: RunningServer) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.url}/v1/models", headers=REBOUND)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "host_not_allowed"


@pytest.mark.wild(before="a conversation with the microphone's owner")
async def test_a_conversation_of_a_page_whose_name_was_rebound(server: RunningServer) -> None:
    port = server.url.rpartition(":")[2]
    address = f"ws://evil.example:{port}/v1/realtime"
    async with connect(address, host="127.0.0.1", origin=Origin(f"http://evil.example:{port}")) as socket:
        refusal = msgspec.json.decode(await socket.recv())["error"]
    assert refusal["code"] == "host_not_allowed"


@pytest.mark.wild(before="a conversation: without a Host, no origin is foreign")
async def test_an_opaque_origin_without_a_host(server: RunningServer) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.url}/v1/models", headers={"host": "", "origin": "null"})
    assert answer.status_code == 403
