"""``/v1/realtime`` and ``/ws`` over WebSocket, and client secrets for browsers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import structlog
from fastapi import APIRouter, Request, WebSocket
from starlette.responses import JSONResponse

from parley.conversation.history import new_id
from parley.errors import Overloaded
from parley.realtime import server_events as se
from parley.realtime.reader import Reader
from parley.realtime.session_object import Extensions, RealtimeSession, WireFormat, updated
from parley.server.resumption import Kept
from parley.server.state import ServerState
from parley.transports.websocket import RealtimeSocket, SocketLimits, refuse

log = structlog.get_logger("websocket")
router = APIRouter()


@router.websocket("/v1/realtime")
async def realtime(socket: WebSocket) -> None:
    """The OpenAI Realtime protocol; ``?parley=1`` opts in to the extensions."""
    query = socket.query_params
    await _serve(socket, Extensions(exact=True) if query.get("parley") == "1" else None)


@router.websocket("/ws")
async def page(socket: WebSocket) -> None:
    """The page's socket: the same protocol with exact playout and binary audio."""
    await _serve(socket, Extensions(exact=True, binary_audio=True))


async def _serve(socket: WebSocket, extensions: Extensions | None) -> None:
    state: ServerState = socket.app.state.parley
    refusal = _refusal(socket, state)
    if refusal is not None:
        state.metrics.refused.labels(refusal["error"]["code"]).inc()
        await refuse(socket, refusal)
        return
    kept = await state.resumption.take(socket.query_params.get("resume")) if extensions else None
    shown = resumed_session(initial_session(state, socket.query_params.get("model"), extensions), kept)
    connection = RealtimeSocket(
        socket, state.roster.cast, state.settings_for(kept), shown, state.roster.voice_names,
        ticker=state.ticker, observe=state.observe,
        limits=SocketLimits(max_session_s=state.config.max_session_minutes * 60),
    )  # fmt: skip
    with state.talking(connection, kept) as resume:
        await socket.accept("realtime" if "realtime" in socket.scope.get("subprotocols", ()) else None)
        log.info("opened", session=connection.session.id, extensions=extensions is not None, resumed=kept is not None)
        await connection.serve(resume)


def resumed_session(fresh: RealtimeSession, kept: Kept | None) -> RealtimeSession:
    """The session object of a conversation that goes on: its own, but for what belongs to the connection."""
    if kept is None:
        return fresh
    return replace(
        kept.shown, id=fresh.id, expires_at=fresh.expires_at, input_format=fresh.input_format,
        output_format=fresh.output_format, extensions=fresh.extensions,
    )  # fmt: skip


def _refusal(socket: WebSocket, state: ServerState) -> se.Event | None:
    if not state.gate.allows_origin(socket.headers):
        message = "pages of this origin may not use this server; add it to allowed_origins"
        return se.error(message, code="origin_not_allowed")
    if not state.gate.admits(socket.headers):
        message = "an API key is needed: send 'Authorization: Bearer KEY'"
        return se.error(message, kind="authentication_error", code="invalid_api_key")
    try:
        state.admit()
    except Overloaded as fault:
        message = f"{fault}; try again in {fault.retry_after_s:.0f} s"
        return se.error(message, kind="server_error", code="server_full")
    return None


def initial_session(state: ServerState, model: str | None, extensions: Extensions | None) -> RealtimeSession:
    """The session object before any update."""
    roster = state.roster
    return RealtimeSession(
        id=new_id("sess"),
        model=model or roster.specs["llm"].id,
        voice=roster.voice_names.default,
        instructions=state.config.instructions,
        expires_at=int(time.time() + state.config.max_session_minutes * 60),
        transcription_model=roster.specs["asr"].id,
        language=state.config.language,
        input_format=WireFormat(),
        extensions=extensions,
    )


@router.post("/v1/realtime/client_secrets")
async def client_secrets(request: Request) -> JSONResponse:
    """A short-lived secret for a browser, so that the key stays on the owner's server."""
    state: ServerState = request.app.state.parley
    body: Any = await request.json() if await request.body() else {}
    given = Reader(body)
    expiry = given.object("expires_after")
    seconds = expiry.integer("seconds", 600, 10, 7200) if expiry else 600
    session = initial_session(state, None, None)
    if (wanted := given.object("session")) is not None:
        session = updated(session, wanted)
    secret, expires_at = state.gate.new_secret(seconds)
    return JSONResponse({"value": secret, "expires_at": expires_at, "session": session.to_json()})
