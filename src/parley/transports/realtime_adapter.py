"""Between a conversation and the protocol: commands become calls, notifications become server events."""

# Above 300 lines: one kind of client event after the other, each handed on in a line or two.
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from parley.audio.formats import AudioFormat
from parley.conversation import notifications as nt
from parley.conversation.connection import Connection
from parley.conversation.items import new_id
from parley.conversation.output.playout import PlayoutFrame
from parley.debate.debate import place_in
from parley.errors import AudioError, Overloaded, ProtocolError
from parley.realtime import client_events as ce
from parley.realtime import server_events as se
from parley.realtime.debate_events import DebateCommand
from parley.realtime.reader import decoded
from parley.realtime.room_events import RoomCommand
from parley.realtime.session_object import Extensions, RealtimeSession
from parley.realtime.session_update import updated
from parley.transports import rights
from parley.transports.audio_sink import AudioSink, AudioTarget
from parley.transports.client_items import found, item_of
from parley.transports.debate_desk import DebateDesk
from parley.transports.incoming import IncomingAudio, base64_bytes
from parley.transports.mapping import AvailableModels, settings_of
from parley.transports.pacing import BLIND_LEAD_S, Pacer, Ticker
from parley.transports.response_request import options_of
from parley.transports.returning import Resume
from parley.transports.room_desk import RoomDesk, RoomServices
from parley.transports.server_event_encoder import ServerEventEncoder

log = structlog.get_logger("conversation")

_SHORTEST_COMMIT_S = 0.1
_MOST_TOLD = 200  # of the items that were there before a client came


