"""Happenings of a session as server events, in the order in which the official service sends them.

House rules: encoding has no consequences. What it remembers is only what later events of the same response repeat.
"""

# Above 300 lines: one kind of notification after the other.
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from parley.conversation import notifications as nt
from parley.conversation.circle import Place
from parley.conversation.items import Item
from parley.realtime import items
from parley.realtime import server_events as se
from parley.realtime.client_events import CreateResponse
from parley.realtime.session_object import RealtimeSession, WireFormat
from parley.turns.actions import Ending

_STATUS = {Ending.FINISHED: "completed", Ending.CUT: "cancelled", Ending.FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class ResponseShape:
    """A response's settings as its client sees them: the session's when it was asked for, and what it overrides."""

    session: str
    """Id of the session object of who asked for it."""
    modality: str
    voice: str
    wire: WireFormat
    max_output_tokens: int | str
    conversation: str | None
    """None: it is kept out of the conversation."""

    @classmethod
    def of(cls, session: RealtimeSession) -> ResponseShape:
        """Of a response without any overrides."""
        conversation = "conv_" + session.id.removeprefix("sess_")
        return cls(
            session.id, session.output_modality, session.voice, session.output_format, session.max_output_tokens,
            conversation,
        )  # fmt: skip

    def overridden(self, wish: CreateResponse) -> ResponseShape:
        """Of one that was asked for with `wish`."""
        return ResponseShape(
            self.session, wish.modality or self.modality, wish.voice or self.voice, wish.output_format or self.wire,
            wish.max_output_tokens or self.max_output_tokens, None if wish.out_of_band else self.conversation,
        )  # fmt: skip

    def seen_by(self, session: RealtimeSession) -> ResponseShape:
        """The same as another client has it: in its own format, whatever the one asked for who wanted the response."""
        own = ResponseShape.of(session)
        if self.session == own.session:
            return self
        return replace(self, wire=own.wire, conversation=self.conversation and own.conversation)

    def to_json(self, response: str, status: str, **fields: Any) -> se.Event:
        """The response object."""
        return se.response_object(
            response, status, modality=self.modality, voice=self.voice, audio_format=self.wire.to_json(),
            max_output_tokens=self.max_output_tokens, conversation=self.conversation, **fields,
        )  # fmt: skip


class ServerEventEncoder:
    """Turns notifications into events; asked in order, never concurrently."""

    def __init__(self, shown: Callable[[], RealtimeSession], place: Place) -> None:
        """`shown`: the session object as it stands; `place`: what its client is in the conversation."""
        self._place = place
        self._shown = shown
        self._out: list[se.Event] = []
        self._modality: dict[str, str] = {}
        self._shapes: dict[str, ResponseShape] = {}
        """Of the responses that are going on."""
        self._rules: dict[type, Callable[[Any], None]] = {
            nt.SpeechStarted: self._speech_started,
            nt.SpeechStopped: self._speech_stopped,
            nt.InputTaken: self._input_taken,
            nt.InputCleared: lambda h: self._input("cleared", h.participant),
            nt.ItemAdded: lambda h: self._send(se.item_event("added", self.item(h.item), h.previous)),
            nt.ItemDone: lambda h: self._send(se.item_event("done", self.item(h.item), h.previous)),
            nt.ItemDeleted: lambda h: self._send({"type": "conversation.item.deleted", "item_id": h.item}),
            nt.ItemTruncated: self._truncated,
            nt.HeardChanged: self._heard_changed,
            nt.WordsSoFar: self._words_so_far,
            nt.TranscriptDone: self._transcript_done,
            nt.TranscriptFailed: lambda h: self._send(
                self._by(se.transcription_failed(h.item, h.message), participant=h.participant)
            ),
            nt.ResponseStarted: self._response_started,
            nt.ResponseItemStarted: self._item_started,
            nt.ResponseText: self._text,
            nt.ResponseWritten: lambda _: None,
            nt.ResponseWords: self._words,
            nt.ResponseArguments: self._arguments,
            nt.ResponseItemDone: self._item_done,
            nt.ResponseEnded: self._response_ended,
            nt.Waterfall: self._waterfall,
            nt.PreparedResponse: self._prepared,
            nt.PlayoutPaused: lambda h: self._playout("pause", h),
            nt.PlayoutResumed: lambda h: self._playout("resume", h),
            nt.PlayoutFlushed: lambda h: self._playout("flush", h),
            nt.StateChanged: lambda h: self._extension({"type": "parley.state", "state": h.state}),
            nt.ModelKept: lambda h: self._send(
                se.error(f"the model is not changed: {h.why}", kind="server_error", code="model_unavailable")
            ),
            nt.VoiceChosen: self._voice_chosen,
            nt.IdleTimedOut: self._idle,
            nt.RoomChanged: self._room_changed,
            nt.RecordingChanged: lambda h: self._extension({"type": "parley.recording.updated", "recording": h.state}),
            nt.DebateChanged: lambda h: self._extension({"type": "parley.debate.updated", "debate": h.state}),
        }

    def encode(self, notification: nt.Notification) -> list[se.Event]:
        """The events of a notification, without their ids; parley's own only for who opted in."""
        self._out = []
        self._rules[type(notification)](notification)
        return self._out

    def _send(self, event: se.Event) -> None:
        self._out.append(event)

    def _extension(self, event: se.Event) -> None:
        if self._shown().extensions is not None:
            self._out.append(event)

    def _voice_chosen(self, h: nt.VoiceChosen) -> None:
        if h.state == "failed":
            self._send(se.error(f"the voice is not changed: {h.why}", kind="server_error", code="voice_unavailable"))
        self._extension({"type": "parley.voice", "voice": h.voice, "state": h.state})

    def _updated(self, what: str, state: Mapping[str, Any]) -> None:
        self._extension({"type": f"parley.{what}.updated", what: state})

    def _prepared(self, h: nt.PreparedResponse) -> None:
        self._extension({"type": "parley.prepared", "used": h.used, "spent_ms": h.spent_ms})

    def _by(self, event: se.Event, **who: Any) -> se.Event:
        """The same, with whose it is for who opted in."""
        known = {role: name for role, name in who.items() if name}
        return {**event, "parley": known} if known and self._shown().extensions is not None else event

    def item(self, item: Item, *, with_content: bool = True) -> se.Event:
        """An item as the protocol writes it; of an answer, what was heard."""
        return self._by(self._plain_item(item, with_content=with_content), speaker=item.speaker, to=item.to)

    @staticmethod
    def _plain_item(item: Item, *, with_content: bool) -> se.Event:
        if item.kind == "function_call":
            return items.function_call(item.id, item.call_id, item.name, item.arguments, item.status)
        if item.kind == "function_call_output":
            return items.function_call_output(item.id, item.call_id, item.output)
        return items.message(
            item.id, item.role or "user", item.heard_text, item.status, spoken=item.spoken, with_content=with_content
        )

    def shape(self, response: str) -> ResponseShape:
        """The settings of a response that is going on."""
        return self._shapes.get(response) or ResponseShape.of(self._shown())

    # -- input ----------------------------------------------------------------------------------------

    def _speech_started(self, h: nt.SpeechStarted) -> None:
        self._input("speech_started", h.participant, item_id=h.item, audio_start_ms=h.at_ms)

    def _speech_stopped(self, h: nt.SpeechStopped) -> None:
        self._input("speech_stopped", h.participant, item_id=h.item, audio_end_ms=h.at_ms)

    def _input_taken(self, h: nt.InputTaken) -> None:
        self._input("committed", h.participant, item_id=h.item, previous_item_id=h.previous)

    def _words_so_far(self, h: nt.WordsSoFar) -> None:
        if self._shown().transcription is not None:
            words = {"type": "parley.input.words", "item_id": h.item, "text": h.text}
            self._extension(self._by(words, participant=h.participant))

    def _transcript_done(self, h: nt.TranscriptDone) -> None:
        if self._shown().transcription is None:
            return
        if h.text:
            self._send(self._by(se.transcription_delta(h.item, h.text), participant=h.participant))
        done = se.transcription_completed(h.item, h.text, h.seconds)
        self._send(self._by(done, participant=h.participant))

    def _idle(self, h: nt.IdleTimedOut) -> None:
        self._input("timeout_triggered", h.participant, item_id=h.item, audio_start_ms=h.at_ms, audio_end_ms=h.at_ms)

    def _input(self, what: str, participant: str, **fields: Any) -> None:
        self._send(self._by({"type": f"input_audio_buffer.{what}", **fields}, participant=participant))

    def _room_changed(self, h: nt.RoomChanged) -> None:
        listeners = [name for name in h.present if name not in h.people]
        room = {
            "people": list(h.people), "agents": list(h.agents), "listeners": listeners, "floor": h.floor,
            "members": [asdict(member) for member in h.members],
            "you": {"name": self._place.name, "role": self._place.role},
        }  # fmt: skip
        self._extension({"type": "parley.room.updated", "room": room})

    # -- answers --------------------------------------------------------------------------------------

    def _response_started(self, h: nt.ResponseStarted) -> None:
        session = self._shown()
        shape = h.shown.seen_by(session) if h.shown else ResponseShape.of(session)
        if h.out_of_band and not h.shown:  # nobody asked for it
            shape = replace(shape, modality="text", conversation=None)
        self._shapes[h.response] = shape
        response = self._by(
            shape.to_json(h.response, "in_progress", metadata=h.metadata),
            agent=h.agent, to=h.participant, listeners=list(h.listeners),
        )  # fmt: skip
        self._send({"type": "response.created", "response": response})

    def _item_started(self, h: nt.ResponseItemStarted) -> None:
        item = self.item(h.item, with_content=False)
        at = {"response_id": h.response, "output_index": h.index}
        self._send({"type": "response.output_item.added", **at, "item": item})
        if self.shape(h.response).conversation is not None:
            self._send(se.item_event("added", item, h.previous))
        if h.item.kind == "message":
            part = {"type": "audio", "transcript": ""} if h.item.spoken else {"type": "text", "text": ""}
            self._modality[h.item.id] = "output_audio_transcript" if h.item.spoken else "output_text"
            self._send(se.part_event("response.content_part.added", h.response, h.item.id, h.index, part=part))

    def _text(self, h: nt.ResponseText) -> None:
        kind = self._modality.get(h.item, "output_audio_transcript")
        self._send(se.part_event(f"response.{kind}.delta", h.response, h.item, h.index, delta=h.text))

    def _words(self, h: nt.ResponseWords) -> None:
        words = [[end, round(start_s * 1000)] for end, start_s in h.words]
        event = {"type": "parley.response.words", "response_id": h.response, "item_id": h.item, "words": words}
        self._extension({**event, "estimated": True} if h.estimated else event)

    def _arguments(self, h: nt.ResponseArguments) -> None:
        self._send({
            "type": "response.function_call_arguments.delta", "response_id": h.response, "item_id": h.item,
            "output_index": h.index, "call_id": h.call_id, "delta": h.delta,
        })  # fmt: skip

    def _item_done(self, h: nt.ResponseItemDone) -> None:
        item = h.item
        if item.kind == "function_call":
            self._send({
                "type": "response.function_call_arguments.done", "response_id": h.response, "item_id": item.id,
                "output_index": h.index, "call_id": item.call_id, "name": item.name, "arguments": item.arguments,
            })  # fmt: skip
        else:
            self._message_done(h)
        shape = self.item(item)
        if self.shape(h.response).conversation is not None:
            self._send(se.item_event("done", shape, h.previous))
        self._send({
            "type": "response.output_item.done", "response_id": h.response, "output_index": h.index, "item": shape
        })  # fmt: skip

    def _message_done(self, h: nt.ResponseItemDone) -> None:
        self._modality.pop(h.item.id, None)
        at = (h.response, h.item.id, h.index)
        text = h.item.heard_text
        self._modality.pop(h.item.id, None)
        if h.item.spoken:
            self._send(se.part_event("response.output_audio.done", *at))
            self._send(se.part_event("response.output_audio_transcript.done", *at, transcript=text))
            part = {"type": "audio", "transcript": text}
        else:
            self._send(se.part_event("response.output_text.done", *at, text=text))
            part = {"type": "text", "text": text}
        self._send(se.part_event("response.content_part.done", *at, part=part))

    def _response_ended(self, h: nt.ResponseEnded) -> None:
        status = "incomplete" if h.reason == "max_output_tokens" else _STATUS[h.ending]
        details: se.Event = {"type": status}
        if status in ("cancelled", "incomplete"):
            details["reason"] = h.reason
        elif h.ending is Ending.FAILED:
            details["error"] = {"type": "server_error", "code": "response_failed", "message": h.reason}
        usage = se.usage_object(h.usage.input_tokens, h.usage.output_tokens, h.usage.cached_tokens)
        response = self.shape(h.response).to_json(
            h.response, status, output=[self.item(i) for i in h.items], details=details, usage=usage,
            metadata=h.metadata,
        )  # fmt: skip
        self._shapes.pop(h.response, None)
        self._send({"type": "response.done", "response": response})

    # -- what was heard -------------------------------------------------------------------------------

    def _truncated(self, h: nt.ItemTruncated) -> None:
        self._send({
            "type": "conversation.item.truncated", "item_id": h.item, "content_index": 0,
            "audio_end_ms": h.audio_end_ms,
        })  # fmt: skip

    def _heard_changed(self, h: nt.HeardChanged) -> None:
        self._extension({
            "type": "parley.response.heard", "response_id": h.response, "item_id": h.item, "text": h.text,
            "heard_text": h.heard_text, "audio_ms": h.audio_ms,
        })  # fmt: skip

    def _waterfall(self, h: nt.Waterfall) -> None:
        self._extension({
            "type": "parley.waterfall", "response_id": h.response, "total_ms": h.total_ms, "parts_ms": dict(h.parts_ms)
        })  # fmt: skip

    def _playout(self, kind: str, h: nt.PlayoutPaused | nt.PlayoutResumed | nt.PlayoutFlushed) -> None:
        self._extension({"type": f"parley.playout.{kind}", "response_id": h.response, "item_id": h.item})
