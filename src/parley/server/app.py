"""The ASGI application: routes, error answers, security headers, the page's files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from parley.errors import ModelError, ModelNotFound, Overloaded, ParleyError, ProtocolError, UsageError
from parley.server import audio_routes, call_routes, info_routes, realtime_routes
from parley.server.state import ServerState

WEB = Path(__file__).parent.parent / "web"
_OPEN_PATHS = frozenset({"/", "/health", "/favicon.ico"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "media-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self)",
}


def create_app(state: ServerState) -> FastAPI:
    """The application around loaded models; they are unloaded when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for part, seconds in state.roster.load_s.items():
            state.metrics.load_seconds.labels(part).set(seconds)
        state.metrics.loop_lag.set_function(lambda: state.admission.loop_lag_s)
        state.metrics.tasks.set_function(lambda: len(asyncio.all_tasks()))
        async with state.admission:
            yield
        state.draining = True
        await state.hang_up()
        await state.roster.aclose()
        if state.tracing is not None:
            await asyncio.to_thread(state.tracing.close)

    app = FastAPI(title="parley", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.state.parley = state
    app.middleware("http")(_guard)
    app.add_exception_handler(ParleyError, _parley_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.include_router(realtime_routes.router)
    app.include_router(call_routes.router)
    app.include_router(audio_routes.router)
    app.include_router(info_routes.router)
    app.add_api_route("/", _page, include_in_schema=False)
    app.mount("/web", StaticFiles(directory=WEB), name="web")
    return app


async def _page() -> FileResponse:
    return FileResponse(WEB / "index.html")


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Key and origin before anything else; security headers on everything."""
    state: ServerState = request.app.state.parley
    path = request.url.path
    is_open = path in _OPEN_PATHS or path.startswith("/web/")
    if not state.gate.allows_origin(request.headers):
        response: Response = _error(403, "pages of this origin may not use this server", "origin_not_allowed")
    elif not is_open and not state.gate.admits(request.headers, secrets_too=path.startswith("/v1/parley")):
        response = _error(401, "an API key is needed: send 'Authorization: Bearer KEY'", "invalid_api_key")
    else:
        response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _error(status: int, message: str, code: str | None = None, param: str | None = None) -> JSONResponse:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status_code=status)


async def _parley_error(_: Request, fault: Exception) -> Response:
    """Each kind of fault has its status."""
    if isinstance(fault, ProtocolError):
        return _error(400, str(fault), fault.code, fault.field)
    if isinstance(fault, UsageError):
        return _error(400, str(fault), "invalid_value")
    if isinstance(fault, ModelNotFound):
        return _error(404, str(fault), "model_not_found")
    if isinstance(fault, Overloaded):
        response = _error(503, str(fault), "overloaded")
        response.headers["Retry-After"] = str(round(fault.retry_after_s))
        return response
    status = 502 if isinstance(fault, ModelError) else 500
    return _error(status, str(fault), "model_failed")


async def _invalid_request(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    first = fault.errors()[0]
    where = ".".join(str(p) for p in first["loc"] if p != "body")
    return _error(400, f"'{where}': {first['msg']}", "invalid_value", where)
