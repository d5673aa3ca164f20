"""Between a session and the protocol: commands become calls, happenings become server events."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from parley.audio.formats import AudioFormat
from parley.audio.resample import LiveResampler
from parley.conversation.answer import ResponseWish
from parley.conversation.history import Item, new_id
from parley.conversation.playout import PlayoutFrame
from parley.conversation.session import Session
from parley.conversation.settings import SessionSettings
from parley.errors import AudioError, ProtocolError
from parley.realtime import client_events as ce
from parley.realtime import server_events as se
from parley.realtime.items import NewItem
from parley.realtime.session_object import Extensions, RealtimeSession, TurnDetection, WireFormat, updated
from parley.transports.pacing import Pacer
from parley.transports.telling import Teller
from parley.turns.settings import TurnSettings

_SHORTEST_COMMIT_S = 0.1
_MAX_TRUNCATION_TOKENS = 100_000


@dataclass(frozen=True, slots=True)
class Voices:
    """How names of the protocol map to this server's: well-known names stay valid."""

    default: str
    known: frozenset[str]
    aliases: Mapping[str, str]

    def resolve(self, name: str) -> str:
        """A voice of this server; raises `ProtocolError`."""
        if name in self.known:
            return name
        if name in self.aliases:
            return self.aliases[name]
        raise ProtocolError(
            f"no voice is called '{name}'; there are {', '.join(sorted(self.known))}",
            field="session.audio.output.voice",
        )


class Bridge:
    """One client's protocol. `send` gets server events, `send_audio` binary audio (opted-in clients)."""

    def __init__(
        self,
        session: Session,
        shown: RealtimeSession,
        voices: Voices,
        send: Callable[[se.Event], None],
        send_binary: Callable[[bytes], None],
    ) -> None:
        self.session = session
        self.shown = shown
        self._voices = voices
        self._send = send
        self._send_binary = send_binary
        self.pacer = Pacer(session, self._deliver)
        self.pacer.on_all_sent = self._all_sent
        self.pacer.exact = bool(shown.extensions and shown.extensions.exact)
        self.teller = Teller(self)
        self._resampler: LiveResampler | None = None
        self._stream = 0
        self._streaming: str | None = None

    # -- in -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """First event of the connection."""
        self.send({"type": "session.created", "session": self.shown.to_json()})

    def receive(self, event: Any) -> None:
        """Take a client event; what is wrong with it goes back as an ``error`` event."""
        event_id = event.get("event_id") if isinstance(event, dict) else None
        event_id = event_id if isinstance(event_id, str) else None
        try:
            self._obey(ce.read_command(event))
        except ProtocolError as fault:
            self.send(se.error(str(fault), code=fault.code, param=fault.field, event_id=event_id))
        except AudioError as fault:
            self.send(se.error(str(fault), code="invalid_audio", param="audio", event_id=event_id))

    def receive_audio(self, data: bytes) -> None:
        """Binary input audio in the session's input format."""
        try:
            self._append(data)
        except AudioError as fault:
            self.send(se.error(str(fault), code="invalid_audio", param="audio"))

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
                "recorded audio in an item is not supported; append it to the input audio buffer",
                field="item.content", code="unsupported",
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
                tools=_chat_tools(tools),
                tool_choice=_chat_tool_choice(wish.tool_choice),
                max_output_tokens=wish.max_output_tokens,
                modality=wish.modality,
                voice=self._voices.resolve(wish.voice) if wish.voice else None,
                metadata=wish.metadata,
                out_of_band=wish.out_of_band,
                input=entries,
            )
        )

    def _update(self, command: ce.UpdateSession) -> None:
        changed = updated(self.shown, command.session)
        settings = settings_of(changed, self.session.settings, self._voices)
        if changed.output_format != self.shown.output_format:
            self._resampler = None
        self.shown = changed
        self.pacer.exact = bool(changed.extensions and changed.extensions.exact)
        if changed.turn_detection is not None:
            self.session.set_vad_threshold(changed.turn_detection.threshold)
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
        wire = self.shown.output_format
        target = self.teller.audio_target(frame.response)
        if target is None:
            return
        if self._streaming != frame.response:
            self._begin_stream(frame.response, target)
        if self._resampler is None or self._resampler.from_hz != frame.frame.rate_hz:
            self._resampler = LiveResampler(frame.frame.rate_hz, wire.rate)
        samples = self._resampler.push(frame.frame.samples)
        data = AudioFormat(wire.type, wire.rate).encode(samples)
        if self.extended is not None and self.extended.binary_audio:
            self._send_binary(self._stream.to_bytes(4, "little") + data)
        else:
            self.send(
                se.part_event(
                    "response.output_audio.delta", target.response, target.item, target.index,
                    delta=base64.b64encode(data).decode(),
                )
            )  # fmt: skip

    def _begin_stream(self, key: str, target: Any) -> None:
        self._streaming = key
        self._stream += 1
        self._resampler = None
        if self.extended is not None:
            self.send({
                "type": "parley.playout.begin", "stream": self._stream, "response_id": target.response,
                "item_id": target.item, "rate": self.shown.output_format.rate,
            })  # fmt: skip

    def _all_sent(self, key: str) -> None:
        target = self.teller.audio_target(key)
        if self.extended is not None and target is not None:
            self.send({"type": "parley.playout.end", "response_id": target.response, "item_id": target.item})


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ProtocolError(f"'audio' is not base64 ({fault})", field="audio", code="invalid_base64") from fault


