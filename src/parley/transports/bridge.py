"""Between a session and the protocol: commands become calls, happenings become server events."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from parley.audio.formats import AudioFormat
from parley.conversation.answer import ResponseWish
from parley.conversation.items import Item, new_id
from parley.conversation.playout import PlayoutFrame
from parley.conversation.session import Session
from parley.errors import AudioError, Overloaded, ProtocolError
from parley.realtime import client_events as ce
from parley.realtime import server_events as se
from parley.realtime.items import NewItem
from parley.realtime.reader import decoded
from parley.realtime.session_object import Extensions, RealtimeSession, updated
from parley.transports.mapping import Choices, chat_tool_choice, chat_tools, settings_of
from parley.transports.pacing import Pacer
from parley.transports.telling import AudioTarget, Teller

log = structlog.get_logger("conversation")

_SHORTEST_COMMIT_S = 0.1


class Sound(Protocol):
    """How an answer's sound reaches the client."""

    reports: bool
    """Whether such a client can say what it has played."""

    def format_changed(self) -> None:
        """The session's output format is another now."""

    def deliver(self, frame: PlayoutFrame, target: AudioTarget) -> None:
        """20 ms of an answer, when they are due."""

    def all_sent(self, target: AudioTarget) -> None:
        """Everything of an answer was delivered."""

    def flushed(self) -> None:
        """The answer was cut: what the client has of it is not to be heard."""


@dataclass(frozen=True, slots=True)
class Resume:
    """How a client comes back to its conversation after a lost connection."""

    token: str
    kept_s: float
    resumed: bool = False
    """Whether this connection is such a return."""


