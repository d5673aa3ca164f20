"""What a client wants of a debate: that one is held, that it goes on otherwise, a vote."""

from __future__ import annotations

from parley.conversation.connection import Connection
from parley.debate import export
from parley.debate import format as formats
from parley.debate.debate import Debate, held_in
from parley.debate.plan import Plan, Speaker, completed
from parley.errors import ProtocolError, UsageError
from parley.realtime import server_events as se
from parley.realtime.debate_events import (
    DebateCommand,
    DebateSpeaker,
    ExportDebate,
    StartDebate,
    SteerDebate,
    VoteInDebate,
)
from parley.transports.mapping import AvailableModels, check_model


class DebateDesk:
    """Of one connection; the debate is the conversation's, and outlives it."""

    def __init__(self, connection: Connection, available: AvailableModels) -> None:
        self._connection = connection
        self._available = available

    def obey(self, command: DebateCommand) -> se.Event | None:
        """Carry it out and return what is answered; raises `ProtocolError`."""
        match command:
            case StartDebate():
                self._start(command)
            case VoteInDebate():
                self._debate.vote(self._connection.name, command.side)
            case SteerDebate("next"):
                self._debate.skip()
            case SteerDebate("extend"):
                self._debate.extend()
            case SteerDebate("stop"):
                self._debate.stop()
            case SteerDebate():
                self._debate.mute(command.name, muted=command.what == "mute")
            case ExportDebate():
                text = export.FORMATS[f".{command.format}"](self._debate.whole)
                return {
                    "type": "parley.debate.document", "format": command.format, "text": text,
                    "name": f"{export.file_name(self._debate.plan.topic)}.{command.format}",
                }  # fmt: skip
        return None

    @property
    def _debate(self) -> Debate:
        debate = held_in(self._connection.conversation)
        if debate is None:
            raise ProtocolError("no debate is held here; begin one by parley.debate.start", field="type")
        return debate

    def _start(self, command: StartDebate) -> None:
        conversation = self._connection.conversation
        before = held_in(conversation)
        if before is not None and before.state != "over":
            raise ProtocolError("a debate is held here already; end it by parley.debate.stop", field="type")
        debate = conversation.programmes["debate"] = Debate(conversation, self._plan(command))
        try:
            debate.begin()
        except ProtocolError:
            del conversation.programmes["debate"]
            if before is not None:
                conversation.programmes["debate"] = before
            raise

    def _plan(self, command: StartDebate) -> Plan:
        try:
            rules = formats.named(command.format) if isinstance(command.format, str) else formats.of(command.format)
        except UsageError as fault:
            raise ProtocolError(str(fault), field="debate.format") from fault
        debaters = [self._speaker(one, f"debate.debaters[{n}]") for n, one in enumerate(command.debaters)]
        led = command.moderator
        moderator = self._speaker(led, "debate.moderator") if led is not None else None
        voices, is_here = self._available.voices, self._connection.conversation.models.voice_is_here
        at_hand = [voices.default, *(voice for voice in voices.known if voice != voices.default and is_here(voice))]
        return completed(
            command.topic, rules, debaters, moderator, at_hand, minutes=command.minutes, spectated=command.spectated
        )

    def _speaker(self, wanted: DebateSpeaker, where: str) -> Speaker:
        available = self._available
        if wanted.model is not None:
            check_model(wanted.model, available.llms, f"{where}.model")
        voice = available.voices.resolve(wanted.voice, f"{where}.voice") if wanted.voice else None
        return Speaker(wanted.name, wanted.side, wanted.instructions, wanted.model, voice, wanted.speed)
