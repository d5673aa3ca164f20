"""Server events of the protocol as dictionaries; `event` gives each its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Event = dict[str, Any]

STOCK_EVENTS = {
    "session.created": "first event of a connection",
    "session.updated": "answer to session.update",
    "conversation.item.added": "an item entered the conversation",
    "conversation.item.done": "an item is complete",
    "conversation.item.retrieved": "answer to conversation.item.retrieve",
    "conversation.item.deleted": "answer to conversation.item.delete; also of a turn that went on when its answer "
    "had begun, and of that answer: the whole turn follows as an item of its own",
    "conversation.item.truncated": "answer to conversation.item.truncate",
    "conversation.item.input_audio_transcription.delta": "the words of a spoken turn, at its commit, in one delta",
    "conversation.item.input_audio_transcription.completed": "after the delta",
    "conversation.item.input_audio_transcription.failed": "the recogniser failed",
    "input_audio_buffer.committed": "a spoken turn became an item",
    "input_audio_buffer.cleared": "answer to input_audio_buffer.clear",
    "input_audio_buffer.speech_started": "a turn began; over an answer, once the interruption is confirmed",
    "input_audio_buffer.speech_stopped": "the turn is over",
    "input_audio_buffer.timeout_triggered": "idle_timeout_ms passed",
    "response.created": "an answer was committed",
    "response.output_item.added": "an item of the answer begins",
    "response.output_item.done": "an item of the answer ends",
    "response.content_part.added": "its content begins",
    "response.content_part.done": "its content ends",
    "response.output_text.delta": "written text",
    "response.output_text.done": "written text is complete",
    "response.output_audio_transcript.delta": "text of the spoken answer, ahead of its sound",
    "response.output_audio_transcript.done": "what counts of it: all, or up to the last word heard",
    "response.output_audio.delta": "20 ms of sound, paced as it is to be played",
    "response.output_audio.done": "no more sound",
    "response.function_call_arguments.delta": "arguments of a function call",
    "response.function_call_arguments.done": "the arguments are complete",
    "output_audio_buffer.started": "WebRTC: the first sound of an answer leaves",
    "output_audio_buffer.stopped": "WebRTC: it was played to its end",
    "output_audio_buffer.cleared": "WebRTC: it was cut; nothing more of it sounds",
    "response.done": "the answer ended, with status and usage",
    "error": "something the client sent could not be done; names the field",
}
"""Every stock event that this server sends, and when."""

NEVER_SENT = {
    "conversation.created": "gone from the GA protocol",
    "conversation.item.created": "gone from the GA protocol, replaced by conversation.item.added",
    "conversation.item.input_audio_transcription.segment": "speakers are not told apart",
    "input_audio_buffer.dtmf_event_received": "telephony (SIP) only",
    "rate_limits.updated": "a self-hosted server has no token rate limits",
    "mcp_list_tools.in_progress": "no MCP servers",
    "mcp_list_tools.completed": "no MCP servers",
    "mcp_list_tools.failed": "no MCP servers",
    "response.mcp_call_arguments.delta": "no MCP servers",
    "response.mcp_call_arguments.done": "no MCP servers",
    "response.mcp_call.in_progress": "no MCP servers",
    "response.mcp_call.completed": "no MCP servers",
    "response.mcp_call.failed": "no MCP servers",
}
"""Every stock event that this server never sends, and why."""

VOICES = 0
"""The stream of binary sound that has what other people of the conversation say."""
EXTENSION_EVENTS = {
    "parley.state": "the derived state changed",
    "parley.playout.begin": "a response's sound begins; maps the stream number of binary audio to it",
    "parley.playout.pause": "stop playing at once, keep the rest, answer parley.playout.paused",
    "parley.playout.resume": "go on with the next sample",
    "parley.playout.flush": "throw the rest away, answer parley.playout.flushed",
    "parley.playout.end": "everything was sent; answer parley.playout.finished once it was played",
    "parley.input.words": "what a turn that is still being spoken was understood as so far; its words may change",
    "parley.response.heard": "how much of an ended answer was heard is known better now",
    "parley.response.words": "when words of an answer sound: [end in the text, milliseconds from its first sample]; "
    "estimated: true where they are reckoned, because the voice tells none",
    "parley.room.items": "to who comes, or comes back, to a conversation: what was said there, the last 200 items",
    "parley.room.updated": "who takes part changed: people, agents, those who only listen, the floor",
    "parley.room.invitation": "answer to parley.room.invite: who shows the token in the place of a key joins",
    "parley.voices.delta": "what other people say, mixed (base64); binary clients get it as stream 0",
    "parley.debate.updated": "a debate stands otherwise: who speaks, who is next, votes; at its end what came of it",
    "parley.debate.document": "answer to parley.debate.export: what was said so far, as a document",
    "parley.recording.updated": "the conversation is recorded, or not, or somebody has been asked",
    "parley.voice": "a voice was chosen that was not in memory: it is coming (the one before it speaks meanwhile), is "
    "here, or failed",
    "parley.resume": "after session.created: a token that takes a lost connection up again (?resume=TOKEN), and "
    "whether this one is such a return",
    "parley.waterfall": "where the time of an answer went, milliseconds",
    "parley.prepared": "an answer that was begun before its turn was over is used, or was of no use; time spent on it",
}
"""Sent only to clients that opted in."""


def error(message: str, *, kind: str = "invalid_request_error", code: str | None = None,
          param: str | None = None, event_id: str | None = None,
          retry_after_s: float | None = None) -> Event:  # fmt: skip
    """An ``error`` event; `retry_after_s` is parley's own field: when asking again may help."""
    fields: Event = {"type": kind, "code": code, "message": message, "param": param, "event_id": event_id}
    if retry_after_s is not None:
        fields["retry_after_s"] = retry_after_s
    return {"type": "error", "error": fields}


