"""A request's body: how much of it is read, counted while it comes and refused with 413 before more is; its JSON."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parley.audio.files import MAX_BYTES
from parley.realtime.reader import Reader, decoded

_MB = 1024 * 1024
_FORM_BYTES = _MB
USUAL_BYTES = _MB
BODIES = {
    "/v1/audio/transcriptions": MAX_BYTES + _FORM_BYTES,
    "/v1/audio/translations": MAX_BYTES + _FORM_BYTES,
    "/v1/chat/completions": 4 * _MB,
    "/v1/responses": 4 * _MB,
}
"""Most bytes of a body, by path; `USUAL_BYTES` elsewhere."""


class BodyLimit:
    """ASGI middleware inside of those that answer errors: it raises `HTTPException` where the body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application read up to the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = BODIES.get(scope["path"], USUAL_BYTES)
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        read = 0

        async def counted() -> Message:
            nonlocal read
            if announced.isdigit() and int(announced) > most:
                raise _too_large(most)
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise _too_large(most)
            return message

        await self._app(scope, counted, send)


async def json_of(request: Request) -> Reader:
    """The object of a body, empty where there is none; raises `ProtocolError` for what is no object."""
    body = await request.body()
    return Reader(Reader(decoded(body) if body else {}, "body").data)


def _too_large(most: int) -> HTTPException:
    message = f"the body is larger than the {most >> 20} MB that are read here"
    return HTTPException(413, message, {"Connection": "close"})