class Bridge:
    """One client's protocol. `send` gets server events, `sound` makes what carries the answers' sound."""

    def __init__(
        self,
        session: Session,
        shown: RealtimeSession,
        choices: Choices,
        send: Callable[[se.Event], None],
        sound: Callable[[Bridge], Sound],
    ) -> None:
        self.session = session
        self.shown = shown
        self._choices = choices
        self._send = send
        self.pacer = Pacer(session, self._deliver)
        self.pacer.on_all_sent = self._all_sent
        self.sound = sound(self)
        self.pacer.exact = self._is_exact
        self.teller = Teller(self)

    @property
    def _is_exact(self) -> bool:
        return self.sound.reports and bool(self.shown.extensions and self.shown.extensions.exact)

    # -- in -------------------------------------------------------------------------------------------

    def start(self, resume: Resume | None = None) -> None:
        """First events of the connection."""
        self.send({"type": "session.created", "session": self.shown.to_json()})
        if resume is not None and self.extended is not None:
            self.send(
                {"type": "parley.resume", "token": resume.token, "kept_s": resume.kept_s, "resumed": resume.resumed}
            )

    def receive_text(self, text: str | bytes) -> None:
        """Take a client event as it came over the wire."""
        try:
            event = decoded(text)
        except ProtocolError as fault:
            self.send(se.error(str(fault), code=fault.code))
            return
        self.receive(event)

    def receive(self, event: Any) -> None:
        """Take a client event; what is wrong with it goes back as an ``error`` event."""
        event_id = event.get("event_id") if isinstance(event, dict) else None
        event_id = event_id if isinstance(event_id, str) else None
        self._guard(lambda: self._obey(ce.read_command(event)), event_id)

    def receive_audio(self, data: bytes) -> None:
        """Binary input audio in the session's input format."""
        self._guard(lambda: self._append(data), None)

    def _guard(self, work: Callable[[], None], event_id: str | None) -> None:
        """What a client did wrong is told to it; the session goes on."""
        try:
            work()
        except ProtocolError as fault:
            self.send(se.error(str(fault), code=fault.code, param=fault.field, event_id=event_id))
        except AudioError as fault:
            self.send(se.error(str(fault), code="invalid_audio", param="audio", event_id=event_id))
        except Overloaded as fault:
            self.send(se.error(str(fault), kind="server_error", code="overloaded", event_id=event_id))
        except Exception as fault:
            log.error("a client's event broke", session=self.session.id, exc_info=True)
            message = f"internal error ({type(fault).__name__}); the conversation goes on"
            self.send(se.error(message, kind="server_error", code="internal_error", event_id=event_id))

    def _obey(self, command: ce.Command) -> None:
        session = self.session
        match command:
            case ce.AppendAudio():
                self._append(_base64(command.audio))
            case ce.PlayoutPosition():
                self._take_position(command)
            case ce.UpdateSession():
                self._update(command)
            case ce.CommitAudio():
                if session.uncommitted_s < _SHORTEST_COMMIT_S:
                    raise ProtocolError(
                        f"the input audio buffer holds {session.uncommitted_s * 1000:.0f} ms, at least 100 are needed",
                        code="input_audio_buffer_commit_empty",
                    )
                session.commit_input()
            case ce.ClearAudio():
                session.clear_input()
            case ce.ClearOutput():
                session.cancel_response()
            case ce.CreateResponse():
                self._create_response(command)
            case ce.CancelResponse():
                if not session.cancel_response(command.response_id):
                    raise ProtocolError("no response is active", code="response_cancel_not_active")
            case _:
                self._obey_about_items(command)

    def _obey_about_items(self, command: ce.Command) -> None:
        session = self.session
        match command:
            case ce.CreateItem(item=new) if new.audio is not None:
                wire = self.shown.input_format
                samples = AudioFormat(wire.type, wire.rate).decode(_base64(new.audio))
                item = replace(self._item(replace(new, audio=None)), spoken=True)
                session.recorded.add(item, command.after, samples, wire.rate)
            case ce.CreateItem():
                session.add_item(self._item(command.item), command.after)
            case ce.RetrieveItem():
                item = session.history.get(command.item_id)
                self.send({"type": "conversation.item.retrieved", "item": self.teller.item(item)})
            case ce.DeleteItem():
                session.delete_item(command.item_id)
            case ce.TruncateItem():
                session.truncate_item(command.item_id, command.audio_end_ms)
            case _:
                raise AssertionError(f"nobody obeys {command}")

    def _append(self, data: bytes) -> None:
        wire = self.shown.input_format
        samples = AudioFormat(wire.type, wire.rate).decode(data)
        if len(samples):
            self.session.append_audio(samples, wire.rate)

    def _item(self, new: NewItem) -> Item:
        if new.audio is not None:
            raise ProtocolError(
                "recorded audio in a response's own input is not supported; create an item of it first",
                field="response.input", code="unsupported",
            )  # fmt: skip
        return Item(
            new.id or new_id("item"), new.type, new.role, new.text, call_id=new.call_id, name=new.name,
            arguments=new.arguments, output=new.output,
        )  # fmt: skip

    def _create_response(self, wish: ce.CreateResponse) -> None:
        written = (wish.modality or self.shown.output_modality) == "text"
        if self.session.active_response is not None and not (wish.out_of_band and written):
            raise ProtocolError(
                f"response {self.session.active_response} is still in progress; cancel it or wait for its end",
                code="conversation_already_has_active_response",
            )
        entries = None
        if wish.input is not None:
            entries = [self.session.history.get(e) if isinstance(e, str) else self._item(e) for e in wish.input]
        tools = wish.tools if wish.tools is not None else self.shown.tools
        self.session.request_response(
            ResponseWish(
                instructions=wish.instructions,
                tools=chat_tools(tools),
                tool_choice=chat_tool_choice(wish.tool_choice),
                max_output_tokens=wish.max_output_tokens,
                modality=wish.modality,
                voice=self._choices.voices.resolve(wish.voice) if wish.voice else None,
                metadata=wish.metadata,
                out_of_band=wish.out_of_band,
                input=entries,
            )
        )

    def _update(self, command: ce.UpdateSession) -> None:
        changed = updated(self.shown, command.session)
        self._choices.check(self.shown, changed)
        settings = settings_of(changed, self.session.settings, self._choices)
        before, self.shown = self.shown, changed
        if changed.output_format != before.output_format:
            self.sound.format_changed()
        self.pacer.exact = self._is_exact
        if changed.turn_detection is not None:
            detection = changed.turn_detection
            self.session.set_vad(detection.threshold, detection.prefix_padding_ms / 1000)
        self.session.update(settings)
        self.send({"type": "session.updated", "session": changed.to_json()})

    def _take_position(self, command: ce.PlayoutPosition) -> None:
        until_s = command.audio_ms / 1000
        key = self.session.response_key(command.response_id)
        if key is None:
            self.session.correct_heard(command.response_id, until_s)
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

    def _deliver(self, frame: PlayoutFrame) -> None:
        target = self.teller.audio_target(frame.response)
        if target is not None:
            self.sound.deliver(frame, target)

    def _all_sent(self, key: str) -> None:
        target = self.teller.audio_target(key)
        if target is not None:
            self.sound.all_sent(target)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ProtocolError(f"'audio' is not base64 ({fault})", field="audio", code="invalid_base64") from fault