def transcription_completed(item_id: str, text: str, seconds: float) -> Event:
    """The words of a spoken turn."""
    return {
        "type": "conversation.item.input_audio_transcription.completed", "item_id": item_id, "content_index": 0,
        "transcript": text, "usage": {"type": "duration", "seconds": round(seconds, 3)},
    }  # fmt: skip


def transcription_delta(item_id: str, text: str) -> Event:
    """The same words as a delta."""
    return {
        "type": "conversation.item.input_audio_transcription.delta", "item_id": item_id, "content_index": 0,
        "delta": text,
    }  # fmt: skip


def transcription_failed(item_id: str, message: str) -> Event:
    """The recogniser failed."""
    return {
        "type": "conversation.item.input_audio_transcription.failed", "item_id": item_id, "content_index": 0,
        "error": {"type": "transcription_error", "code": "recognition_failed", "message": message, "param": None},
    }  # fmt: skip


def item_event(kind: str, item: Event, previous: str | None) -> Event:
    """``conversation.item.added`` or ``done``."""
    return {"type": f"conversation.item.{kind}", "previous_item_id": previous, "item": item}


def part_event(name: str, response: str, item: str, index: int, **fields: Any) -> Event:
    """An event about the content of an answer's item."""
    return {"type": name, "response_id": response, "item_id": item, "output_index": index, "content_index": 0, **fields}


def response_object(
    response: str, status: str, *, output: Sequence[Event] = (), modality: str = "audio",
    voice: str | None = None, audio_format: Event | None = None, details: Event | None = None,
    max_output_tokens: int | str = "inf",
    usage: Event | None = None, metadata: Mapping[str, str] | None = None, conversation: str | None = None,
) -> Event:  # fmt: skip
    """The ``response`` of ``response.created`` and ``response.done``."""
    return {
        "object": "realtime.response", "id": response, "status": status, "status_details": details,
        "output": list(output), "conversation_id": conversation, "output_modalities": [modality],
        "max_output_tokens": max_output_tokens, "audio": {"output": {"voice": voice, "format": audio_format}},
        "usage": usage, "metadata": dict(metadata) if metadata else None,
    }  # fmt: skip


def usage_object(input_tokens: int, output_tokens: int, cached_tokens: int) -> Event:
    """The ``usage`` of ``response.done``: all tokens here are the language model's, that is text."""
    return {
        "total_tokens": input_tokens + output_tokens,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "input_token_details": {
            "text_tokens": input_tokens, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": cached_tokens,
            "cached_tokens_details": {"text_tokens": cached_tokens, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": output_tokens, "audio_tokens": 0},
    }  # fmt: skip
