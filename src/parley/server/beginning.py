"""What a conversation begins with: whether it may, its session object, what it goes on from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from starlette.websockets import WebSocket

from parley.conversation.items import new_id
from parley.errors import Overloaded
from parley.realtime import server_events as se
from parley.realtime.session_object import Extensions, RealtimeSession, WireFormat
from parley.server.resumption import Kept
from parley.server.state import ServerState
from parley.transports.websocket import refuse


async def admitted(socket: WebSocket, state: ServerState) -> bool:
    """Whether the socket may begin a conversation; one that may not is told why and closed."""
    refusal = await _refusal(socket, state)
    if refusal is not None:
        await refuse(socket, refusal)
    return refusal is None


async def begun(
    state: ServerState, query: Mapping[str, str], extensions: Extensions | None
) -> tuple[RealtimeSession, Kept | None]:
    """The session object of a new conversation, and what it goes on from if its client returns with a token."""
    kept = await state.resumption.take(query.get("resume")) if extensions else None
    return _resumed(initial_session(state, query.get("model"), extensions), kept), kept


def initial_session(state: ServerState, model: str | None, extensions: Extensions | None) -> RealtimeSession:
    """The session object before any update."""
    roster = state.roster
    return RealtimeSession(
        id=new_id("sess"),
        model=model or roster.specs["llm"].id,
        voice=roster.choices.voices.default,
        instructions=state.config.instructions,
        expires_at=int(time.time() + state.config.max_session_minutes * 60),
        transcription_model=roster.specs["asr"].id,
        language=state.config.language,
        input_format=WireFormat(),
        extensions=extensions,
    )


def _resumed(fresh: RealtimeSession, kept: Kept | None) -> RealtimeSession:
    """The session object of a conversation that goes on: its own, but for what belongs to the connection."""
    if kept is None:
        return fresh
    return replace(
        kept.shown, id=fresh.id, expires_at=fresh.expires_at, input_format=fresh.input_format,
        output_format=fresh.output_format, extensions=fresh.extensions,
    )  # fmt: skip


async def _refusal(socket: WebSocket, state: ServerState) -> se.Event | None:
    if not state.gate.allows_origin(socket.headers):
        state.metrics.refused.labels("origin_not_allowed").inc()
        message = "pages of this origin may not use this server; add it to allowed_origins"
        return se.error(message, code="origin_not_allowed")
    if not state.gate.admits(socket.headers):
        state.metrics.refused.labels("invalid_api_key").inc()
        message = "an API key is needed: send 'Authorization: Bearer KEY'"
        return se.error(message, kind="authentication_error", code="invalid_api_key")
    try:
        await state.admit()
    except Overloaded as fault:
        message = f"{fault}; try again in {fault.retry_after_s:.0f} s"
        return se.error(message, kind="server_error", code="server_full", retry_after_s=fault.retry_after_s)
    return None
