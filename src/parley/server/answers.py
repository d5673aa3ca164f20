"""Error answers of the HTTP interface, as OpenAI's have them."""

from __future__ import annotations

from starlette.responses import JSONResponse

JSON_OBJECT = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
"""For ``/openapi.json``: the body of a route that reads it itself."""


def error_answer(status: int, message: str, code: str | None = None, param: str | None = None) -> JSONResponse:
    """A status and why."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status_code=status)
