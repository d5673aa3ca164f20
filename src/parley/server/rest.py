"""What the REST interface may take: some requests of one client, some in all, all of them behind whoever talks live."""

from __future__ import annotations

import ipaddress
from collections import Counter

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from parley.models.interfaces import Caller, Priority
from parley.server.answers import error_answer

_PATHS = frozenset({
    "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/chat/completions", "/v1/responses",
})  # fmt: skip
_RETRY_AFTER_S = 5


class RestLimit:
    """ASGI middleware: counts requests from their first byte to the last byte of their answer."""

    def __init__(self, app: ASGIApp, in_all: int, of_one: int) -> None:
        """`of_one`: requests of one client at once (429 beyond), `in_all`: of all clients (503 beyond)."""
        self._app = app
        self._in_all = in_all
        self._of_one = of_one
        self._going_on: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer itself when there are too many, else let the application."""
        if scope["type"] != "http" or scope["path"] not in _PATHS:
            await self._app(scope, receive, send)
            return
        client = client_of(scope)
        app: ASGIApp = self._app
        if self._going_on[client] >= self._of_one:
            app = _refusal(429, f"{self._of_one} requests of yours are going on already", "rate_limit_exceeded")
        elif self._going_on.total() >= self._in_all:
            app = _refusal(503, f"{self._in_all} requests are going on already", "overloaded")
        self._going_on[client] += 1
        try:
            await app(scope, receive, send)
        finally:
            self._going_on[client] -= 1
            if not self._going_on[client]:
                del self._going_on[client]


def _refusal(status: int, message: str, code: str) -> ASGIApp:
    answer = error_answer(status, f"{message}; try again in {_RETRY_AFTER_S} s", code)
    answer.headers["Retry-After"] = str(_RETRY_AFTER_S)
    return answer


def client_of(scope: Scope) -> str:
    """The address that a request comes from; of IPv6 the network that one client is given."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_network(address).is_loopback or address == str(ipaddress.ip_network("::/64"))
    except ValueError:
        return False


def caller_of(request: Request) -> Caller:
    """On whose behalf models work for a REST request."""
    return Caller(f"rest:{client_of(request.scope)}", Priority.BACKGROUND)
