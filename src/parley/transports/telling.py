"""Happenings of a session as server events, in the order in which the official service sends them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parley.conversation import happenings as hp
from parley.conversation.items import Item
from parley.realtime import items
from parley.realtime import server_events as se
from parley.turns.actions import Ending

if TYPE_CHECKING:
    from parley.transports.bridge import Bridge

_STATUS = {Ending.FINISHED: "completed", Ending.CUT: "cancelled", Ending.FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class AudioTarget:
    """Where a response's sound belongs."""

    response: str
    item: str
    index: int


class Teller:
    """Turns happenings into events; called in order, never concurrently."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._modality: dict[str, str] = {}
        self._rules: dict[type, Callable[[Any], None]] = {
            hp.SpeechStarted: self._speech_started,
            hp.SpeechStopped: self._speech_stopped,
            hp.InputTaken: self._input_taken,
            hp.InputCleared: lambda _: self._send({"type": "input_audio_buffer.cleared"}),
            hp.ItemAdded: lambda h: self._send(se.item_event("added", self.item(h.item), h.previous)),
            hp.ItemDone: lambda h: self._send(se.item_event("done", self.item(h.item), h.previous)),
            hp.ItemDeleted: lambda h: self._send({"type": "conversation.item.deleted", "item_id": h.item}),
            hp.ItemTruncated: self._truncated,
            hp.HeardChanged: self._heard_changed,
            hp.TranscriptDone: self._transcript_done,
            hp.TranscriptFailed: lambda h: self._send(se.transcription_failed(h.item, h.message)),
            hp.ResponseStarted: self._response_started,
            hp.AnswerItemStarted: self._item_started,
            hp.AnswerText: self._text,
            hp.AnswerWords: self._words,
            hp.AnswerArguments: self._arguments,
            hp.AnswerItemDone: self._item_done,
            hp.ResponseEnded: self._response_ended,
            hp.Waterfall: self._waterfall,
            hp.PreparedAnswer: lambda h: self._extension(
                {"type": "parley.prepared", "used": h.used, "spent_ms": h.spent_ms}
            ),
            hp.PlayoutPaused: lambda h: self._playout("pause", h),
            hp.PlayoutResumed: lambda h: self._playout("resume", h),
            hp.PlayoutFlushed: self._flushed,
            hp.StateChanged: lambda h: self._extension({"type": "parley.state", "state": h.state}),
            hp.IdleTimedOut: self._idle,
        }

    def tell(self, happening: hp.Happening) -> None:
        """Send the events of a happening."""
        self._rules[type(happening)](happening)

    def _send(self, event: se.Event) -> None:
        self._bridge.send(event)

    def _extension(self, event: se.Event) -> None:
        if self._bridge.extended is not None:
            self._bridge.send(event)

    def item(self, item: Item, *, with_content: bool = True) -> se.Event:
        """An item as the protocol writes it; of an answer, what was heard."""
        if item.kind == "function_call":
            return items.function_call(item.id, item.call_id, item.name, item.arguments, item.status)
        if item.kind == "function_call_output":
            return items.function_call_output(item.id, item.call_id, item.output)
        return items.message(
            item.id, item.role or "user", item.heard_text, item.status, spoken=item.spoken, with_content=with_content
        )

    def audio_target(self, key: str) -> AudioTarget | None:
        """Where the sound of the turn-taker's response `key` belongs."""
        answer = self._bridge.session.answer(key)
        if answer is None or answer.message is None:
            return None
        return AudioTarget(answer.id, answer.message.id, answer.items.index(answer.message))

    # -- input ----------------------------------------------------------------------------------------

    def _speech_started(self, h: hp.SpeechStarted) -> None:
        self._send({"type": "input_audio_buffer.speech_started", "item_id": h.item, "audio_start_ms": h.at_ms})

    def _speech_stopped(self, h: hp.SpeechStopped) -> None:
        self._send({"type": "input_audio_buffer.speech_stopped", "item_id": h.item, "audio_end_ms": h.at_ms})

    def _input_taken(self, h: hp.InputTaken) -> None:
        self._send({"type": "input_audio_buffer.committed", "item_id": h.item, "previous_item_id": h.previous})

    def _transcript_done(self, h: hp.TranscriptDone) -> None:
        if self._bridge.shown.transcription_model is None:
            return
        if h.text:
            self._send(se.transcription_delta(h.item, h.text))
        self._send(se.transcription_completed(h.item, h.text, h.seconds))

    def _idle(self, h: hp.IdleTimedOut) -> None:
        self._send({
            "type": "input_audio_buffer.timeout_triggered", "item_id": h.item, "audio_start_ms": h.at_ms,
            "audio_end_ms": h.at_ms,
        })  # fmt: skip

    # -- answers --------------------------------------------------------------------------------------

    def _response_started(self, h: hp.ResponseStarted) -> None:
        shown = self._bridge.shown
        self._send({"type": "response.created", "response": se.response_object(
            h.response, "in_progress", modality=shown.output_modality, voice=shown.voice,
            audio_format=shown.output_format.to_json(), metadata=h.metadata,
            conversation=None if h.out_of_band else "conv_" + shown.id.removeprefix("sess_"),
        )})  # fmt: skip

    def _item_started(self, h: hp.AnswerItemStarted) -> None:
        item = self.item(h.item, with_content=False)
        at = {"response_id": h.response, "output_index": h.index}
        self._send({"type": "response.output_item.added", **at, "item": item})
        self._send(se.item_event("added", item, h.previous))
        if h.item.kind == "message":
            part = {"type": "audio", "transcript": ""} if h.item.spoken else {"type": "text", "text": ""}
            self._modality[h.item.id] = "output_audio_transcript" if h.item.spoken else "output_text"
            self._send(se.part_event("response.content_part.added", h.response, h.item.id, h.index, part=part))

    def _text(self, h: hp.AnswerText) -> None:
        kind = self._modality.get(h.item, "output_audio_transcript")
        self._send(se.part_event(f"response.{kind}.delta", h.response, h.item, h.index, delta=h.text))

    def _words(self, h: hp.AnswerWords) -> None:
        words = [[end, round(start_s * 1000)] for end, start_s in h.words]
        self._extension({"type": "parley.response.words", "response_id": h.response, "item_id": h.item, "words": words})

    def _arguments(self, h: hp.AnswerArguments) -> None:
        self._send({
            "type": "response.function_call_arguments.delta", "response_id": h.response, "item_id": h.item,
            "output_index": h.index, "call_id": h.call_id, "delta": h.delta,
        })  # fmt: skip

    def _item_done(self, h: hp.AnswerItemDone) -> None:
        item = h.item
        if item.kind == "function_call":
            self._send({
                "type": "response.function_call_arguments.done", "response_id": h.response, "item_id": item.id,
                "output_index": h.index, "call_id": item.call_id, "name": item.name, "arguments": item.arguments,
            })  # fmt: skip
        else:
            self._message_done(h)
        shape = self.item(item)
        self._send(se.item_event("done", shape, h.previous))
        self._send({
            "type": "response.output_item.done", "response_id": h.response, "output_index": h.index, "item": shape
        })  # fmt: skip

    def _message_done(self, h: hp.AnswerItemDone) -> None:
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

    def _response_ended(self, h: hp.ResponseEnded) -> None:
        shown = self._bridge.shown
        status = "incomplete" if h.reason == "max_output_tokens" else _STATUS[h.ending]
        details: se.Event = {"type": status}
        if status in ("cancelled", "incomplete"):
            details["reason"] = h.reason
        elif h.ending is Ending.FAILED:
            details["error"] = {"type": "server_error", "code": "response_failed", "message": h.reason}
        usage = se.usage_object(h.usage.input_tokens, h.usage.output_tokens, h.usage.cached_tokens)
        self._send({"type": "response.done", "response": se.response_object(
            h.response, status, output=[self.item(i) for i in h.items], modality=shown.output_modality,
            voice=shown.voice, audio_format=shown.output_format.to_json(), details=details, usage=usage,
            metadata=h.metadata, conversation=None if h.out_of_band else "conv_" + shown.id.removeprefix("sess_"),
        )})  # fmt: skip

    # -- what was heard -------------------------------------------------------------------------------

    def _truncated(self, h: hp.ItemTruncated) -> None:
        self._send({
            "type": "conversation.item.truncated", "item_id": h.item, "content_index": 0,
            "audio_end_ms": h.audio_end_ms,
        })  # fmt: skip

    def _heard_changed(self, h: hp.HeardChanged) -> None:
        self._extension({
            "type": "parley.response.heard", "response_id": h.response, "item_id": h.item, "text": h.text,
            "heard_text": h.heard_text, "audio_ms": h.audio_ms,
        })  # fmt: skip

    def _waterfall(self, h: hp.Waterfall) -> None:
        self._extension({
            "type": "parley.waterfall", "response_id": h.response, "total_ms": h.total_ms, "parts_ms": dict(h.parts_ms)
        })  # fmt: skip

    def _playout(self, kind: str, h: hp.PlayoutPaused | hp.PlayoutResumed) -> None:
        pacer = self._bridge.pacer
        if pacer.exact:
            (pacer.paused if kind == "pause" else pacer.resumed)()
        self._extension({"type": f"parley.playout.{kind}", "response_id": h.response, "item_id": h.item})

    def _flushed(self, h: hp.PlayoutFlushed) -> None:
        self._bridge.pacer.stopped(h.key)
        self._bridge.sound.flushed()
        self._extension({"type": "parley.playout.flush", "response_id": h.response, "item_id": h.item})
