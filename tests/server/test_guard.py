"""What is let in: by the path that is routed, and by what each credential is for."""

from __future__ import annotations

import base64
from typing import Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send

from parley.config import Config
from parley.server.app import WEB
from parley.server.guard import Guard
from parley.server.security import Gate
from parley.server.state import ServerState

Headers = dict[str, str]


async def answer(
    gate: Gate, path: str, *, root_path: str = "", method: str = "GET", **headers: str
) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a request; 299 where it reached the application."""
    sent: list[Message] = []

    async def application(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    given = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    state = ServerState(Config.model_validate({}), cast("Any", None), gate)
    scope = {
        "type": "http", "method": method, "http_version": "1.1",
        "path": path, "root_path": root_path, "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip
    await Guard(application, state, WEB)(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert "content-security-policy" in found
    return int(sent[0]["status"]), found


async def status(gate: Gate, path: str, *, root_path: str = "", **headers: str) -> int:
    """Of the answer to a request."""
    return (await answer(gate, path, root_path=root_path, **headers))[0]


def bearer(secret: str) -> Headers:
    return {"authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("path", ["/", "/debate", "/health", "/web/page.js", "/favicon.ico"])
async def test_the_page_and_health_need_no_key(path: str) -> None:
    code, headers = await answer(Gate("sesame", []), path)
    assert code == 299
    assert headers["cache-control"] == "no-cache", "an upgraded server never meets half of its older page"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/metrics",
        "/logs",
        "//",
        "//health",
        "/health/",
        "/web/",
        "/web/../v1/models",
        "/web/x",
        "/HEALTH",
    ],
)
async def test_all_other_paths_need_it(path: str) -> None:
    assert await status(Gate("sesame", []), path) == 401
    assert await status(Gate("sesame", []), path, **bearer("sesame")) == 299


@pytest.mark.parametrize(
    ("credentials", "code"),
    [("anybody:sesame", 299), (":sesame", 299), ("sesame:", 401), ("sesame", 401), ("anybody:sesam", 401)],
)
async def test_the_key_may_be_the_password_of_an_address(credentials: str, code: int) -> None:
    shown = f"Basic {base64.b64encode(credentials.encode()).decode()}"
    assert await status(Gate("sesame", []), "/v1/models", authorization=shown) == code


@pytest.mark.parametrize("nonsense", ["Basic", "Basic !!", "Basic /w==", "Basic c2VzYW1l=="])
async def test_a_password_that_cannot_be_read_opens_nothing(nonsense: str) -> None:
    assert await status(Gate("sesame", []), "/v1/models", authorization=nonsense) == 401


@pytest.mark.parametrize("host", ["localhost/health?", "x/web/page.js?", "localhost/health#", "localhost/?"])
async def test_a_crafted_host_opens_no_other_path(host: str) -> None:
    assert await status(Gate("sesame", []), "/v1/models", host=host) in (401, 403)


async def test_the_prefix_of_a_proxy_is_taken_off() -> None:
    gate = Gate("sesame", [])
    assert await status(gate, "/voice/health", root_path="/voice") == 299
    assert await status(gate, "/voice/v1/models", root_path="/voice") == 401
    assert await status(gate, "/health/v1/models", root_path="/health") == 401


@pytest.mark.parametrize("path", ["/v1/realtime", "/v1/realtime/calls", "/v1/parley", "/ws", "/api/chat"])
async def test_a_client_secret_opens_conversations(path: str) -> None:
    gate = Gate("sesame", [])
    assert await status(gate, path, **bearer(gate.new_secret()[0])) == 299


@pytest.mark.parametrize(
    "path",
    [
        "/v1/realtime/client_secrets",
        "/v1/audio/speech",
        "/v1/chat/completions",
        "/metrics",
        "/v1/realtime/calls/x/hangup",
    ],
)
async def test_a_client_secret_opens_nothing_else(path: str) -> None:
    gate = Gate("sesame", [])
    assert await status(gate, path, **bearer(gate.new_secret()[0])) == 401


async def test_a_secret_that_has_expired_opens_nothing() -> None:
    gate = Gate("sesame", [])
    assert await status(gate, "/v1/realtime", **bearer(gate.new_secret(-1.0)[0])) == 401


async def test_a_name_of_the_public_dns_is_refused_though_its_page_has_the_same_origin() -> None:
    rebound = {"host": "evil.example:8000", "origin": "http://evil.example:8000"}
    assert await status(Gate(None, []), "/v1/models", **rebound) == 403
    assert await status(Gate(None, []), "/", **rebound) == 403
    assert await status(Gate(None, []), "/v1/models", host="localhost:8000", origin="http://localhost:8000") == 299


async def test_an_opaque_origin_is_nobodys_own() -> None:
    assert await status(Gate(None, []), "/v1/models", origin="null", host="") == 403
    assert await status(Gate(None, []), "/v1/models", origin="null") == 403


def test_a_secret_begins_the_session_that_it_was_made_for() -> None:
    from starlette.datastructures import Headers as Given

    session = cast("Any", object())
    gate = Gate("sesame", [])
    secret, _ = gate.new_secret(session=session)
    assert gate.session_of(Given(bearer(secret))) is session
    assert gate.session_of(Given(bearer("sesame"))) is None
    assert gate.owner(Given(bearer(secret))) != gate.owner(Given(bearer("sesame")))


PAGE = "https://app.example"
PREFLIGHT = {
    "access_control_request_method": "POST",
    "access_control_request_headers": "authorization,content-type,x-stainless-os",
}


@pytest.mark.parametrize("origins", [[PAGE], ["https://other.example", PAGE + "/"], ["*"]])
@pytest.mark.parametrize("path", ["/v1/realtime/calls", "/v1/audio/speech", "/v1/models"])
async def test_a_page_of_an_allowed_origin_is_told_before_it_shows_its_key_that_it_may_ask(
    origins: list[str], path: str
) -> None:
    code, headers = await answer(Gate("sesame", origins), path, method="OPTIONS", origin=PAGE, **PREFLIGHT)
    assert code == 204
    assert headers["access-control-allow-origin"] == PAGE
    assert "POST" in headers["access-control-allow-methods"]
    assert headers["access-control-allow-headers"] == "authorization,content-type,x-stainless-os"
    assert "Origin" in headers["vary"]
    assert "access-control-allow-credentials" not in headers


async def test_it_may_read_answers_and_refusals_and_where_its_call_is() -> None:
    gate = Gate("sesame", [PAGE])
    for credential, expected in ((bearer("sesame"), 299), ({}, 401)):
        code, headers = await answer(gate, "/v1/realtime/calls", method="POST", origin=PAGE, **credential)
        assert code == expected
        assert headers["access-control-allow-origin"] == PAGE
        assert "Location" in headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": PAGE + ".evil.example"},
        {"origin": PAGE, "host": "evil.example:8000"},
    ],
)
async def test_pages_of_other_origins_and_of_rebound_names_may_read_nothing(headers: Headers) -> None:
    for method, more in (("OPTIONS", PREFLIGHT), ("POST", bearer("sesame"))):
        gate = Gate(None, [PAGE])
        code, found = await answer(gate, "/v1/realtime/calls", method=method, **headers, **more)
        assert code == 403
        assert "access-control-allow-origin" not in found


async def test_headers_that_no_browser_would_ask_for_are_not_sent_back() -> None:
    asked = {**PREFLIGHT, "access_control_request_headers": "x" * 5000}
    _, headers = await answer(Gate(None, ["*"]), "/v1/models", method="OPTIONS", origin=PAGE, **asked)
    assert headers["access-control-allow-headers"] == "authorization, content-type"


async def test_a_page_elsewhere_may_reach_this_machine_where_its_origin_is_allowed() -> None:
    asked = {**PREFLIGHT, "access_control_request_private_network": "true"}
    _, headers = await answer(Gate(None, [PAGE]), "/v1/models", method="OPTIONS", origin=PAGE, **asked)
    assert headers["access-control-allow-private-network"] == "true"


async def test_who_is_not_in_a_browser_gets_none_of_that() -> None:
    code, headers = await answer(Gate(None, ["*"]), "/v1/models")
    assert code == 299
    assert "access-control-allow-origin" not in headers