def _chat_tools(tools: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    return tuple({"type": "function", "function": {k: v for k, v in t.items() if k != "type"}} for t in tools)


def _chat_tool_choice(choice: Any) -> Any:
    if isinstance(choice, dict):
        return {"type": "function", "function": {"name": choice["name"]}}
    return choice


def turn_settings(detection: TurnDetection | None, language: str | None, base: TurnSettings) -> TurnSettings:
    """``turn_detection`` as settings of the turn-taker."""
    language = language or "en"
    if detection is None:
        return replace(base, mode="manual", language=language)
    semantic = detection.type == "semantic_vad"
    return replace(
        base,
        mode="semantic" if semantic else "silence",
        eagerness=detection.eagerness,
        silence_s=detection.silence_duration_ms / 1000,
        create_response=detection.create_response,
        interrupt_response=detection.interrupt_response,
        cancel_at_onset=not semantic,
        idle_timeout_s=None if detection.idle_timeout_ms is None else detection.idle_timeout_ms / 1000,
        language=language,
    )


def settings_of(shown: RealtimeSession, base: SessionSettings, voices: Voices) -> SessionSettings:
    """The session's settings that follow from the session object; raises `ProtocolError`."""
    return replace(
        base,
        instructions=shown.instructions,
        voice=voices.resolve(shown.voice),
        speed=shown.speed,
        language=shown.language,
        modality=shown.output_modality,
        tools=_chat_tools(shown.tools),
        tool_choice=_chat_tool_choice(shown.tool_choice),
        max_output_tokens=None if shown.max_output_tokens == "inf" else shown.max_output_tokens,
        memory_tokens=_memory_tokens(shown.truncation, base.memory_tokens),
        turns=turn_settings(shown.turn_detection, shown.language, base.turns),
    )


def _memory_tokens(truncation: Any, default: int) -> int:
    """``truncation``: a retention ratio keeps that share of the budget, "disabled" keeps everything."""
    if truncation == "disabled":
        return _MAX_TRUNCATION_TOKENS
    if isinstance(truncation, dict):
        limits = truncation.get("token_limits")
        if isinstance(limits, dict) and isinstance(limits.get("post_instructions"), int):
            return int(limits["post_instructions"])
        ratio = truncation.get("retention_ratio")
        if isinstance(ratio, int | float) and 0 <= ratio <= 1:
            return max(1, int(default * ratio))
    return default


__all__ = ["Bridge", "Voices", "WireFormat", "settings_of", "turn_settings"]