class RealtimeAdapter:
    """One client's protocol. `send` gets server events, `sound` makes what carries the answers' sound."""

    def __init__(
        self,
        connection: Connection,
        shown: RealtimeSession,
        available: AvailableModels,
        send: Callable[[se.Event], None],
        sound: Callable[[RealtimeAdapter], AudioSink],
        ticker: Ticker | None = None,
        *,
        services: RoomServices | None = None,
        lead_s: float = BLIND_LEAD_S,
        latency_s: float = 0.0,
    ) -> None:
        """Listen by `connection`; `services`: what the server has for several; for the others see `Pacer`."""
        self.connection = connection
        self.conversation = connection.conversation
        self.shown = shown
        self._available = available
        self._desk = RoomDesk(connection, available, services)
        self._debate = DebateDesk(connection, available)
        self._send = send
        self._started = self._refused_sound = False
        self.away = False
        """Whether the client has said that it is gone for a moment: its connection ends without a farewell."""
        self._others: set[str] = set()
        """Responses beside the conversation that others asked for."""
        self._incoming = IncomingAudio()
        self._sound = sound(self)
        self._encoder = ServerEventEncoder(lambda: self.shown, connection.place)
        self.pacer = connection.listen(lambda outlet: Pacer(outlet, self, ticker, lead_s=lead_s, latency_s=latency_s))
        self.pacer.exact = self._is_exact
        self.conversation.ears[connection.name] = self._sound.overhear
        self._set_vad()

    @property
    def _is_exact(self) -> bool:
        return self._sound.reports and bool(self.shown.extensions and self.shown.extensions.exact)

    # -- in -------------------------------------------------------------------------------------------

    def start(self, resume: Resume | None = None) -> None:
        """First events of the connection; what happened before is nothing to it."""
        self._started = True
        self.send({"type": "session.created", "session": self.shown.to_json()})
        if resume is not None and self.extended is not None:
            self.send(
                {"type": "parley.resume", "token": resume.token, "kept_s": resume.kept_s, "resumed": resume.resumed}
            )
        if self.extended is not None and (items := self.conversation.history.items):
            told = [self._encoder.item(item) for item in items[-_MOST_TOLD:]]
            self.send({"type": "parley.room.items", "items": told})

    def receive_text(self, text: str | bytes, reply: Callable[[se.Event], None] | None = None) -> None:
        """Take a client event as it came over the wire; `reply` gets its errors instead of all who listen."""
        try:
            event = decoded(text)
        except ProtocolError as fault:
            (reply or self.send)(se.error(str(fault), code=fault.code))
            return
        self.receive(event, reply)

    def receive(self, event: Any, reply: Callable[[se.Event], None] | None = None) -> None:
        """Take a client event; what is wrong with it goes back as an ``error`` event."""
        event_id = event.get("event_id") if isinstance(event, dict) else None
        event_id = event_id if isinstance(event_id, str) else None
        self._guard(lambda: self._obey(ce.read_command(event)), event_id, reply or self.send)

    def receive_audio(self, data: bytes) -> None:
        """Binary input audio in the session's input format."""
        self._guard(lambda: self._append(data), None, self.send)

    def _guard(self, work: Callable[[], None], event_id: str | None, reply: Callable[[se.Event], None]) -> None:
        """What a client did wrong is told to it; the session goes on."""
        try:
            work()
        except ProtocolError as fault:
            reply(se.error(str(fault), code=fault.code, param=fault.field, event_id=event_id))
        except AudioError as fault:
            reply(se.error(str(fault), code="invalid_audio", param="audio", event_id=event_id))
        except Overloaded as fault:
            reply(se.error(str(fault), kind="server_error", code="overloaded", event_id=event_id))
        except Exception as fault:
            log.error("a client's event broke", session=self.conversation.id, exc_info=True)
            message = f"internal error ({type(fault).__name__}); the conversation goes on"
            reply(se.error(message, kind="server_error", code="internal_error", event_id=event_id))

    def _obey(self, command: ce.Command) -> None:
        connection, conversation = self.connection, self.conversation
        rights.check(command, connection.place, muted=conversation.circle.is_muted(connection.name))
        match command:
            case ce.AppendAudio():
                self._append(base64_bytes(command.audio, "audio"))
            case ce.PlayoutPosition():
                self._take_position(command)
            case ce.UpdateSession():
                self._update(command)
            case ce.CommitAudio():
                self._commit()
            case ce.ClearAudio():
                self._incoming.forget()
                connection.clear_input()
            case ce.GoAway():
                self.away = True
            case ce.ClearOutput():
                conversation.cancel_response()
            case ce.CreateResponse():
                self._create_response(command)
            case ce.CancelResponse():
                self._cancel_response(command)
            case _ if isinstance(command, RoomCommand | DebateCommand):
                self._obey_about_the_room(command)
            case _:
                self._obey_about_items(command)

    def _obey_about_the_room(self, command: RoomCommand | DebateCommand) -> None:
        if self.extended is None:
            raise ProtocolError("connect with ?parley=1 for this", field="type", code="unsupported")
        answer = self._debate.obey(command) if isinstance(command, DebateCommand) else self._desk.obey(command)
        if answer is not None:
            self.send(answer)

    def _commit(self) -> None:
        held_s = self.connection.uncommitted_s
        if held_s < _SHORTEST_COMMIT_S:
            raise ProtocolError(
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but "
                f"buffer only has {held_s * 1000:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        self._incoming.forget()
        self.connection.commit_input()

    def _cancel_response(self, command: ce.CancelResponse) -> None:
        if not self.conversation.cancel_response(command.response_id):
            raise ProtocolError("Cancellation failed: no active response found", code="response_cancel_not_active")

    def _obey_about_items(self, command: ce.Command) -> None:
        conversation = self.conversation
        match command:
            case ce.CreateItem(item=new) if new.audio:
                wire = self.shown.input_format
                whole = b"".join(base64_bytes(sound, field) for field, sound in new.audio)
                samples = AudioFormat(wire.type, wire.rate).decode(whole)
                item = replace(item_of(replace(new, audio=()), self.connection.name), spoken=True)
                conversation.audio_items.add(item, command.after, samples, wire.rate)
            case ce.CreateItem():
                conversation.add_item(item_of(command.item, self.connection.name), command.after)
            case ce.RetrieveItem():
                item = found(conversation.history, command.item_id, "retriev")
                self.send({"type": "conversation.item.retrieved", "item": self._encoder.item(item)})
            case ce.DeleteItem():
                conversation.delete_item(found(conversation.history, command.item_id, "delet").id)
            case ce.TruncateItem():
                self.connection.truncate_item(
                    found(conversation.history, command.item_id, "truncat").id, command.audio_end_ms
                )
            case _:
                raise AssertionError(f"nobody obeys {command}")

    def _append(self, data: bytes) -> None:
        if not self.connection.place.speaks:
            if self._refused_sound:
                return  # once is enough: an open microphone goes on and on
            self._refused_sound = True
            raise ProtocolError("this connection only listens: its sound is not taken", field="audio", code="listener")
        wire = self.shown.input_format
        samples = self._incoming.samples(data, wire)
        if len(samples):
            self.connection.append_audio(samples, wire.rate)

    def _create_response(self, wish: ce.CreateResponse) -> None:
        if not self.shown.answers:
            raise ProtocolError(
                "'response.create' is not available in a transcription session, which never answers",
                field="type", code="unsupported",
            )  # fmt: skip
        written = (wish.modality or self.shown.output_modality) == "text"
        if (active := self.conversation.active_response) is not None and not (wish.out_of_band and written):
            raise ProtocolError(
                f"Conversation already has an active response in progress: {active}. Wait until the response is "
                "finished before creating a new one.",
                code="conversation_already_has_active_response",
            )
        self.conversation.request_response(options_of(wish, self.shown, self.connection, self._available))

    def _update(self, command: ce.UpdateSession) -> None:
        changed = updated(self.shown, command.session)
        others: tuple[str, ...] = ()
        if not self.connection.place.host:
            changed, others = rights.own_part(self.shown, changed)
        self._available.check(self.shown, changed)
        settings = settings_of(changed, self.connection.settings, self._available)
        before, self.shown = self.shown, changed
        if changed.input_format != before.input_format:
            self._incoming.forget()
        self.pacer.exact = self._is_exact
        self._set_vad()
        self.connection.update(settings)
        self.send({"type": "session.updated", "session": changed.to_json()})
        if others:
            raise ProtocolError(
                f"only the host of the conversation changes {', '.join(others)}; the rest counts",
                field=f"session.{others[0]}", code="not_the_host",
            )  # fmt: skip

    def _set_vad(self) -> None:
        if (detection := self.shown.turn_detection) is not None:
            self.connection.set_vad(detection.threshold, detection.prefix_padding_ms / 1000)

    def _take_position(self, command: ce.PlayoutPosition) -> None:
        until_s = command.audio_ms / 1000
        key = self.conversation.response_key(command.response_id)
        if key is None:
            self.connection.correct_heard(command.response_id, until_s)
            return
        self.pacer.report(key, until_s)
        if command.kind == "finished":
            self.pacer.finished(key)

    # -- out ------------------------------------------------------------------------------------------

    @property
    def extended(self) -> Extensions | None:
        """What the client opted in to."""
        return self.shown.extensions

    def send(self, event: se.Event) -> None:
        """Send a server event; it gets its id here."""
        self._send({"event_id": new_id("event"), **event})

    def tell(self, notification: nt.Notification) -> None:
        """Send the events of a notification; those of a response beside the conversation are its client's alone."""
        if not self._started or self._is_anothers(notification):
            return
        for event in self._encoder.encode(notification):
            self.send(event)

    def _is_anothers(self, notification: nt.Notification) -> bool:
        match notification:
            case nt.ResponseStarted(out_of_band=True) if notification.participant != self.connection.name:
                self._others.add(notification.response)
            case nt.ResponseEnded() if notification.response in self._others:
                self._others.discard(notification.response)
                return True
        return getattr(notification, "response", None) in self._others

    def _target(self, key: str) -> AudioTarget | None:
        """Where the sound of the turn-taker's response `key` belongs."""
        response = self.conversation.response(key)
        if response is None or response.message is None:
            return None
        wire = self._encoder.shape(response.id).wire
        place = place_in(self.conversation, response.agent)
        return AudioTarget(response.id, response.message.id, response.items.index(response.message), wire, place)

    def deliver(self, frame: PlayoutFrame) -> None:
        """See `Carrier`, as with the following three."""
        if (target := self._target(frame.response)) is not None:
            self._sound.deliver(frame, target)

    def all_sent(self, response: str) -> None:
        """See `Carrier`."""
        if (target := self._target(response)) is not None:
            self._sound.all_sent(target)

    def finished(self, response: str) -> None:
        """See `Carrier`."""
        self._sound.finished()

    def flushed(self, response: str) -> None:
        """See `Carrier`."""
        self._sound.flushed()
