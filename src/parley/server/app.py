"""The ASGI application: routes, error answers, the page's files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from parley.errors import ModelError, ModelNotFound, Overloaded, ParleyError, ProtocolError, UsageError
from parley.server import audio_routes, call_routes, info_routes, realtime_routes
from parley.server.answers import error_answer
from parley.server.bodies import BodyLimit
from parley.server.guard import Guard
from parley.server.loop_watch import LoopWatch
from parley.server.rest import RestLimit
from parley.server.state import ServerState

WEB = Path(__file__).parent.parent / "web"


def create_app(state: ServerState) -> FastAPI:
    """The application around loaded models; they are unloaded when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for part, seconds in state.roster.load_s.items():
            state.metrics.load_seconds.labels(part).set(seconds)
        state.metrics.loop_lag.set_function(lambda: state.admission.loop_lag_s)
        state.metrics.tasks.set_function(lambda: len(asyncio.all_tasks()))
        async with state.admission, LoopWatch(state.metrics.loop_blocked.inc):
            yield
        state.draining = True
        await state.hang_up()
        await state.roster.aclose()
        if state.tracing is not None:
            await asyncio.to_thread(state.tracing.close)

    app = FastAPI(title="parley", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.state.parley = state
    app.add_middleware(BodyLimit)
    config = state.config
    app.add_middleware(RestLimit, in_all=config.rest_requests, of_one=config.rest_requests_per_client)
    app.add_middleware(Guard, state=state, web=WEB)
    app.add_exception_handler(ParleyError, _parley_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.include_router(realtime_routes.router)
    app.include_router(call_routes.router)
    app.include_router(audio_routes.router)
    app.include_router(info_routes.router)
    app.add_api_route("/", _page, include_in_schema=False)
    app.mount("/web", StaticFiles(directory=WEB), name="web")
    return app


async def _page() -> FileResponse:
    return FileResponse(WEB / "index.html")


async def _parley_error(_: Request, fault: Exception) -> Response:
    """Each kind of fault has its status."""
    if isinstance(fault, ProtocolError):
        return error_answer(400, str(fault), fault.code, fault.field)
    if isinstance(fault, UsageError):
        return error_answer(400, str(fault), "invalid_value")
    if isinstance(fault, ModelNotFound):
        return error_answer(404, str(fault), "model_not_found")
    if isinstance(fault, Overloaded):
        response = error_answer(503, str(fault), "overloaded")
        response.headers["Retry-After"] = str(round(fault.retry_after_s))
        return response
    status = 502 if isinstance(fault, ModelError) else 500
    return error_answer(status, str(fault), "model_failed")


async def _http_error(_: Request, fault: Exception) -> Response:
    """Unknown paths, wrong methods, bodies that are too large or no JSON."""
    assert isinstance(fault, HTTPException)
    response = error_answer(fault.status_code, str(fault.detail))
    response.headers.update(fault.headers or {})
    return response


async def _invalid_request(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    first = fault.errors()[0]
    where = ".".join(str(p) for p in first["loc"] if p != "body")
    return error_answer(400, f"'{where}': {first['msg']}", "invalid_value", where)
