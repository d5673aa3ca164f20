"""What a client wants of the circle of those who take part: other agents, guests."""

from __future__ import annotations

from collections.abc import Callable

from parley.conversation.agent import Persona
from parley.conversation.connection import Connection
from parley.errors import ProtocolError
from parley.realtime import server_events as se
from parley.realtime.room_events import Invite, RoomAgent, UpdateRoom
from parley.transports.mapping import AvailableModels

Inviting = Callable[[bool], str]
"""Makes an invitation, to speak or only to listen; raises `ProtocolError`."""


class RoomDesk:
    """Of one connection."""

    def __init__(self, connection: Connection, available: AvailableModels, invite: Inviting | None) -> None:
        self._connection = connection
        self._available = available
        self._invite = invite

    def obey(self, command: UpdateRoom | Invite) -> se.Event | None:
        """Carry it out and return what is answered; raises `ProtocolError`."""
        if isinstance(command, UpdateRoom):
            personas = [self._persona(agent, number) for number, agent in enumerate(command.agents)]
            self._connection.conversation.set_agents(personas, command.floor)
            return None
        if self._invite is None:
            raise ProtocolError("nobody can be invited to this conversation", field="type", code="unsupported")
        role = "speaker" if command.speaks else "listener"
        return {"type": "parley.room.invitation", "token": self._invite(command.speaks), "role": role}

    def _persona(self, agent: RoomAgent, number: int) -> Persona:
        where, available = f"room.agents[{number}]", self._available
        if agent.model is not None and agent.model not in available.llms:
            raise ProtocolError(
                f"no model is called '{agent.model}' here; there are {', '.join(sorted(available.llms))}",
                field=f"{where}.model",
            )  # fmt: skip
        voice = available.voices.resolve(agent.voice, f"{where}.voice") if agent.voice else None
        return Persona(agent.name, agent.instructions, agent.model, voice, agent.speed)
