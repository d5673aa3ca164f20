"""Conversation items as the protocol writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from parley.realtime.reader import Reader

_LONGEST_CALL_ID = 200
_MOST_AUDIO = 20_000_000  # characters of base64
_STATUSES = ("completed", "incomplete", "in_progress")
_CONTENT = {
    "user": ("input_text", "input_audio"),
    "system": ("input_text",),
    "assistant": ("output_text", "output_audio", "text"),
}


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item that a client creates."""

    id: str | None
    type: Literal["message", "function_call", "function_call_output"]
    role: Literal["user", "assistant", "system"] | None = None
    text: str = ""
    status: Literal["completed", "incomplete", "in_progress"] = "completed"
    audio: tuple[tuple[str, str], ...] = ()
    """Recorded speech to be transcribed, part by part: the field's name, and base64 in the session's input format."""
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""


def read_item(given: Reader) -> NewItem:
    """An item of ``conversation.item.create`` or of a response's ``input``; raises `ProtocolError`."""
    kind = given.choice("type", ("message", "function_call", "function_call_output"), None)
    item_id = given.identifier("id")
    given.choice("object", ("realtime.item",))
    status = given.choice("status", _STATUSES, "completed")
    if kind == "message":
        return _read_message(given, item_id, status)
    if kind == "function_call_output":
        call_id = given.need_identifier("call_id", longest=_LONGEST_CALL_ID)
        return NewItem(item_id, kind, status=status, call_id=call_id, output=given.need_text("output"))
    if kind == "function_call":
        call_id = given.identifier("call_id", longest=_LONGEST_CALL_ID) or ""
        name, arguments = given.need_identifier("name"), given.need_text("arguments")
        return NewItem(item_id, kind, status=status, call_id=call_id, name=name, arguments=arguments)
    raise given.missing("type")


def _read_message(given: Reader, item_id: str | None, status: Any) -> NewItem:
    role = given.choice("role", tuple(_CONTENT))
    if role is None:
        raise given.missing("role")
    texts: list[str] = []
    audio: list[tuple[str, str]] = []
    for part in given.objects("content"):
        text, sound = _read_part(part, part.choice("type", _CONTENT[role]))
        texts.append(text)
        audio += [(part.name("audio"), sound)] if sound else []
    return NewItem(item_id, "message", role, " ".join(t for t in texts if t), status, tuple(audio))


def _read_part(part: Reader, kind: str | None) -> tuple[str, str]:
    """Text and sound of a content part: sound counts where its words are not given."""
    if kind is None:
        raise part.missing("type")
    if not kind.endswith("_audio"):
        return part.need_text("text"), ""
    transcript = part.text("transcript")
    if kind == "output_audio":
        if part.value("audio") is not None:
            raise part.fail("audio", "is not taken for an answer: send its transcript alone", "unsupported")
        return transcript or part.text("text") or "", ""
    sound = part.text("audio", longest=_MOST_AUDIO) or ""
    if transcript is None and not sound:
        raise part.missing("audio")
    return (transcript, "") if transcript is not None else ("", sound)


def message(
    item_id: str, role: str, text: str, status: str, *, spoken: bool, with_content: bool = True
) -> dict[str, Any]:
    """A message item."""
    content: list[dict[str, Any]] = []
    if with_content:
        if role == "assistant":
            content = [
                {"type": "output_audio", "transcript": text} if spoken else {"type": "output_text", "text": text}
            ]
        else:
            content = [{"type": "input_audio", "transcript": text} if spoken else {"type": "input_text", "text": text}]
    return {"id": item_id, "object": "realtime.item", "type": "message", "status": status, "role": role,
            "content": content}  # fmt: skip


def function_call(item_id: str, call_id: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    """A function call item."""
    return {"id": item_id, "object": "realtime.item", "type": "function_call", "status": status, "call_id": call_id,
            "name": name, "arguments": arguments}  # fmt: skip


def function_call_output(item_id: str, call_id: str, output: str) -> dict[str, Any]:
    """The result of a function call."""
    return {"id": item_id, "object": "realtime.item", "type": "function_call_output", "status": "completed",
            "call_id": call_id, "output": output}  # fmt: skip
