"""What a server sends as an answer, whatever it takes for one, as deltas. No I/O: bytes in, `ChatDelta` out.

Servers send events (``data:`` lines) or one JSON object, end with ``[DONE]``, with a ``finish_reason`` or by hanging
up, give contents as text, parts or null, numbers as strings, and pages of HTML with status 200. What can be read is
read; what is no answer is a `ModelError` that says so. The words of a provider's errors stay here: they may quote keys.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from parley.adapters.chat_calls import CallAssembler, calls_in
from parley.adapters.chat_fields import entries_of, kind_of_error, object_of, text_of, usage_of
from parley.adapters.chat_markup import MarkupFilter, Retracted, Said, Thought, Written
from parley.errors import ModelError
from parley.models.interfaces import ChatDelta

_LONGEST_LINE = 1024 * 1024
_LONGEST_BODY = 8 * 1024 * 1024
_MOST_BROKEN = 20
_LINE_END = re.compile(rb"\r\n|\n|\r(?!$)")
_CLOSED = re.compile(r"[.!?…。！？।:)\]\"'”’*`]\s*$")
_REASONS = {
    "length": "length", "max_tokens": "length", "model_length": "length",
    "content_filter": "content_filter", "safety": "content_filter", "recitation": "content_filter",
}  # fmt: skip


class ChatReader:
    """Reads one answer. Feed `push`, call `end` when the server hung up; stop reading once `finished`."""

    def __init__(
        self, tools: Collection[str] = (), *, opens_in_thought: bool = False, most_chars: int | None = None
    ) -> None:
        """`tools`: names that the model may call; `most_chars`: the longest answer, thoughts not counted."""
        self._tools = tools
        self._markup = MarkupFilter(opens_in_thought=opens_in_thought, holds_data=bool(tools))
        self._calls = CallAssembler()
        self._bytes = b""
        self._data: list[bytes] = []
        self._body: bytearray | None = None
        self._any_event = False
        self._broken = 0
        self._tail = ""
        self._left = most_chars
        self._torn = False
        self.finished = False
        """Whether the answer is over; only its usage may follow."""
        self.settled = False
        """Whether nothing at all follows."""
        self.said = False
        """Whether it has words or a call."""
        self.thinks = False
        """Whether the model thought before or while it answered."""

    @property
    def thought_unopened(self) -> bool:
        """Whether it began inside of a thought that nobody opened."""
        return self._markup.thought_unopened

    # -- bytes ----------------------------------------------------------------------------------------

    def push(self, data: bytes) -> list[ChatDelta]:
        """Take what came; raises `ModelError` when that is no answer."""
        if self._body is not None:
            self._take_body(data)
            return []
        self._bytes += data
        if not self._any_event and (head := self._bytes.lstrip()[:1]) in (b"{", b"["):
            self._body = bytearray(self._bytes)
            return []
        if not self._any_event and head == b"<":
            raise ModelError("the language model's server answered with a page, not with an answer")
        *lines, self._bytes = _LINE_END.split(self._bytes)
        if len(self._bytes) > _LONGEST_LINE:
            raise ModelError("the language model's server sent a line of more than a megabyte")
        return [delta for line in lines for delta in self._line(line)]

    def end(self, *, broken: bool = False) -> list[ChatDelta]:
        """The server hung up, properly or (`broken`) in the middle of its transfer.

        Raises `ModelError`, `retryable` when the answer broke off.
        """
        self._torn = broken
        if self._body is not None:
            found = list(self._whole(bytes(self._body)))
        else:
            found = [*self._line(self._bytes), *self._line(b"")]
            self._bytes = b""
        if not self.finished:
            found += self._finish(None)
        return found

    def _take_body(self, data: bytes) -> None:
        assert self._body is not None
        self._body += data
        if len(self._body) > _LONGEST_BODY:
            raise ModelError("the language model's server sent an answer of more than eight megabytes")

    def _line(self, line: bytes) -> list[ChatDelta]:
        """One line of an event stream (WHATWG HTML, server-sent events); many servers leave the empty ones out."""
        if not line.strip():
            data, self._data = b"\n".join(self._data), []
            return self._payload(data, last=True) if data else []
        name, _, value = line.partition(b":")
        if name.strip() != b"data":
            self._any_event = self._any_event or name.strip() in (b"event", b"id", b"retry", b"")
            return []
        self._any_event = True
        self._data.append(value.removeprefix(b" "))
        return self._payload(b"\n".join(self._data), last=False)

    def _payload(self, data: bytes, *, last: bool) -> list[ChatDelta]:
        if data.strip() in (b"[DONE]", b"DONE"):
            self._data.clear()
            self.settled = True
            return self._finish("stop")
        try:
            event = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if last:
                self._broken += 1
                if self._broken > _MOST_BROKEN:
                    raise ModelError("the language model's server sends broken events") from None
            return []
        self._data.clear()
        return list(self._event(event))

    def _whole(self, body: bytes) -> Iterator[ChatDelta]:
        try:
            event = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            event = [entry for line in body.splitlines() if (entry := object_of(line)) is not None]
            if not event:
                raise ModelError("the language model's server sent an answer that is broken JSON") from None
        for entry in event if isinstance(event, list) else [event]:
            yield from self._event(entry)
        self.settled = True

    # -- events ---------------------------------------------------------------------------------------

    def _event(self, event: Any) -> Iterator[ChatDelta]:
        if not isinstance(event, dict):
            return
        if event.get("error") or (event.get("object") == "error"):
            raise ModelError(
                f"the language model's server failed{kind_of_error(event.get('error'))}", retryable=self.said
            )
        choices = event.get("choices")
        choice = next((c for c in entries_of(choices) if isinstance(c, dict) and c.get("index") in (0, None, "0")), {})
        if not self.finished:
            yield from self._choice(choice, event)
        if usage := usage_of(event.get("usage")):
            yield ChatDelta(usage=usage)
            self.settled = self.settled or self.finished

    def _choice(self, choice: dict[str, Any], event: dict[str, Any]) -> Iterator[ChatDelta]:
        parts = (choice.get("delta"), choice.get("message"), event.get("message"))
        part: dict[str, Any] = next((p for p in parts if isinstance(p, dict) and p), {})
        told = False
        if any(part.get(k) for k in ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thought")):
            self.thinks = told = True
            self._markup.thinks_apart()
            yield ChatDelta()
        for text in (text_of(part.get("content")), text_of(part.get("refusal")), text_of(choice.get("text"))):
            if text:
                told = True
                yield from self._words(text)
        calls = [*entries_of(part.get("tool_calls")), *entries_of(part.get("function_call"))]
        for call in calls:
            told = True
            yield from self._tell_calls(self._calls.push(call))
        reason = choice.get("finish_reason") or event.get("done_reason") or (event.get("done") is True and "stop")
        if isinstance(reason, str) and reason not in ("null", ""):
            yield from self._finish(reason)
        elif not told:
            yield ChatDelta()

    def _tell_calls(self, fragments: list[Any]) -> Iterator[ChatDelta]:
        for fragment in fragments:
            self.said = True
            yield ChatDelta(tool_call=fragment)

    def _words(self, text: str) -> Iterator[ChatDelta]:
        yield from self._pieces(self._markup.push(text))
        if self._markup.ended:
            yield from self._finish("stop")

    def _pieces(self, pieces: list[Any]) -> Iterator[ChatDelta]:
        for piece in pieces:
            match piece:
                case Said(text=text):
                    yield from self._say(text)
                case Retracted():
                    self.thinks, self.said, self._tail = True, bool(self._calls), ""
                    yield ChatDelta(retracts=True)
                case Written(text=text):
                    yield from self._read_calls(text)
                case Thought():
                    self.thinks = True
                    yield ChatDelta()

    def _say(self, text: str) -> Iterator[ChatDelta]:
        if self._left is not None:
            text, self._left = text[: self._left], self._left - len(text)
        self._tail = (self._tail + text)[-80:]
        if text:
            self.said = self.said or bool(text.strip())
            yield ChatDelta(text=text)
        if self._left is not None and self._left <= 0:
            yield from self._finish("length")

    def _read_calls(self, written: str) -> Iterator[ChatDelta]:
        """A call in the model's own notation, where tools were offered; data that is none was meant to be said."""
        found = calls_in(written, self._tools)
        for call in found:
            yield from self._tell_calls(self._calls.add(call["name"], call["arguments"]))
        if not found and written.lstrip()[:1] in ("{", "[", "`"):
            yield from self._say(written)

    # -- the end --------------------------------------------------------------------------------------

    def _finish(self, reason: str | None) -> list[ChatDelta]:
        """The answer is over: by the server's word, or (None) because it hung up."""
        if self.finished:
            return []
        self.finished = True
        why = _REASONS.get((reason or "stop").lower(), "stop")
        found = list(self._pieces(self._markup.flush(by_itself=reason is not None and why == "stop")))
        open_end = self._torn or not _CLOSED.search(self._tail)
        if reason is None and not self._calls and self.said and open_end:
            raise BrokeOff(found)
        found += list(self._tell_calls(self._calls.finish()))
        if not self.said:
            self._fail(why, hung_up=reason is None)
        return [*found, ChatDelta(finish_reason=why)]

    def _fail(self, why: str, *, hung_up: bool) -> None:
        if why == "content_filter":
            raise ModelError("the language model's provider filtered the answer away")
        if self._broken:
            raise ModelError("the language model's server sent broken events and no answer")
        if self.thinks and why == "length":
            raise OnlyThought("the language model spent all of its tokens on thoughts")
        raise ModelError("the language model gave an empty answer", retryable=hung_up)


class OnlyThought(ModelError):
    """Nothing but thoughts fitted into the bound on tokens."""


class BrokeOff(ModelError):
    """The server hung up in the middle of a sentence; carries what was held back until then."""

    def __init__(self, deltas: list[ChatDelta]) -> None:
        super().__init__("the language model's server hung up in the middle of its answer", retryable=True)
        self.deltas = deltas
