"""How a client gets to its server."""

from __future__ import annotations

import pytest

from parley.client.address import is_this_machine, realtime_url
from parley.client.connection import Connection
from parley.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("localhost:8000", "ws://localhost:8000/v1/realtime"),
        ("http://box", "ws://box/v1/realtime"),
        ("HTTPS://box:8443/", "wss://box:8443/v1/realtime"),
        ("wss://box/v1/realtime?model=x", "wss://box/v1/realtime?model=x"),
        ("[::1]:8000", "ws://[::1]:8000/v1/realtime"),
    ],
)
def test_a_host_a_page_or_a_full_address_will_do(typed: str, address: str) -> None:
    assert realtime_url(typed, exact=False) == address


@pytest.mark.parametrize(
    "typed", ["", "http://", "ftp://box", "::", "ws://box:port", "ws://box:0", "file:///etc/passwd"]
)
def test_what_is_no_address_is_refused_by_its_name(typed: str) -> None:
    with pytest.raises(UsageError, match="is no server's address"):
        realtime_url(typed, exact=True)


@pytest.mark.parametrize(
    ("host", "itself"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("app.localhost", True),
        ("box", False), ("10.0.0.1", False), ("localhost.example.org", False), ("", False),
    ],
)  # fmt: skip
def test_the_machine_itself_is_known_by_its_names(host: str, *, itself: bool) -> None:
    assert is_this_machine(host) is itself


async def test_this_machine_is_reached_past_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9.*does not answer .*(111|refused)"):
        async with Connection("ws://127.0.0.1:9"):
            pass
    assert Connection("ws://127.0.0.1:9")._way() == {"proxy": None}
    assert Connection("ws://10.0.0.1:9")._way() == {}
