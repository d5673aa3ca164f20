"""One response on its way: what it has said so far, and what may not leave before its commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from parley.conversation import notifications as nt
from parley.conversation.items import USER, Item, new_id
from parley.conversation.responses.latency import LatencyMarks
from parley.models.interfaces import ToolCall, Usage
from parley.turns.actions import Ending


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """What a client asks of one response; None keeps the session's setting."""

    instructions: str | None = None
    tools: tuple[Mapping[str, Any], ...] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    begins: str | None = None
    """Words that the answer begins with; the model writes on behind them."""
    most_sentences: int | None = None
    said_before: tuple[str, ...] | None = None
    """Sentences that are not to be said again."""
    modality: Literal["audio", "text"] | None = None
    voice: str | None = None
    metadata: Mapping[str, str] | None = None
    out_of_band: bool = False
    """Kept out of the history (``conversation: none``)."""
    input: Sequence[Item] | None = None
    """A prompt of its own instead of the history."""
    say: str | None = None
    """Fixed words instead of a model's."""
    participant: str = USER
    """Who asks for it, and is answered."""
    agents: tuple[str, ...] | None = None
    """Who is to give it; None: whoever answers that participant."""
    ahead: bool = False
    """Whether it is made while somebody sounds, so that it is there when that is over."""
    gap_s: float = 0.0
    """How long nobody is to have sounded before it does, seconds."""
    rounds: int = 0
    """How many answers in a row were asked for by results of the server's tools, this one included."""
    response_id: str | None = None
    shown: Any = None
    """What its client is to see of its settings, for whoever tells it: nothing here looks into it."""

    def is_plain(self, tools: tuple[Mapping[str, Any], ...]) -> bool:
        """Whether it asks for nothing but what the session's settings say, which have these `tools`."""
        plain = ResponseOptions(participant=self.participant)
        return replace(self, tools=None, shown=None, rounds=0) == plain and self.tools in (None, tools)


@dataclass(slots=True)
class Response:
    """Book-keeping of one response."""

    key: str
    """The turn-taker's name for it."""
    sink: Callable[[nt.Notification], None]
    options: ResponseOptions
    agent: str
    """Who gives it."""
    participant: str
    """Whom it answers."""
    turn: int | None
    transcript: str
    committed: bool
    speaks: bool
    again: bool = False
    """Whether the last answer is wanted once more."""
    id: str = ""
    items: list[Item] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    task: asyncio.Task[None] | None = None
    marks: LatencyMarks = field(default_factory=LatencyMarks)
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
    place: Callable[[Item, str | None], str | None] = lambda *_: None
    """Puts one of its items into the conversation, behind an item, and tells the id of the item before it."""
    behind: str | None = None
    """Where its next item goes: behind the last that its prompt knew, or that it has itself; None: at the end."""
    revision: int | None = None
    """Of the history that its prompt was made of; None while there is no prompt."""
    truncated: tuple[str, float] | None = None
    """Which listener's word ended it, and how much of it he heard, seconds."""
    speech: Any = None
    _placed: dict[str, str | None] = field(default_factory=dict)
    """Its items in the conversation, and what stood before them when they came there."""
    _held: list[nt.Notification] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Name it."""
        self.id = self.id or self.options.response_id or new_id("resp")

    def emit(self, notification: nt.Notification) -> None:
        """Tell the outside, now or at the commit."""
        if self.committed:
            self.sink(notification)
        else:
            self._held.append(notification)

    def release(self) -> None:
        """The commit: everything held back leaves, in order."""
        self.committed = True
        held, self._held = self._held, []
        for notification in held:
            if isinstance(notification, nt.ResponseItemStarted | nt.ResponseItemDone):
                self.sink(replace(notification, previous=self._put(self.items[notification.index])))
            else:
                self.sink(notification)

    def restart(self) -> None:
        """Forget what was produced (only before the commit)."""
        self.revision = None
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
            message = Item(
                new_id("item"), role="assistant", spoken=self.speaks, status="in_progress", speaker=self.agent,
                to=self.participant,
            )  # fmt: skip
            self._begin(message)
        index = self.items.index(message)
        self.items[index] = replace(message, text=message.text + text)
        self.emit(nt.ResponseText(self.id, message.id, index, text))

    def retract(self) -> None:
        """The text so far was none of the answer."""
        message = self.message
        if message is not None:
            self.items[self.items.index(message)] = replace(message, text="")
            self._held = [h for h in self._held if not isinstance(h, nt.ResponseText | nt.ResponseWords)]

    def add_call(self, call: ToolCall) -> None:
        """A fragment of a function call arrived; the last one makes it an item that is done."""
        calls = [i for i in self.items if i.kind == "function_call"]
        if call.index >= len(calls):
            item = Item(
                new_id("item"), "function_call", status="in_progress", call_id=call.id or new_id("call"),
                name=call.name, speaker=self.agent, to=self.participant,
            )  # fmt: skip
            self._begin(item)
        else:
            item = calls[call.index]
        index = self.items.index(item)
        if call.done:
            self.items[index] = replace(item, arguments=call.arguments, status="completed")
            self.tell_done(index)
        elif call.arguments:
            self.items[index] = replace(item, arguments=item.arguments + call.arguments)
            self.emit(nt.ResponseArguments(self.id, item.id, index, item.call_id, call.arguments))

    def tell_done(self, index: int) -> None:
        """An item is complete or cut; told once."""
        item = self.items[index]
        if item.id not in self.done:
            self.done.add(item.id)
            self.emit(nt.ResponseItemDone(self.id, index, item, self._put(item)))

    def _begin(self, item: Item) -> None:
        self.items.append(item)
        self.emit(nt.ResponseItemStarted(self.id, len(self.items) - 1, item, self._put(item)))

    def _put(self, item: Item) -> str | None:
        """Items of a committed answer stand in the conversation from their beginning, before what it did not know."""
        if self.committed and item.id not in self._placed:
            self._placed[item.id] = self.place(item, self.behind)
            self.behind = item.id
        return self._placed.get(item.id)

    def settle(self, ending: Ending, heard: int | None) -> None:
        """Fix the items as they count: the message cut to `heard` characters unless None."""
        status: Literal["completed", "incomplete"] = "completed" if ending is Ending.FINISHED else "incomplete"
        self.items = [
            i if i.id in self.done else replace(i, status=status, heard=heard if i.kind == "message" else None)
            for i in self.items
        ]
