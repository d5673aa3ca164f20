"""``/v1/rooms``: conversations for several, made by an application for the clients that it lets in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from parley.conversation.circle import Role
from parley.errors import ProtocolError
from parley.realtime.reader import Reader
from parley.realtime.room_events import LONGEST_LIFE_S, RoomAgent, read_update_room
from parley.server.answers import JSON_OBJECT
from parley.server.bodies import json_of
from parley.server.rooms import Room
from parley.server.session_setup import initial_session, new_conversation, settled
from parley.server.state import ServerState
from parley.transports.room_desk import persona_of

router = APIRouter()
_ROLES: tuple[Role, ...] = ("host", "speaker", "listener")
_LIFE_S = 3600.0


@router.post("/v1/rooms", openapi_extra=JSON_OBJECT)
async def make(request: Request) -> JSONResponse:
    """A room with a token for each role; ``session``, ``agents`` and ``floor`` say how it is."""
    state = _state(request)
    given = await json_of(request)
    wanted = given.apart("session") if given.value("session") is not None else None
    circle = _circle(given)
    life_s = _life_s(given)
    given.refuse_unknown()
    shown = initial_session(state, None, None)
    if wanted is not None:
        shown = settled(state, shown, wanted)
    conversation, available = new_conversation(state, shown), state.loaded_models.available
    try:
        if circle is not None:
            agents, floor = circle
            conversation.set_agents(
                [persona_of(agent, available, f"agents[{number}]") for number, agent in enumerate(agents)], floor
            )
        room = state.conversations.rooms.open(conversation, shown, life_s)
    except BaseException:
        await conversation.aclose()
        raise
    tokens = {role: _token(state, room, role, life_s) for role in _ROLES}
    return JSONResponse({**_shown(room), "tokens": tokens}, 201)


@router.get("/v1/rooms/{room_id}")
async def look(request: Request, room_id: str) -> JSONResponse:
    """Who is in a room."""
    return JSONResponse(_shown(_room(_state(request), room_id)))


@router.post("/v1/rooms/{room_id}/tokens", openapi_extra=JSON_OBJECT)
async def invite(request: Request, room_id: str) -> JSONResponse:
    """A further token: ``role`` and ``expires_after``."""
    state = _state(request)
    room = _room(state, room_id)
    given = await json_of(request)
    role: Role = given.choice("role", _ROLES, "speaker")
    life_s = _life_s(given)
    given.refuse_unknown()
    return JSONResponse(_token(state, room, role, life_s), 201)


@router.delete("/v1/rooms/{room_id}")
async def end(request: Request, room_id: str) -> Response:
    """End a room; who is in it is told."""
    state = _state(request)
    await state.conversations.close_room(_room(state, room_id))
    return Response(status_code=204)


def _state(request: Request) -> ServerState:
    state: ServerState = request.app.state.parley
    return state


def _room(state: ServerState, room_id: str) -> Room:
    if (found := state.conversations.rooms.find(room_id)) is None:
        raise ProtocolError(f"there is no room '{room_id[:80]}'", field="room_id", code="room_not_found")
    return found


def _circle(given: Reader) -> tuple[tuple[RoomAgent, ...], Any] | None:
    agents, floor = given.value("agents"), given.value("floor")
    if agents is None and floor is None:
        return None
    agents = agents if agents is not None else [{"name": "assistant"}]
    wanted = read_update_room(Reader({"room": {"agents": agents, **({"floor": floor} if floor is not None else {})}}))
    return wanted.agents, wanted.floor


def _life_s(given: Reader) -> float:
    expiry = given.object("expires_after")
    return expiry.number("seconds", _LIFE_S, 10, LONGEST_LIFE_S) or _LIFE_S if expiry is not None else _LIFE_S


def _token(state: ServerState, room: Room, role: Role, life_s: float) -> dict[str, Any]:
    shown = room.shown if role == "host" else None
    value = state.conversations.invitations.make(room.conversation, role, life_s=life_s, shown=shown)
    return {"role": role, "value": value, "expires_in": life_s}


def _shown(room: Room) -> dict[str, Any]:
    conversation = room.conversation
    return {
        "id": room.id, "object": "room", "created": int(room.created), "agents": list(conversation.agents),
        "floor": conversation.floor, "members": [asdict(member) for member in conversation.circle.members],
    }  # fmt: skip
