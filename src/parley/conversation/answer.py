"""One response on its way: what it has said so far, and what may not leave before its commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from parley.conversation import happenings as hp
from parley.conversation.items import Item, new_id
from parley.models.interfaces import ToolCall, Usage
from parley.turns.actions import Ending


@dataclass(frozen=True, slots=True)
class ResponseWish:
    """What a client asks of one response; None keeps the session's setting."""

    instructions: str | None = None
    tools: tuple[Mapping[str, Any], ...] | None = None
    tool_choice: Any = None
    max_output_tokens: int | None = None
    modality: Literal["audio", "text"] | None = None
    voice: str | None = None
    metadata: Mapping[str, str] | None = None
    out_of_band: bool = False
    """Kept out of the history (``conversation: none``)."""
    input: Sequence[Item] | None = None
    """A prompt of its own instead of the history."""
    say: str | None = None
    """Fixed words instead of a model's."""
    response_id: str | None = None


@dataclass(slots=True)
class Marks:
    """When things happened, seconds on the loop's clock, for the waterfall."""

    speech_ended: float | None = None
    captured: float | None = None
    detected: float | None = None
    transcribed: float | None = None
    started: float | None = None
    first_token: float | None = None
    first_clause: float | None = None
    first_audio: float | None = None
    committed: float | None = None
    first_frame: float | None = None
    produced: float | None = None
    network_s: float | None = None
    """What the way to the listener and back and his buffers add; None where nobody tells."""
    told: bool = False

    def waterfall(self, response: str) -> hp.Waterfall | None:
        """Stages on the way from the last voiced sample to the first frame heard; they sum to the total. Told once."""
        if self.told or self.speech_ended is None or self.first_frame is None:
            return None
        self.told = True
        at = self.speech_ended
        parts: dict[str, int] = {}
        marks = {
            "capture": self.captured,
            "detection": self.detected,
            "recognition": self.transcribed,
            "first_token": self.first_token,
            "first_clause": self.first_clause,
            "first_audio": self.first_audio,
            "endpointing": self.committed,
        }
        stages = sorted(((n, m) for n, m in marks.items() if m is not None), key=lambda stage: stage[1])
        stages.append(("playout", self.first_frame))
        total = round((self.first_frame - at) * 1000)
        spent = 0
        for name, mark in stages:
            at = max(at, mark)
            parts[name] = round((at - self.speech_ended) * 1000) - spent
            spent += parts[name]
        parts["playout"] += total - spent
        if self.network_s is not None:
            parts["network"] = round(self.network_s * 1000)
        return hp.Waterfall(response, sum(parts.values()), parts)


@dataclass(slots=True)
class Answer:
    """Book-keeping of one response."""

    key: str
    """The turn-taker's name for it."""
    sink: Callable[[hp.Happening], None]
    wish: ResponseWish
    turn: int | None
    transcript: str
    committed: bool
    speaks: bool
    id: str = ""
    items: list[Item] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    task: asyncio.Task[None] | None = None
    marks: Marks = field(default_factory=Marks)
    cut_short: bool = False
    """The model stopped because of the bound on tokens."""
    written: bool = False
    """Whether its text is all there."""
    failure: str = ""
    """Why there is no more of it; what there is of it is said first."""
    done: set[str] = field(default_factory=set)
    """Ids of items whose end was told."""
    voice_stalled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its voice is to be asked anew."""
    awaits_text: bool = False
    """Whether the turn-taker knows that its voice has said all that is written."""
    progressed: float = 0.0
    """When the turn-taker was last told that the model is at work."""
    previous: str | None = None
    """The item of the conversation that it follows."""
    recorded: int = 0
    """Items that stand in the history already."""
    speech: Any = None
    _held: list[hp.Happening] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Name it."""
        self.id = self.id or self.wish.response_id or new_id("resp")

    def emit(self, happening: hp.Happening) -> None:
        """Tell the outside, now or at the commit."""
        if self.committed:
            self.sink(happening)
        else:
            self._held.append(happening)

    def release(self) -> None:
        """The commit: everything held back leaves, in order."""
        self.committed = True
        held, self._held = self._held, []
        for happening in held:
            if isinstance(happening, hp.AnswerItemStarted | hp.AnswerItemDone) and happening.index == 0:
                self.sink(replace(happening, previous=self.previous))
            else:
                self.sink(happening)

    def restart(self) -> None:
        """Forget what was produced (only before the commit)."""
        self._held.clear()
        self.items.clear()
        self.done.clear()
        self.usage = Usage()
        self.marks.produced, self.cut_short, self.written, self.failure = None, False, False, ""

    @property
    def produced(self) -> bool:
        """Whether everything was generated."""
        return self.marks.produced is not None

    @property
    def message(self) -> Item | None:
        """The spoken or written item."""
        return next((i for i in self.items if i.kind == "message"), None)

    def add_text(self, text: str) -> None:
        """Text arrived."""
        message = self.message
        if message is None:
            message = Item(new_id("item"), role="assistant", spoken=self.speaks, status="in_progress")
            self._begin(message)
        index = self.items.index(message)
        self.items[index] = replace(message, text=message.text + text)
        self.emit(hp.AnswerText(self.id, message.id, index, text))

    def retract(self) -> None:
        """The text so far was none of the answer."""
        message = self.message
        if message is not None:
            self.items[self.items.index(message)] = replace(message, text="")
            self._held = [h for h in self._held if not isinstance(h, hp.AnswerText | hp.AnswerWords)]

    def add_call(self, call: ToolCall) -> None:
        """A fragment of a function call arrived; the last one makes it an item that is done."""
        calls = [i for i in self.items if i.kind == "function_call"]
        if call.index >= len(calls):
            item = Item(new_id("item"), "function_call", status="in_progress", call_id=call.id or new_id("call"),
                        name=call.name)  # fmt: skip
            self._begin(item)
        else:
            item = calls[call.index]
        index = self.items.index(item)
        if call.done:
            self.items[index] = replace(item, arguments=call.arguments, status="completed")
            self.tell_done(index)
        elif call.arguments:
            self.items[index] = replace(item, arguments=item.arguments + call.arguments)
            self.emit(hp.AnswerArguments(self.id, item.id, index, item.call_id, call.arguments))

    def tell_done(self, index: int, previous: str | None = None) -> None:
        """An item is complete or cut; told once."""
        item = self.items[index]
        if item.id not in self.done:
            self.done.add(item.id)
            if previous is None:
                previous = self.items[index - 1].id if index else self.previous
            self.emit(hp.AnswerItemDone(self.id, index, item, previous))

    def _begin(self, item: Item) -> None:
        previous = self.items[-1].id if self.items else self.previous
        self.items.append(item)
        self.emit(hp.AnswerItemStarted(self.id, len(self.items) - 1, item, previous))

    def settle(self, ending: Ending, heard: int | None) -> None:
        """Fix the items as they count: the message cut to `heard` characters unless None."""
        status: Literal["completed", "incomplete"] = "completed" if ending is Ending.FINISHED else "incomplete"
        self.items = [
            i if i.id in self.done else replace(i, status=status, heard=heard if i.kind == "message" else None)
            for i in self.items
        ]
