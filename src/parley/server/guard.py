"""Stands before every route: host, origin, key. What is not open by its exact path needs a key.

It judges the path that is routed (`scope["path"]`), never one put together from headers: a crafted ``Host`` could else
make ``/v1/models`` look like ``/health``.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from parley.realtime import server_events as se
from parley.server.answers import error_answer
from parley.server.moshi_routes import PATH as MOSHI_PATH
from parley.server.security import Refusal
from parley.server.state import ServerState
from parley.transports.moshi import turn_away
from parley.transports.websocket import refuse

_OPEN_PATHS = frozenset({"/", "/debate", "/health", "/favicon.ico"})
_PATHS_OF_SECRETS = frozenset({"/v1/realtime", "/ws", "/v1/realtime/calls", "/v1/parley", MOSHI_PATH})
"""Where a client secret opens what the key opens: conversations, and what the page asks before one."""
_KNOWN_BY_ID = "/v1/recordings/"
"""Whoever knows the id of a recording may have it: a link to it shows no key."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "media-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self)",
    "Cache-Control": "no-cache",  # asked for again: half of an older page does not go with half of a newer one
}


_ASKED_METHOD = "access-control-request-method"
_HEADER_NAMES = re.compile(r"[\w-]{1,60}(, ?[\w-]{1,60}){0,40}")


class Guard:
    """ASGI middleware; also puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, state: ServerState, web: Path) -> None:
        """`web`: the folder of the page's files, which are open under ``/web``."""
        self._app = app
        self._state = state
        files = (path.relative_to(web).as_posix() for path in web.rglob("*") if path.is_file())
        self._open = _OPEN_PATHS | {f"/web/{name}" for name in files}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer itself, or let the application."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = self._state.gate.foreign_origin(headers)
            app = self._app
            if origin is not None and scope["method"] == "OPTIONS" and _ASKED_METHOD in headers:
                app = _preflight_answer(headers)
            elif (refusal := self._refusal(scope)) is not None:
                app = error_answer(refusal.status, refusal.message, refusal.code)
            await app(scope, receive, _with_headers(send, origin))
        elif scope["type"] == "websocket" and (refusal := self._refusal(scope)) is not None:
            self._state.metrics.refused.labels(refusal.code).inc()
            kind = "authentication_error" if refusal.status == 401 else "invalid_request_error"
            event = se.error(refusal.message, kind=kind, code=refusal.code)
            socket = WebSocket(scope, receive, send)
            await (turn_away(socket, refusal.message) if _routed(scope) == MOSHI_PATH else refuse(socket, event))
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        path = _routed(scope)
        return self._state.gate.refusal(
            Headers(scope=scope),
            is_open=scope["type"] == "http" and (path in self._open or path.startswith(_KNOWN_BY_ID)),
            secrets_too=path in _PATHS_OF_SECRETS,
        )


def _routed(scope: Scope) -> str:
    """The path that routes are looked up by: without the prefix that a proxy added."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _preflight_answer(headers: Headers) -> Response:
    """What a browser asks before a page of another origin sends a request: it shows no key yet."""
    wanted = headers.get("access-control-request-headers", "")
    given = {
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": wanted if _HEADER_NAMES.fullmatch(wanted) else "authorization, content-type",
        "Access-Control-Max-Age": "600",
    }
    if headers.get("access-control-request-private-network") == "true":
        given["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=204, headers=given)


def _with_headers(send: Send, origin: str | None) -> Send:
    """`origin`: of the page elsewhere that may read the answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if origin is not None:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = "Location, Retry-After, Content-Disposition"
                headers.add_vary_header("Origin")
        await send(message)

    return sending
