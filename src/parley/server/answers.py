"""Error answers and server-sent events of the HTTP interface, as OpenAI's have them."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import JSONResponse

JSON_OBJECT = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
"""For ``/openapi.json``: the body of a route that reads it itself."""


def error_answer(status: int, message: str, code: str | None = None, param: str | None = None) -> JSONResponse:
    """A status and why."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status_code=status)


def sent_event(data: dict[str, Any]) -> bytes:
    """One event of a stream (``text/event-stream``)."""
    return b"data: " + msgspec.json.encode(data) + b"\n\n"
