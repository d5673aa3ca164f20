"""What a client wants of the circle of those who take part: other agents, guests."""

from __future__ import annotations

from typing import Protocol

from parley.conversation.agent import Persona
from parley.conversation.connection import Connection
from parley.errors import ProtocolError
from parley.realtime import server_events as se
from parley.realtime.room_events import (
    ChangeMember,
    ConsentToRecording,
    Invite,
    RaiseHand,
    Record,
    RevokeInvitations,
    RoomAgent,
    RoomCommand,
    UpdateRoom,
)
from parley.transports.mapping import AvailableModels
from parley.transports.recording import Recording, Shelf


class RoomServices(Protocol):
    """What a server has for a conversation of several."""

    def invite(self, *, speaks: bool, life_s: float | None) -> str:
        """A new invitation, to speak or only to listen, for some time or all; raises `ProtocolError`."""

    def revoke(self) -> None:
        """Nobody else comes by those made so far."""

    def close(self, invitation: bytes) -> None:
        """Nobody else comes by this one, see `Place.invitation`."""

    @property
    def shelf(self) -> Shelf | None:
        """Where its recordings go; None: nothing is recorded here."""


class RoomDesk:
    """Of one connection."""

    def __init__(self, connection: Connection, available: AvailableModels, services: RoomServices | None) -> None:
        self._connection = connection
        self._available = available
        self._services = services

    def obey(self, command: RoomCommand) -> se.Event | None:
        """Carry it out and return what is answered; raises `ProtocolError`."""
        conversation = self._connection.conversation
        match command:
            case UpdateRoom():
                personas = [
                    persona_of(agent, self._available, f"room.agents[{number}]")
                    for number, agent in enumerate(command.agents)
                ]
                conversation.set_agents(personas, command.floor)
            case Invite():
                token = self._inviting.invite(speaks=command.speaks, life_s=command.life_s)
                role = "speaker" if command.speaks else "listener"
                return {"type": "parley.room.invitation", "token": token, "role": role}
            case RevokeInvitations():
                self._inviting.revoke()
            case ChangeMember("remove"):
                place = conversation.circle.send_away(command.name)
                if self._services is not None and place.invitation:
                    self._services.close(place.invitation)  # else it comes back by another name
            case ChangeMember():
                conversation.mute(command.name, muted=command.what == "mute")
            case RaiseHand():
                conversation.raise_hand(self._connection.name, up=command.up)
            case Record(on=True):
                self._recording.ask(self._connection.name)
            case Record():
                self._recording.stop()
            case ConsentToRecording():
                self._recording.answer(self._connection.name, agrees=command.agrees)
        return None

    @property
    def _inviting(self) -> RoomServices:
        if self._services is None:
            raise ProtocolError("nobody can be invited to this conversation", field="type", code="unsupported")
        return self._services

    @property
    def _recording(self) -> Recording:
        conversation, shelf = self._connection.conversation, self._services.shelf if self._services else None
        if shelf is None:
            raise ProtocolError(
                "conversations are not recorded here (recording_keep_hours: 0)", field="type", code="unsupported"
            )
        recording = conversation.programmes.setdefault("recording", Recording(conversation, shelf))
        assert isinstance(recording, Recording)
        return recording


def persona_of(agent: RoomAgent, available: AvailableModels, where: str) -> Persona:
    """An agent as a client wants it, which is called `where`; raises `ProtocolError` for what is not here."""
    if agent.model is not None and agent.model not in available.llms:
        raise ProtocolError(
            f"no model is called '{agent.model}' here; there are {', '.join(sorted(available.llms))}",
            field=f"{where}.model",
        )
    voice = available.voices.resolve(agent.voice, f"{where}.voice") if agent.voice else None
    if agent.emotion is not None:
        speaking = voice or available.voices.default
        available.voices.check_emotion(speaking, agent.emotion, f"{where}.emotion")
    return Persona(agent.name, agent.instructions, agent.model, voice, agent.speed, agent.emotion)
