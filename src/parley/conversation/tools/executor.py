"""Carrying out the calls of answers that name a tool of the server, and asking for the answer to their results.

A call is carried out once its answer is committed and the call complete, whatever becomes of the words beside it; the
conversation's end ends it. When all of an answer's calls have their results the next answer is asked for, which
waits for the floor like any other: who is speaking is not interrupted, and if he is answered meanwhile, the results are
in that. Where nobody is there to hear it, they wait in the history for the next one. An answer that calls functions of
the client, too, is followed by what the client asks for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import structlog

from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.conversation.items import Item, new_id
from parley.conversation.responses.response import Response, ResponseOptions
from parley.conversation.settings import SessionSettings
from parley.conversation.tools.tool import Tool

log = structlog.get_logger("conversation")

_MOST_CHARS = 8000
"""Of a result: what is longer would take the room of the conversation in a prompt."""
_MOST_ROUNDS = 8
"""Answers in a row that only results asked for: the last of them may not call anything."""


def offered(settings: SessionSettings, options: ResponseOptions) -> dict[str, Tool]:
    """The server's tools that an answer may call. One that the client declares under the same name is the client's.

    An answer that is none of the conversation, or not made of it, has none: nothing would follow its results.
    """
    if options.out_of_band or options.input is not None:
        return {}
    return own_tools(settings, settings.tools if options.tools is None else options.tools)


def own_tools(settings: SessionSettings, theirs: Sequence[Mapping[str, Any]]) -> dict[str, Tool]:
    """The server's tools, but for those whose name one of the client's has."""
    names = {tool["function"]["name"] for tool in theirs}
    return {tool.name: tool for tool in settings.server_tools if tool.name not in names}


@dataclass(slots=True)
class _Round:
    """The calls of one answer."""

    response: Response
    begun: set[str] = field(default_factory=set)
    """Ids of the items of its calls that are carried out here."""
    under_way: int = 0
    results: int = 0
    over: bool = False
    """Whether the answer has ended, so that no further call of it comes."""
    waiting: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_shared(self) -> bool:
        """Whether the client has calls of it to carry out."""
        return any(i.kind == "function_call" and i.id not in self.begun for i in self.response.items)


class ToolExecutor:
    """Of one conversation."""

    def __init__(
        self, context: Context, ask: Callable[[ResponseOptions], None], history_changed: Callable[[], None]
    ) -> None:
        """`ask`: for an answer, once the floor is free."""
        self._context = context
        self._ask = ask
        self._history_changed = history_changed
        self._rounds: dict[str, _Round] = {}

    def take_up(self, response: Response) -> None:
        """Carry out what a committed answer calls by now."""
        calls = [i for i in response.items if i.kind == "function_call" and i.status == "completed"]
        tools = (
            offered(self._context.agent(response.agent).settings, response.options)
            if calls and response.committed
            else {}
        )
        for call in calls:
            known = self._rounds.get(response.id) or _Round(response)
            if call.name in tools and call.id not in known.begun:
                self._rounds[response.id] = known
                known.begun.add(call.id)
                known.under_way += 1
                self._context.spawn(self._carry_out(known, call, tools[call.name]), f"tool {call.name}")

    def follows(self, response: Response) -> bool:
        """Whether results of an answer's calls will be answered, so that it has not been in vain."""
        return response.id in self._rounds and not self._rounds[response.id].is_shared

    def ended(self, response: Response) -> None:
        """An answer ended: it calls nothing more."""
        if (known := self._rounds.get(response.id)) is not None:
            known.over = True
            self._settle(known)

    def then(self, work: Callable[[], None]) -> None:
        """Do what a client asks for, behind the results of an answer that it has calls of itself."""
        shared = [known for known in self._rounds.values() if known.is_shared]
        if shared:
            shared[-1].waiting.append(work)
        else:
            work()

    async def _carry_out(self, known: _Round, call: Item, tool: Tool) -> None:
        output = await result_of(tool, call.arguments)
        known.under_way -= 1
        history, emit = self._context.history, self._context.emit
        if call.id in history:  # else the client deleted it, and with it the question
            item = Item(new_id("item"), "function_call_output", call_id=call.call_id, output=output)
            previous = history.insert(item)
            emit(nt.ItemAdded(item, previous))
            emit(nt.ItemDone(item, previous))
            known.results += 1
            self._history_changed()
        self._settle(known)

    def _settle(self, known: _Round) -> None:
        if not known.over or known.under_way:
            return
        del self._rounds[known.response.id]
        if known.results and not known.is_shared and self._context.audience.names:
            self._ask(self._following(known.response))
        for work in known.waiting:
            work()

    def _following(self, response: Response) -> ResponseOptions:
        """How the answer to results is made: as the one that called, but free to say something."""
        options = response.options
        rounds = options.rounds + 1 if response.turn is None else 1
        choice = self._context.settings.tool_choice if options.tool_choice is None else options.tool_choice
        if rounds >= _MOST_ROUNDS:
            log.warning("tools are called again and again", session=self._context.id, rounds=rounds)
            choice = "none"
        elif choice not in ("auto", "none"):
            choice = "auto"  # what had to be called was
        else:
            choice = options.tool_choice
        return replace(
            options, say=None, response_id=None, tool_choice=choice, rounds=rounds, participant=response.participant,
            agents=(response.agent,),
        )  # fmt: skip


async def result_of(tool: Tool, arguments: str) -> str:
    """What came of a call, as the model is told; a fault is a JSON object with an ``error``."""
    try:
        given = json.loads(arguments or "{}")
        if not isinstance(given, dict):
            return _fault("the arguments are no JSON object")
        async with asyncio.timeout(tool.timeout_s):
            value = await tool.run(given)
        output = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    except TimeoutError:
        log.warning("a tool gave no result in time", tool=tool.name, timeout_s=tool.timeout_s)
        return _fault(f"'{tool.name}' gave no result within {tool.timeout_s:g} s")
    except Exception as fault:
        log.warning("a tool failed", tool=tool.name, exc_info=True)
        return _fault(str(fault) or type(fault).__name__)
    if len(output) > _MOST_CHARS:
        return f"{output[:_MOST_CHARS]} [cut here: {len(output)} characters]"
    return output


def _fault(why: str) -> str:
    told: Mapping[str, Any] = {"error": why[:_MOST_CHARS]}
    return json.dumps(told, ensure_ascii=False)
