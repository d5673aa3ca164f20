"""``/v1/realtime`` and ``/ws`` over WebSocket, and client secrets for browsers."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, WebSocket
from starlette.responses import JSONResponse

from parley.errors import ProtocolError
from parley.realtime import server_events as se
from parley.realtime.session_object import Extensions
from parley.realtime.session_update import kind_of
from parley.server.answers import JSON_OBJECT
from parley.server.bodies import json_of
from parley.server.call_routes import attach, signal
from parley.server.session_setup import admitted, begun, initial_session, settled
from parley.server.state import ServerState
from parley.transports.conversation_socket import SocketLimits
from parley.transports.websocket import RealtimeSocket, accept, refuse

log = structlog.get_logger("websocket")
router = APIRouter()


@router.websocket("/v1/realtime")
async def realtime(socket: WebSocket) -> None:
    """The OpenAI Realtime protocol; ``?parley=1`` opts in to the extensions.

    ``?call_id=``: beside a WebRTC call instead, see `Sideband`. ``?intent=transcription``: nothing is answered.
    """
    query = socket.query_params
    if (call_id := query.get("call_id")) is not None:
        await attach(socket, call_id)
        return
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
    await accept(socket)  # before it joins: what is told from then on waits for nothing
    try:
        start = await begun(state, socket, extensions)
        connection = RealtimeSocket(
            socket, start.conversation, start.place, start.shown, state.loaded_models.available, ticker=state.ticker,
            limits=SocketLimits(max_session_s=state.config.max_session_minutes * 60),
            services=state.services_for(start.conversation),
        )  # fmt: skip
    except ProtocolError as fault:
        await refuse(socket, se.error(str(fault), code=fault.code, param=fault.field))
        return
    async with state.talking(connection, start) as resume:
        log.info(
            "opened",
            session=connection.conversation.id,
            extensions=extensions is not None,
            resumed=start.kept is not None,
        )
        await connection.serve(resume)


@router.post("/v1/realtime/client_secrets", openapi_extra=JSON_OBJECT)
async def client_secrets(request: Request) -> JSONResponse:
    """A short-lived secret for a browser, so that the key stays on the owner's server."""
    state: ServerState = request.app.state.parley
    given = await json_of(request)
    expiry = given.object("expires_after")
    if expiry is not None:
        expiry.choice("anchor", ("created_at",))
    seconds = expiry.integer("seconds", 600, 10, 7200) if expiry else 600
    wanted = given.apart("session") if given.value("session") is not None else None
    given.refuse_unknown()
    session = initial_session(state, None, None, kind_of(wanted) if wanted else "realtime")
    if wanted is not None:
        session = settled(state, session, wanted)
    secret, expires_at = state.gate.new_secret(seconds, session)
    return JSONResponse({"value": secret, "expires_at": expires_at, "session": session.to_json()})
