"""``/api/chat``: the address at which clients of Kyutai's Moshi server, and of NVIDIA's PersonaPlex, connect."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, WebSocket

from parley.errors import Overloaded, ProtocolError
from parley.realtime.reader import Reader
from parley.server.conversations import Start
from parley.server.rest import client_of
from parley.server.session_setup import begun
from parley.server.state import ServerState
from parley.transports.conversation_socket import SocketLimits
from parley.transports.moshi import MoshiSocket, turn_away
from parley.transports.websocket import accept

log = structlog.get_logger("websocket")
router = APIRouter()

PATH = "/api/chat"
_ROLE = "text_prompt"
_READ = ("model", "room", "name")
_MOST_NAMED = 20  # of parameters that nothing comes of
_LONGEST_NAME = 40


@router.websocket(PATH)
async def chat(socket: WebSocket) -> None:
    """Moshi's web protocol, see `MoshiSocket`; ``?model=`` names another model than the server's first.

    ``?text_prompt=``: the instructions, or the role of a model that takes turns itself. ``?room=`` and ``?name=``: as
    for ``/v1/realtime``.
    """
    state: ServerState = socket.app.state.parley
    try:
        await state.admit(client_of(socket.scope))
    except Overloaded as fault:
        await turn_away(socket, f"{fault}; try again in {fault.retry_after_s:.0f} s", busy=True)
        return
    await accept(socket)
    try:
        start = await begun(state, socket, None, Reader(_session(socket), "session"))
        connection = MoshiSocket(
            socket, start.conversation, start.place, start.shown, state.loaded_models.available, ticker=state.ticker,
            limits=SocketLimits(max_session_s=state.config.max_session_minutes * 60), unused=_unused(socket, start),
        )  # fmt: skip
    except ProtocolError as fault:
        await turn_away(socket, str(fault))
        return
    async with state.talking(connection, start):
        log.info("opened", session=connection.conversation.id, protocol="moshi")
        await connection.serve()


def _session(socket: WebSocket) -> dict[str, str]:
    """The session object that a client asks for."""
    role = socket.query_params.get(_ROLE)
    return {"type": "realtime", "instructions": role} if role else {"type": "realtime"}


def _unused(socket: WebSocket, start: Start) -> list[str]:
    """What a client wants by its address and does not get: it is told so, for all its pages want a lot."""
    read = (*_READ, _ROLE) if start.place.host else _READ
    wanted = [name[:_LONGEST_NAME] for name, value in socket.query_params.items() if value and name not in read]
    return wanted[:_MOST_NAMED]
