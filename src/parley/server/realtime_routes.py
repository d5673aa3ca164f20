"""``/v1/realtime`` and ``/ws`` over WebSocket, and client secrets for browsers."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, WebSocket
from starlette.responses import JSONResponse

from parley.realtime.reader import Reader, decoded
from parley.realtime.session_object import Extensions, updated
from parley.server.answers import JSON_OBJECT
from parley.server.beginning import admitted, begun, initial_session
from parley.server.call_routes import signal
from parley.server.state import ServerState
from parley.transports.websocket import RealtimeSocket, SocketLimits, accept

log = structlog.get_logger("websocket")
router = APIRouter()


@router.websocket("/v1/realtime")
async def realtime(socket: WebSocket) -> None:
    """The OpenAI Realtime protocol; ``?parley=1`` opts in to the extensions."""
    query = socket.query_params
    await _serve(socket, Extensions(exact=True) if query.get("parley") == "1" else None)


@router.websocket("/ws")
async def page(socket: WebSocket) -> None:
    """The page's socket: the same protocol with exact playout and binary audio.

    ``?signalling=1``: of a WebRTC call instead, see `call_routes.signal`.
    """
    if socket.query_params.get("signalling") == "1":
        await signal(socket)
        return
    await _serve(socket, Extensions(exact=True, binary_audio=True))


async def _serve(socket: WebSocket, extensions: Extensions | None) -> None:
    state: ServerState = socket.app.state.parley
    if not await admitted(socket, state):
        return
    start = await begun(state, socket, extensions)
    connection = RealtimeSocket(
        socket, state.roster.cast, state.settings_for(start.kept), start.shown, state.roster.choices,
        ticker=state.ticker, observe=state.observe,
        limits=SocketLimits(max_session_s=state.config.max_session_minutes * 60),
    )  # fmt: skip
    with state.talking(connection, start) as resume:
        await accept(socket)
        log.info(
            "opened", session=connection.session.id, extensions=extensions is not None, resumed=start.kept is not None
        )
        await connection.serve(resume)


@router.post("/v1/realtime/client_secrets", openapi_extra=JSON_OBJECT)
async def client_secrets(request: Request) -> JSONResponse:
    """A short-lived secret for a browser, so that the key stays on the owner's server."""
    state: ServerState = request.app.state.parley
    given = Reader(decoded(body) if (body := await request.body()) else {}, "body")
    expiry = given.object("expires_after")
    seconds = expiry.integer("seconds", 600, 10, 7200) if expiry else 600
    session = initial_session(state, None, None)
    if (wanted := given.object("session")) is not None:
        session = updated(session, wanted)
    secret, expires_at = state.gate.new_secret(seconds, session)
    return JSONResponse({"value": secret, "expires_at": expires_at, "session": session.to_json()})
