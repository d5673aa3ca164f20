"""Client events of the protocol, read into commands. Every event of the official client is listed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from parley.realtime import answer_fields as af
from parley.realtime import debate_events as debates
from parley.realtime import room_events as rooms
from parley.realtime.items import NewItem, read_item
from parley.realtime.reader import Reader
from parley.realtime.session_object import WireFormat
from parley.realtime.session_update import NOW_CALLED

_MOST_METADATA = 16


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """``session.update``; applied by `session_update.updated`."""

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
    output_format: WireFormat | None = None
    tools: tuple[dict[str, Any], ...] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    max_output_tokens: int | Literal["inf"] | None = None
    metadata: dict[str, str] | None = None
    out_of_band: bool = False
    input: tuple[NewItem | str, ...] | None = None
    """New items, or ids of items of the conversation."""
    agents: tuple[str, ...] | None = None
    """Those who are to answer; None: whoever answers this client."""


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """``response.cancel``."""

    response_id: str | None


@dataclass(frozen=True, slots=True)
class ClearOutput:
    """``output_audio_buffer.clear`` (WebRTC)."""


@dataclass(frozen=True, slots=True)
class GoAway:
    """``parley.away``: the client is gone in a moment (a page is loaded anew), and may come back by its token."""


@dataclass(frozen=True, slots=True)
class PlayoutPosition:
    """``parley.playout.position`` / ``paused`` / ``flushed`` / ``finished``: where the listener is."""

    kind: Literal["position", "paused", "flushed", "finished"]
    response_id: str
    audio_ms: float


Command = (
    UpdateSession | AppendAudio | CommitAudio | ClearAudio | CreateItem | RetrieveItem | DeleteItem | TruncateItem
    | CreateResponse | CancelResponse | ClearOutput | GoAway | PlayoutPosition | rooms.RoomCommand
    | debates.DebateCommand
)  # fmt: skip


def read_command(event: Any) -> Command:
    """Read a client event; raises `ProtocolError` that names the field."""
    given = Reader(event)
    kind = given.need_text("type", longest=200)
    reader = _READERS.get(kind)
    if reader is None:
        raise given.unsupported("type", kind, [name for name in _READERS if not name.startswith("parley.")])
    given.value("event_id")
    command = reader(given)
    given.refuse_unknown()
    return command


def _append(given: Reader) -> Command:
    return AppendAudio(given.need_text("audio", longest=20_000_000))


def _create_item(given: Reader) -> Command:
    return CreateItem(read_item(given.need_object("item")), given.text("previous_item_id", longest=64))


def _truncate(given: Reader) -> Command:
    given.integer("content_index", 0, 0, 0)
    audio_end_ms = given.integer("audio_end_ms", None, 0, 86_400_000)
    if audio_end_ms is None:
        raise given.missing("audio_end_ms")
    return TruncateItem(given.need_text("item_id"), audio_end_ms)


def _create_response(given: Reader) -> Command:
    wish = given.object("response") or Reader({}, "response")
    audio = wish.object("audio")
    sink = audio.object("output") if audio else None
    wire = sink.object("format") if sink else None
    af.refuse_prompt(wish)
    command = CreateResponse(
        instructions=wish.text("instructions"),
        modality=af.read_modality(wish) if wish.value("output_modalities") is not None else None,
        voice=af.read_voice(sink) if sink else None,
        output_format=af.read_format(wire) if wire else None,
        tools=af.read_tools(wish) if wish.value("tools") is not None else None,
        tool_choice=af.read_tool_choice(wish) if wish.value("tool_choice") is not None else None,
        parallel_tool_calls=af.read_parallel(wish),
        reasoning_effort=af.read_effort(wish),
        max_output_tokens="inf" if wish.value("max_output_tokens") == "inf" else af.read_max_tokens(wish),
        metadata=wish.texts("metadata", most=_MOST_METADATA, longest=512),
        out_of_band=wish.choice("conversation", ("auto", "none"), "auto") == "none",
        input=tuple(_input(r) for r in wish.objects("input")) if wish.value("input") is not None else None,
        agents=_agents(wish.object("parley")),
    )
    wish.refuse_unknown(NOW_CALLED)
    return command


def _agents(own: Reader | None) -> tuple[str, ...] | None:
    """``parley.agents`` of a response."""
    return (own.words("agents", most=8, longest=40) or None) if own is not None else None


def _input(given: Reader) -> NewItem | str:
    if given.value("type") == "item_reference":
        return given.need_identifier("id")
    return read_item(given)


def _playout(kind: Literal["position", "paused", "flushed", "finished"]) -> Callable[[Reader], Command]:
    def read(given: Reader) -> Command:
        audio_ms = given.number("audio_ms", None, 0, 86_400_000)
        if audio_ms is None:
            raise given.missing("audio_ms")
        return PlayoutPosition(kind, given.need_text("response_id", longest=64), audio_ms)

    return read


_READERS: dict[str, Callable[[Reader], Command]] = {
    "session.update": lambda g: UpdateSession(g.apart("session")),
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
    "parley.away": lambda _: GoAway(),
    **rooms.READERS,
    **debates.READERS,
    "parley.playout.position": _playout("position"),
    "parley.playout.paused": _playout("paused"),
    "parley.playout.flushed": _playout("flushed"),
    "parley.playout.finished": _playout("finished"),
}

CLIENT_EVENTS = tuple(_READERS)
