"""The ASGI application: routes, error answers, the page's files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from parley.errors import ModelError, ModelNotFound, Overloaded, ParleyError, ProtocolError, UsageError
from parley.realtime import server_events as se
from parley.server import (
    call_routes,
    debate_routes,
    info_routes,
    moshi_routes,
    picture_routes,
    realtime_routes,
    recordings,
    room_routes,
    speech_routes,
    transcription_routes,
    voice_routes,
)
from parley.server.answers import error_answer
from parley.server.bodies import BodyLimit
from parley.server.guard import Guard
from parley.server.loop_watch import LoopWatch
from parley.server.pages import page
from parley.server.rest import RestLimit
from parley.server.state import ServerState
from parley.transports.websocket import refuse

_LONGEST_PATH = 200
_NOT_THERE = ("model_not_found", "room_not_found", "recording_not_found")
WEB = Path(__file__).parent.parent / "web"


def create_app(state: ServerState) -> FastAPI:
    """The application around loaded models; they are unloaded when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for part, seconds in state.loaded_models.load_s.items():
            state.metrics.load_seconds.labels(part).set(seconds)
        state.metrics.loop_lag.set_function(lambda: state.admission.loop_lag_s)
        state.metrics.tasks.set_function(lambda: len(asyncio.all_tasks()))
        house = _house_of(state)
        async with state.admission, LoopWatch(state.metrics.loop_blocked.inc):
            yield
        state.draining = True
        if house is not None:
            house.cancel()
        await state.aclose()
        await state.loaded_models.aclose()
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
    app.include_router(moshi_routes.router)
    app.include_router(speech_routes.router)
    app.include_router(transcription_routes.router)
    app.include_router(info_routes.router)
    app.include_router(voice_routes.router)
    app.include_router(room_routes.router)
    app.include_router(debate_routes.router)
    app.include_router(recordings.router)
    app.include_router(picture_routes.router)
    app.add_api_route("/", page(WEB / "index.html", config.language), include_in_schema=False)
    app.add_api_route("/debate", page(WEB / "debate.html", config.language), include_in_schema=False)
    app.add_api_websocket_route("/{path:path}", _no_socket)
    app.mount("/web", StaticFiles(directory=WEB), name="web")
    return app


def _house_of(state: ServerState) -> asyncio.Task[None] | None:
    """Deletes recordings whose time is over."""
    if state.recordings is None:
        return None
    keep_s = state.config.recording_keep_hours * 3600
    return asyncio.create_task(recordings.keep_house(state.recordings.folder, keep_s), name="recordings")


async def _no_socket(socket: WebSocket) -> None:
    """There is nothing to talk to."""
    where = socket.url.path[:_LONGEST_PATH]
    await refuse(socket, se.error(f"Invalid URL (GET {where}): sockets are at /v1/realtime", code="unknown_url"))


async def _parley_error(_: Request, fault: Exception) -> Response:
    """Each kind of fault has its status."""
    if isinstance(fault, ProtocolError):
        return error_answer(404 if fault.code in _NOT_THERE else 400, str(fault), fault.code, fault.field)
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


async def _http_error(request: Request, fault: Exception) -> Response:
    """Unknown paths, wrong methods, bodies that are too large or no JSON."""
    assert isinstance(fault, HTTPException)
    if fault.status_code == 404:
        where = f"{request.method} {request.url.path[:_LONGEST_PATH]}"
        response = error_answer(404, f"Invalid URL ({where})", "unknown_url")
    elif fault.status_code == 405:
        allowed = (fault.headers or {}).get("Allow", "another method")
        where = request.url.path[:_LONGEST_PATH]
        message = f"Not allowed to {request.method} on {where} (HINT: Perhaps you meant to use {allowed}.)"
        response = error_answer(405, message, "method_not_allowed")
    else:
        response = error_answer(fault.status_code, str(fault.detail))
    response.headers.update(fault.headers or {})
    return response


async def _invalid_request(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    first = fault.errors()[0]
    if first["type"] == "json_invalid":
        why = first.get("ctx", {}).get("error", first["msg"])
        return error_answer(400, f"The body is no JSON: {why} at character {first['loc'][-1]}", "invalid_json")
    where = ".".join(str(p) for p in first["loc"] if p != "body")
    if not where:
        return error_answer(400, "The body must be a JSON object (Content-Type: application/json)", "invalid_value")
    return error_answer(400, f"'{where}': {first['msg']}", "invalid_value", where)
