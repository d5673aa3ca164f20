"""Client events of the protocol, read into commands. Every event of the official client is listed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from parley.errors import ProtocolError
from parley.realtime import session_object as so
from parley.realtime.items import NewItem, read_item
from parley.realtime.reader import Reader

_MOST_METADATA = 16


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """``session.update``; applied by `session_object.updated`."""

    session: Reader


@dataclass(frozen=True, slots=True)
class AppendAudio:
    """``input_audio_buffer.append``: base64 in the session's input format."""

    audio: str


@dataclass(frozen=True, slots=True)
class CommitAudio:
    """``input_audio_buffer.commit``."""


@dataclass(frozen=True, slots=True)
class ClearAudio:
    """``input_audio_buffer.clear``."""


@dataclass(frozen=True, slots=True)
class CreateItem:
    """``conversation.item.create``."""

    item: NewItem
    after: str | None


@dataclass(frozen=True, slots=True)
class RetrieveItem:
    """``conversation.item.retrieve``."""

    item_id: str


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """``conversation.item.delete``."""

    item_id: str


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """``conversation.item.truncate``."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """``response.create`` with what it overrides (None: the session's)."""

    instructions: str | None = None
    modality: Literal["audio", "text"] | None = None
    voice: str | None = None
    tools: tuple[dict[str, Any], ...] | None = None
    tool_choice: Any = None
    max_output_tokens: int | None = None
    metadata: dict[str, str] | None = None
    out_of_band: bool = False
    input: tuple[NewItem | str, ...] | None = None
    """New items, or ids of items of the conversation."""


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """``response.cancel``."""

    response_id: str | None


@dataclass(frozen=True, slots=True)
class ClearOutput:
    """``output_audio_buffer.clear`` (WebRTC)."""


@dataclass(frozen=True, slots=True)
class PlayoutPosition:
    """``parley.playout.position`` / ``paused`` / ``flushed`` / ``finished``: where the listener is."""

    kind: Literal["position", "paused", "flushed", "finished"]
    response_id: str
    audio_ms: float


Command = (
    UpdateSession | AppendAudio | CommitAudio | ClearAudio | CreateItem | RetrieveItem | DeleteItem | TruncateItem
    | CreateResponse | CancelResponse | ClearOutput | PlayoutPosition
)  # fmt: skip


def read_command(event: Any) -> Command:
    """Read a client event; raises `ProtocolError` that names the field."""
    given = Reader(event)
    kind = given.need_text("type", longest=200)
    reader = _READERS.get(kind)
    if reader is None:
        raise ProtocolError(f"unknown event type '{kind[:80]}'", field="type", code="unknown_event_type")
    return reader(given)


def _append(given: Reader) -> Command:
    return AppendAudio(given.need_text("audio", longest=20_000_000))


def _create_item(given: Reader) -> Command:
    return CreateItem(read_item(given.need_object("item")), given.text("previous_item_id", longest=64))


def _truncate(given: Reader) -> Command:
    given.integer("content_index", 0, 0, 0)
    audio_end_ms = given.integer("audio_end_ms", None, 0, 86_400_000)
    if audio_end_ms is None:
        raise given.fail("audio_end_ms", "is required", "missing_required_parameter")
    return TruncateItem(given.need_text("item_id"), audio_end_ms)


def _create_response(given: Reader) -> Command:
    wish = given.object("response") or Reader({}, "response")
    output = wish.object("audio")
    sink = output.object("output") if output else None
    return CreateResponse(
        instructions=wish.text("instructions"),
        modality=so.read_modality(wish) if wish.data.get("output_modalities") is not None else None,
        voice=so.read_voice(sink) if sink else None,
        tools=so.read_tools(wish) if wish.data.get("tools") is not None else None,
        tool_choice=so.read_tool_choice(wish) if wish.data.get("tool_choice") is not None else None,
        max_output_tokens=so.read_max_tokens(wish),
        metadata=wish.texts("metadata", most=_MOST_METADATA, longest=512),
        out_of_band=wish.choice("conversation", ("auto", "none"), "auto") == "none",
        input=tuple(_input(r) for r in wish.objects("input")) if wish.data.get("input") is not None else None,
    )


def _input(given: Reader) -> NewItem | str:
    if given.data.get("type") == "item_reference":
        return given.need_identifier("id")
    return read_item(given)


def _playout(kind: Literal["position", "paused", "flushed", "finished"]) -> Callable[[Reader], Command]:
    def read(given: Reader) -> Command:
        audio_ms = given.number("audio_ms", None, 0, 86_400_000)
        if audio_ms is None:
            raise given.fail("audio_ms", "is required", "missing_required_parameter")
        return PlayoutPosition(kind, given.need_text("response_id", longest=64), audio_ms)

    return read


_READERS: dict[str, Callable[[Reader], Command]] = {
    "session.update": lambda g: UpdateSession(g.need_object("session")),
    "input_audio_buffer.append": _append,
    "input_audio_buffer.commit": lambda _: CommitAudio(),
    "input_audio_buffer.clear": lambda _: ClearAudio(),
    "conversation.item.create": _create_item,
    "conversation.item.retrieve": lambda g: RetrieveItem(g.need_text("item_id")),
    "conversation.item.delete": lambda g: DeleteItem(g.need_text("item_id")),
    "conversation.item.truncate": _truncate,
    "response.create": _create_response,
    "response.cancel": lambda g: CancelResponse(g.text("response_id", longest=64)),
    "output_audio_buffer.clear": lambda _: ClearOutput(),
    "parley.playout.position": _playout("position"),
    "parley.playout.paused": _playout("paused"),
    "parley.playout.flushed": _playout("flushed"),
    "parley.playout.finished": _playout("finished"),
}

CLIENT_EVENTS = tuple(_READERS)
