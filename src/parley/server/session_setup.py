"""What a conversation begins with: whether it may, its session object, what it goes on from."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import count

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from parley.conversation.circle import Place
from parley.conversation.conversation import Conversation
from parley.conversation.items import USER, new_id
from parley.errors import Overloaded, ProtocolError
from parley.realtime import server_events as se
from parley.realtime.reader import Reader
from parley.realtime.session_object import Extensions, Kind, RealtimeSession, Transcription, WireFormat
from parley.realtime.session_update import kind_of, updated
from parley.server.conversations import Start
from parley.server.invitations import INVITATION, Invitation, name_of
from parley.server.rest import client_of
from parley.server.resumption import SuspendedConversation
from parley.server.security import shown_secret
from parley.server.state import ServerState
from parley.transports.mapping import check_model, settings_of
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


async def begun(
    state: ServerState, connection: HTTPConnection, extensions: Extensions | None, wanted: Reader | None = None
) -> Start:
    """What a client that was let in begins with: its conversation, and what it is there.

    That is a new conversation, one that it comes back to (``?resume=``), or one that it is invited to (``?room=``); a
    client secret's is as it was made for. `wanted`: the session object that came with the request. Raises
    `ProtocolError` for what is wrong with that.
    """
    query, headers = connection.query_params, connection.headers
    owner = state.gate.owner(headers)
    kept = await state.conversations.resumption.take(query.get("resume"), owner) if extensions else None
    fresh = initial_session(state, query.get("model"), extensions, _kind(query.get("intent"), wanted))
    invitation = _invitation(state, connection) if kept is None else None
    if (meant := state.gate.session_of(headers) or (invitation.shown if invitation else None)) is not None:
        fresh = replace(meant, id=fresh.id, expires_at=fresh.expires_at, extensions=extensions)
    fresh = _resumed(fresh, kept)
    shown = fresh if wanted is None else settled(state, fresh, wanted)
    conversation, place = _joined(state, query, shown, kept, invitation)
    return Start(shown, conversation, place, kept, owner, client_of(connection.scope))


def _joined(
    state: ServerState, query: QueryParams, shown: RealtimeSession, kept: SuspendedConversation | None,
    invitation: Invitation | None,
) -> tuple[Conversation, Place]:  # fmt: skip
    """The conversation of a connection, and what it is there."""
    if kept is not None:
        return kept.conversation, kept.place
    if invitation is not None:
        name = _name_there(state, invitation.conversation, query.get("name"))
        return invitation.conversation, invitation.place(name)
    return new_conversation(state, shown), Place(name_of(query.get("name"), USER))


def new_conversation(state: ServerState, shown: RealtimeSession) -> Conversation:
    """One that nobody is in yet."""
    loaded_models = state.loaded_models
    settings = settings_of(shown, state.session_settings, loaded_models.available)
    return Conversation(loaded_models.for_sessions, settings, state.observe)


def _invitation(state: ServerState, connection: HTTPConnection) -> Invitation | None:
    """What somebody comes by: ``?room=``, or shown in the place of a key. Raises `ProtocolError`."""
    shown = shown_secret(connection.headers) or ""
    token = connection.query_params.get("room") or (shown if shown.startswith(INVITATION) else None)
    return state.conversations.invitations.find(token) if token is not None else None


def _name_there(state: ServerState, conversation: Conversation, wanted: str | None) -> str:
    """What somebody is called who comes by an invitation.

    Raises `ProtocolError` for the name of somebody who may come back.
    """
    away = state.conversations.resumption.away_from(conversation)
    taken = {*conversation.present, *conversation.agents, *away}
    name = name_of(wanted, next(name for number in count(1) if (name := f"Guest {number}") not in taken))
    if name.casefold() in {other.casefold() for other in away}:
        raise ProtocolError(f"somebody called '{name}' may still come back", field="name", code="name_taken")
    return name


def _kind(intent: str | None, wanted: Reader | None) -> Kind:
    if wanted is not None and "type" in wanted:
        return kind_of(wanted)
    if intent not in (None, "", "conversation", "transcription"):
        raise ProtocolError(
            f"Invalid value: '{intent[:40]}'. Supported values are: 'conversation', and 'transcription'.",
            field="intent",
        )
    return "transcription" if intent == "transcription" else "realtime"


def settled(state: ServerState, session: RealtimeSession, wanted: Reader) -> RealtimeSession:
    """The session object with what a client wants; raises `ProtocolError` for what cannot be had here."""
    available = state.loaded_models.available
    changed = updated(session, wanted)
    available.check(session, changed)
    settings_of(changed, state.session_settings, available)
    return changed


def initial_session(
    state: ServerState, model: str | None, extensions: Extensions | None, kind: Kind = "realtime"
) -> RealtimeSession:
    """The session object before any update; `model` names the recogniser of a session that only transcribes.

    Raises `ProtocolError` for a model that is not here.
    """
    loaded_models = state.loaded_models
    known = loaded_models.available
    check_model(model, known.recognizers if kind == "transcription" else known.llms)
    listens = model if kind == "transcription" and model in known.recognizers else None
    return RealtimeSession(
        id=new_id("sess"),
        kind=kind,
        model=(model if kind == "realtime" else None) or loaded_models.specs["llm"].id,
        voice=known.voices.default,
        instructions=state.config.instructions,
        expires_at=int(time.time() + state.config.max_session_minutes * 60),
        transcription=Transcription(listens or loaded_models.specs["asr"].id, state.config.language),
        language=state.config.language,
        input_format=WireFormat(),
        extensions=extensions,
    )


def _resumed(fresh: RealtimeSession, kept: SuspendedConversation | None) -> RealtimeSession:
    """The session object of a conversation that goes on: its own, but for what belongs to the connection."""
    if kept is None:
        return fresh
    return replace(
        kept.shown, id=fresh.id, expires_at=fresh.expires_at, input_format=fresh.input_format,
        output_format=fresh.output_format, extensions=fresh.extensions,
    )  # fmt: skip
