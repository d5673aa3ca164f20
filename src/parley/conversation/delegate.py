"""A chat model behind one that takes turns itself: it looks up, calls tools, and whispers what comes of it.

A speech-to-speech model knows no tools. The delegate reads along. After each turn of the user it chooses in one word
whether a tool, a fact or nothing is wanted, as small models can; then it fills in the tool's arguments, and writes one
sentence, which is whispered once nobody speaks: the user hears it in the voice model's words. Only the last turn
counts: work for the one before it ends with a new one.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import structlog

from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.conversation.engines.base import Emit, Engine, ResponseRequest, ToolPart, written
from parley.conversation.items import USER, Item, new_id
from parley.conversation.responses.out_of_band import OutOfBand
from parley.conversation.responses.response import Response, ResponseOptions
from parley.conversation.settings import SessionSettings
from parley.conversation.tools.executor import own_tools, result_of
from parley.conversation.tools.tool import Tool
from parley.errors import ParleyError
from parley.models.interfaces import Caller, ChatOptions, SpeakingStyle, ToolCall
from parley.models.tool_arguments import mended

log = structlog.get_logger("conversation")

METADATA = {"parley": "delegate"}
"""By which a client knows its responses."""
_RESULT_S = 60.0
_MOST_LINES = 16
_LONGEST_LINE = 400
_LONGEST_DESCRIPTION, _LONGEST_LIST, _LONGEST_ABOUT = 300, 6000, 4000
_FACT, _TALK = "fact", "talk"
_CHOICES = (
    f"{_FACT}: They ask for a fact.\n"
    f"{_TALK}: Anything else, such as a greeting, thanks, an opinion, a joke, a feeling, or about the assistant itself."
)
_CHOOSE = "You label what people say to a voice assistant, with one word.\n"
_CHOSEN = (
    ("Where is the Eiffel Tower?", _FACT),
    ("Thanks a lot!", _TALK),
    ("How old is the universe?", _FACT),
    ("Do you like music?", _TALK),
    ("Which planet is the largest?", _FACT),
    ("I am tired.", _TALK),
)
_ARGUMENTS = (
    "You call the function {name}: {description}\nIts parameters (JSON schema): {parameters}\n"
    "Write the arguments that the user's last words mean, as one JSON object and nothing else."
)
_ANSWER = (
    "You help a voice assistant. It was told: {about}\n\n"
    "Write, in one short sentence, the answer to the user's last words. Go by what is known and by the results of "
    "functions. If you do not know, write only: -"
)
_NOTHING = re.compile(r"\W*")
_NAMES = {"user": "User", "assistant": "Assistant"}


class Delegate:
    """Of one conversation; a programme of it, see `Programme`."""

    def __init__(
        self, context: Context, out_of_band: OutOfBand, engine: Callable[[], Engine | None],
        whisper: Callable[[str], None], shown_to: Callable[[], str | None],
    ) -> None:  # fmt: skip
        """`engine`: that of the delegate, None where there is none; `whisper` tells the model that talks, "" nothing
        more; `shown_to`: the connection whose tools they are, None: that of who speaks."""
        self._context = context
        self._out_of_band = out_of_band
        self._engine = engine
        self._whisper = whisper
        self._shown_to = shown_to
        self._about: Item | None = None
        """What was said that is worked on."""
        self._read: tuple[str, str] | None = None
        """The beginnings of prompts that were read ahead."""
        self._reading = False
        self._working: asyncio.Task[None] | None = None
        self._awaited: dict[str, asyncio.Event] = {}
        """Results that the client owes, by the ids of its calls."""

    def notice(self, notification: nt.Notification) -> None:
        """The user has said something, or has not after all; a result has come."""
        engine = self._engine() if self._context.models.engine.turns == "model" else None
        if engine is None and self._working is not None:
            self._stop()  # another model answers now
        match notification:
            case nt.StateChanged("USER_SPEAKING") if engine is not None:
                self._read_ahead(engine)
            case nt.ItemDone(item) if item.role == "user" and item.text.strip():
                self._stop()
                if engine is not None:
                    self._about = item
                    self._working = self._context.spawn(self._work(item, engine), "delegate")
            case nt.ItemDone(item) if item.kind == "function_call_output" and item.call_id in self._awaited:
                self._awaited[item.call_id].set()
            case nt.ItemDeleted(item_id) if self._about is not None and item_id == self._about.id:
                self._stop()

    async def aclose(self) -> None:
        """See `Programme.aclose`."""
        self._stop()

    def has_asked_for(self, item: Item) -> bool:
        """Whether an item is the result, the first one, of a call that the client was told of."""
        if item.kind != "function_call_output" or self._engine() is None:
            return False
        kinds = {i.kind for i in self._context.history.items if i.call_id == item.call_id}
        return kinds == {"function_call"}

    @property
    def goes_on_by_itself(self) -> bool:
        """Whether a client that asks for an answer now means one to a result, which is being worked on anyway."""
        return self._working is not None and not self._working.done()

    def _stop(self) -> None:
        if self._working is not None:
            self._working.cancel()
            self._whisper("")  # what is not told yet is not news any more
        self._working = self._about = None

    def _read_ahead(self, engine: Engine) -> None:
        """Let the model read what its prompts begin with, unless it has, while the user speaks."""
        settings = self._context.agent().settings
        requests = self._choosing("", settings), self._answering(settings)
        begin: tuple[str, str] = (requests[0].messages[0]["content"], requests[1].messages[0]["content"])
        if begin != self._read and not self._reading and self._context.load() != "others wait":
            self._reading = True
            self._context.spawn(self._prefill(engine, requests, begin), "read the delegate's prompts")

    async def _prefill(self, engine: Engine, requests: Iterable[ResponseRequest], begin: tuple[str, str]) -> None:
        try:
            for request in requests:
                await engine.prefill(request.messages, request.options, request.caller)
            self._read = begin
        except ParleyError as fault:
            log.warning("the delegate's prompts are not read", session=self._context.id, error=str(fault))
        finally:
            self._reading = False

    async def _work(self, item: Item, engine: Engine) -> None:
        settings = self._context.agent().settings
        try:
            choice = await self._choice(item, engine, settings)
            if choice is None:
                return
            if choice != _FACT and not await self._carry_out(choice, engine, settings):
                return
            response = await self._respond(lambda take: engine.answer(self._answering(settings), take))
        except ParleyError as fault:
            log.warning("the delegate fails", session=self._context.id, error=str(fault))
            return
        text = response.message.text if response.message is not None and not response.failure else ""
        if not _NOTHING.fullmatch(text):
            self._whisper(" ".join(text.split()))

    async def _choice(self, item: Item, engine: Engine, settings: SessionSettings) -> str | None:
        """The name of a tool, or `_FACT`; None: nothing is wanted."""
        found = re.search(r"[\w-]+", await written(engine, self._choosing(item.text, settings)))
        word = found.group() if found else ""
        return word if word in _tools(settings) else _FACT if word.lower() == _FACT else None

    def _choosing(self, said: str, settings: SessionSettings) -> ResponseRequest:
        tools = _tools(settings).items()
        listed = "".join(f"{name}: {(tool.get('description') or '')[:_LONGEST_DESCRIPTION]}\n" for name, tool in tools)
        listed = listed[:_LONGEST_LIST]
        examples: list[dict[str, Any]] = []
        for heard, label in _CHOSEN:
            examples += [{"role": "user", "content": heard}, {"role": "assistant", "content": label}]
        return self._request(
            f"{_CHOOSE}{listed}{_CHOICES}", said[:_LONGEST_LINE], 24, "delegate chooses", examples
        )  # fmt: skip

    def _answering(self, settings: SessionSettings) -> ResponseRequest:
        return self._request(
            _ANSWER.format(about=settings.instructions[:_LONGEST_ABOUT]),
            f"{self._so_far}\n\nAnswer in one sentence:",
            80,
            "delegate answers",
        )

    async def _carry_out(self, name: str, engine: Engine, settings: SessionSettings) -> bool:
        """Have a tool called, here or by the client; returns whether its result came."""
        tool, arguments = _tools(settings)[name], "{}"
        if tool.get("parameters", {}).get("properties"):
            system = _ARGUMENTS.format(
                name=name, description=tool.get("description") or "", parameters=json.dumps(tool["parameters"])
            )
            asked = self._request(system, f"{self._so_far}\n\nThe arguments as JSON:", 200, "delegate calls")
            text = await written(engine, asked)
            begin, end = text.find("{"), text.rfind("}")
            found = mended(text[begin : end + 1]) if begin >= 0 else None
            if found is None and tool["parameters"].get("required"):
                log.info("the delegate found no arguments", session=self._context.id, tool=name)
                return False
            arguments = found or "{}"
        call_id = new_id("call")
        called = ToolPart(ToolCall(0, call_id, name, arguments, done=True))
        response = await self._respond(lambda take: take(called))
        for item in response.items:
            self._put(item)
        own = own_tools(settings, settings.tools)
        if name in own:  # to its end, also where the user has said something else meanwhile
            await asyncio.shield(self._context.spawn(self._run(own[name], arguments, call_id), f"tool {name}"))
            return True
        return await self._result(call_id)

    async def _run(self, tool: Tool, arguments: str, call_id: str) -> None:
        output = await result_of(tool, arguments)
        self._put(Item(new_id("item"), "function_call_output", call_id=call_id, output=output))

    async def _result(self, call_id: str) -> bool:
        came = self._awaited[call_id] = asyncio.Event()
        try:
            async with asyncio.timeout(_RESULT_S):
                await came.wait()
        except TimeoutError:
            log.warning("the client gave no result", session=self._context.id, within_s=_RESULT_S)
            return False
        finally:
            del self._awaited[call_id]
        return True

    async def _respond(self, produce: Callable[[Emit], Awaitable[None]]) -> Response:
        spoke = self._about.speaker if self._about is not None else USER
        participant = self._shown_to() or spoke
        options = ResponseOptions(modality="text", out_of_band=True, metadata=METADATA, participant=participant)
        return await self._out_of_band.carry_out(options, produce)

    def _request(
        self, system: str, text: str, tokens: int, about: str, examples: list[dict[str, Any]] | None = None
    ) -> ResponseRequest:
        """A question of its own; `about` names the prompt, so that what a model has read of it stays read."""
        messages = [{"role": "system", "content": system}, *(examples or ()), {"role": "user", "content": text}]
        options = ChatOptions(max_tokens=tokens, temperature=0.0)
        return ResponseRequest(messages, options, SpeakingStyle(), None, Caller(self._context.id, about=about))

    @property
    def _so_far(self) -> str:
        """The conversation up to the user's last words, and what was looked up about them."""
        items = list(self._context.history.items[-4 * _MOST_LINES :])
        last = max((n for n, item in enumerate(items) if item.role == "user"), default=-1)
        items = [i for n, i in enumerate(items) if n <= last or i.kind != "message"]
        return "\n".join(list(_lines(items))[-_MOST_LINES:])

    def _put(self, item: Item) -> None:
        previous = self._context.history.insert(item)
        self._context.emit(nt.ItemAdded(item, previous))
        self._context.emit(nt.ItemDone(item, previous))


def _tools(settings: SessionSettings) -> dict[str, Mapping[str, Any]]:
    """What may be called, as it is told to models, by name; nothing where the client says so, nor what is called as
    the other labels are."""
    if settings.tool_choice == "none":
        return {}
    own: Mapping[str, Tool] = own_tools(settings, settings.tools)
    every = [t["function"] for t in (*settings.tools, *(tool.shown for tool in own.values()))]
    return {function["name"]: function for function in every if function["name"] not in (_FACT, _TALK)}


def _lines(items: list[Item]) -> Iterator[str]:
    calls = {i.call_id: i.name for i in items if i.kind == "function_call"}
    for item in items:
        if item.kind == "function_call_output":
            yield f"Result of {calls.get(item.call_id, 'a function')}: {item.output[:_LONGEST_LINE]}"
        elif item.role in _NAMES and (words := " ".join(item.heard_text.split())):
            yield f"{_NAMES[item.role]}: {words[:_LONGEST_LINE]}"
