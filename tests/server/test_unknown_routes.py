"""Routes that are not there, and single models: in the form that OpenAI's clients read."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from parley.server.app import create_app
from tests.server.fake_server import served, state_with


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v2/models", "/nothing", "/v1/audio", "/web/none.js"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_route_has_the_envelope_of_errors(path: str, method: str) -> None:
    async with served() as client:
        answer = await client.request(method, path)
    if (method, path) == ("POST", "/web/none.js"):
        assert answer.status_code == 405
        return
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": f"Invalid URL ({method} {path})", "type": "invalid_request_error", "param": None,
        "code": "unknown_url",
    }  # fmt: skip


async def test_a_wrong_method_says_which_is_right() -> None:
    async with served() as client:
        answer = await client.get("/v1/audio/speech")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert "POST" in answer.json()["error"]["message"]


async def test_one_model_and_one_that_is_none() -> None:
    async with served() as client:
        listed = (await client.get("/v1/models")).json()["data"]
        for model in listed:
            assert (await client.get(f"/v1/models/{model['id']}")).json() == model
        missing = await client.get("/v1/models/some/other")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"
    assert missing.json()["error"]["message"] == "The model 'some/other' does not exist"


@pytest.mark.parametrize("path", ["/v1/realtimes", "/", "/web/x"])
def test_a_socket_to_nowhere_is_told_so(path: str) -> None:
    state: Any = state_with()
    client = TestClient(create_app(state), base_url="http://localhost")
    with client.websocket_connect(path, subprotocols=["realtime"], headers={"host": "localhost"}) as socket:
        told = socket.receive_json()
        assert socket.accepted_subprotocol == "realtime"
    assert told["type"] == "error"
    assert told["event_id"]
    assert told["error"]["code"] == "unknown_url"
