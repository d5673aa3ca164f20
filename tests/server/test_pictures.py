"""Addresses as pictures, by a server of fakes."""

from __future__ import annotations

import httpx
import pytest

from parley.server.app import create_app
from tests.server.fake_server import state_with

LINK = "https://voice.example.org/debate#room=rt_QMQnq3bnWmBYHRbkQWWIr2gLyfW0RBqJ&name="


@pytest.mark.parametrize(("text", "status"), [(LINK, 200), ("", 400), ("x" * 1001, 400), ("😀" * 1000, 400)])
async def test_an_address_is_drawn(text: str, status: int) -> None:
    transport = httpx.ASGITransport(create_app(state_with()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post("/v1/parley/qr", json={"text": text})
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["Content-Type"] == "image/svg+xml"
        assert answer.text.startswith("<svg")
