"""Bodies of requests that cannot be read are the caller's fault, whatever is odd about them."""

from __future__ import annotations

from typing import Any, cast

import httpx
import pytest

from parley.config import Config
from parley.server.app import create_app
from parley.server.security import Gate
from parley.server.state import ServerState

HUGE = "1" + "0" * 400


async def posted(path: str, body: str, kind: str = "application/json") -> httpx.Response:
    app = create_app(ServerState(Config.model_validate({}), cast("Any", None), Gate(None, [])))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://parley") as client:
        return await client.post(path, content=body, headers={"Content-Type": kind})


@pytest.mark.wild(before="status 500")
@pytest.mark.parametrize(
    "body",
    ["nonsense", "[" * 100_000, '{"expires_after": {"seconds": HUGE}}'],
    ids=["no JSON", "deep", "huge"],
)
async def test_a_secret_is_asked_for_in_an_odd_way(body: str) -> None:
    answer = await posted("/v1/realtime/client_secrets", body.replace("HUGE", HUGE))
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
