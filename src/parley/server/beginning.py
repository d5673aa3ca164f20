"""What a conversation begins with: whether it may, its session object, what it goes on from."""

from __future__ import annotations

import time
from dataclasses import replace

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from parley.conversation.items import new_id
from parley.errors import Overloaded
from parley.realtime import server_events as se
from parley.realtime.session_object import Extensions, RealtimeSession, WireFormat
from parley.server.rest import client_of
from parley.server.resumption import Kept
from parley.server.state import ServerState, Start
from parley.transports.websocket import refuse


async def admitted(socket: WebSocket, state: ServerState) -> bool:
    """Whether there is room for the socket's conversation; one that finds none is told so and closed."""
    try:
        await state.admit(client_of(socket.scope))
    except Overloaded as fault:
        message = f"{fault}; try again in {fault.retry_after_s:.0f} s"
        await refuse(
            socket, se.error(message, kind="server_error", code="server_full", retry_after_s=fault.retry_after_s)
        )
        return False
    return True


async def begun(state: ServerState, connection: HTTPConnection, extensions: Extensions | None) -> Start:
    """A new conversation of a client that was let in; a client secret's is the one that it was made for."""
    query, headers = connection.query_params, connection.headers
    owner = state.gate.owner(headers)
    kept = await state.resumption.take(query.get("resume"), owner) if extensions else None
    fresh = initial_session(state, query.get("model"), extensions)
    if (meant := state.gate.session_of(headers)) is not None:
        fresh = replace(meant, id=fresh.id, expires_at=fresh.expires_at, extensions=extensions)
    return Start(_resumed(fresh, kept), kept, owner, client_of(connection.scope))


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
