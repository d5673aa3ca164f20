"""Making a response: the engine is asked, and its parts go where they belong."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.conversation.engines.base import (
    AlivePart,
    AwaitsTextPart,
    CutShortPart,
    Emit,
    PartialResponse,
    PiecePart,
    ResponsePart,
    ResponseRequest,
    RetractPart,
    SpeechPart,
    TextPart,
    ToolPart,
    UsagePart,
    WrittenPart,
)
from parley.conversation.items import USER
from parley.conversation.responses.reading_ahead import ReadingAhead
from parley.conversation.responses.request_builder import RequestBuilder
from parley.conversation.responses.response import Response, ResponseOptions
from parley.conversation.tools.executor import ToolExecutor
from parley.errors import ParleyError, PromptTooLong
from parley.turns import events as ev

log = structlog.get_logger("conversation")

_AHEAD_S = 20.0  # sound that may wait in the playout before the engine is made to wait
_PREPARED_S = 0.9  # the same of an answer that may never be wanted
_ENOUGH_S = 3.0  # of sound in the playout: nobody has to hurry
_PROGRESS_EVERY_S = 1.0


class ResponseProducer:
    """Produces any number of responses of one conversation."""

    def __init__(
        self, context: Context, requests: RequestBuilder, reading_ahead: ReadingAhead, tools: ToolExecutor
    ) -> None:
        self._context = context
        self._tools = tools
        self._requests = requests
        self._reading_ahead = reading_ahead
        self._room = asyncio.Event()
        self._writing: set[asyncio.Task[None] | None] = set()
        """What makes responses whose words are not all there."""

    def start(self, response: Response, begun: PartialResponse | None = None) -> None:
        """Begin to make it, or what is missing of it behind what has `begun`."""
        response.task = self._context.spawn(self._produce(response, begun), "answer")
        self._writing.add(response.task)
        response.task.add_done_callback(self._writing.discard)

    def restart(self, response: Response) -> None:
        """Make one that is not committed anew, from another prompt."""
        if response.task is not None:
            response.task.cancel()
        response.restart()
        self._context.audience.flush(response.key)
        self._context.ledger.forget(response.key)
        self.start(response)

    def is_busy_with(self, response: Response) -> bool:
        """Whether it is being made and not much of it is there."""
        working = response.committed and response.task is not None and not response.task.done()
        return working and self._context.audience.buffered_s(response.key) < _ENOUGH_S

    def _read_ahead(self) -> None:
        """Each of several has a prompt of its own: that of who would answer now is read while this one sounds.

        Unless the next to speak has been asked already: two who read at once are both slow.
        """
        context = self._context
        if context.several and not self._writing:
            self._reading_ahead.begin(speaker=next((name for name, here in context.people.items() if here), USER))

    async def _produce(self, response: Response, begun: PartialResponse | None = None) -> None:
        context, making = self._context, asyncio.current_task()
        response.marks.started = context.now

        async def take(part: ResponsePart) -> None:
            if response.task is making:  # one that was cancelled may have had its next part in hand
                await self.take(response, part)

        try:
            await self._end_reading_ahead(response.options)
            if begun is None and response.options.begins:
                response.add_text(response.options.begins)
                begun = PartialResponse(response.options.begins, 0, written=False, given=True)
            await self._ask(response, begun, take)
        except ParleyError as fault:
            log.warning("response failed", session=context.id, response=response.id, error=str(fault))
            response.failure = str(fault) or type(fault).__name__
        except Exception as fault:
            log.error("response broke", session=context.id, response=response.id, exc_info=True)
            response.failure = f"internal error ({type(fault).__name__})"
        if response.failure and not self._has_begun(response):
            context.dispatch(ev.ResponseFailed(response.key, response.failure))
            return
        response.marks.produced = context.now
        context.audience.complete(response.key)
        self.end_if_silent(response)

    async def _end_reading_ahead(self, options: ResponseOptions) -> None:
        if options.input is not None:
            self._reading_ahead.stop()
        elif options.say is None:
            await self._reading_ahead.finish()

    async def _ask(self, response: Response, begun: PartialResponse | None, take: Emit) -> None:
        """Ask the engine; a prompt that does not fit is asked once more at half its length."""
        engine = self._context.agent(response.agent).models.engine
        try:
            await engine.answer(self._request(response, begun), take)
        except PromptTooLong:
            self._requests.shorten()
            await engine.answer(self._request(response, begun), take)

    def _request(self, response: Response, begun: PartialResponse | None) -> ResponseRequest:
        if response.committed and not response.items and response.options.input is None:
            response.behind = self._context.history.last or "root"
        response.revision = self._context.history.revision
        return replace(self._requests.of(response), begun=begun)

    def _has_begun(self, response: Response) -> bool:
        """Whether there is something of it that was or is to be heard or read."""
        if response.speaks:
            return response.marks.first_frame is not None or self._context.audience.buffered_s(response.key) > 0
        return bool(response.message and response.message.text.strip())

    def end_if_silent(self, response: Response) -> None:
        """An answer without any sound is over when it is produced and committed."""
        context = self._context
        silent = context.audience.buffered_s(response.key) == 0 and response.marks.first_frame is None
        if response.produced and response.committed and (silent or not response.speaks):
            context.dispatch(ev.ResponseCompleted(response.key))

    async def take(self, response: Response, part: ResponsePart) -> None:
        """A part of the answer is there."""
        self._progress(response)
        marks, now = response.marks, self._context.now
        match part:
            case TextPart():
                marks.first_token = now if marks.first_token is None else marks.first_token
                response.add_text(part.text)
                self.record(response)
            case RetractPart():
                self._retract(response)
            case AlivePart():
                pass
            case PiecePart():
                marks.first_clause = now if marks.first_clause is None else marks.first_clause
                self._await_text(response, awaited=False)
                while not response.committed and self._context.hears_voice():
                    await self._wait_for_room()  # if it is wanted, its sound will be in time
            case AwaitsTextPart():
                self._await_text(response, awaited=True)
            case SpeechPart():
                marks.first_audio = now if marks.first_audio is None else marks.first_audio
                await self._take_speech(response, part)
            case ToolPart():
                response.add_call(part.call)
                self.record(response)
            case UsagePart():
                response.usage = part.usage
            case WrittenPart():
                response.written = True
                self._writing.discard(response.task)
                if (message := response.message) is not None:
                    response.emit(nt.ResponseWritten(response.id, message.id, message.text))
                    self._read_ahead()
            case CutShortPart():
                response.cut_short = True

    def _progress(self, response: Response) -> None:
        """Now and then the turn-taker hears that the model is at work."""
        now = self._context.now
        if response.key and now - response.progressed >= _PROGRESS_EVERY_S:
            response.progressed = now
            self._context.dispatch(ev.ResponseProgressed(response.key))

    def _await_text(self, response: Response, *, awaited: bool) -> None:
        if response.awaits_text != awaited:
            response.awaits_text = awaited
            self._context.dispatch(ev.TextAwaited(response.key, awaited))

    def _retract(self, response: Response) -> None:
        """What was written was none of the answer: nothing more of it is heard, and nothing remembered."""
        context, message = self._context, response.message
        response.retract()
        audible = message is not None and response.marks.first_frame is not None
        self.flush(response, audible=audible)
        context.ledger.forget(response.key)
        context.dispatch(ev.PlayoutFed(response.key))
        if response.committed:
            context.audience.release(response.key)
            if message is not None and not response.options.out_of_band:
                context.history.update(message.id, text="")

    async def _take_speech(self, response: Response, part: SpeechPart) -> None:
        playout = self._context.audience
        begins = playout.append(response.key, part.samples, part.rate_hz)
        spoken = [replace(w, start_s=w.start_s + begins, end_s=w.end_s + begins) for w in part.words]
        self._context.ledger.add_words(response.key, spoken)
        if response.message is not None and spoken:
            shown = tuple((w.text_end, w.start_s) for w in spoken)
            estimated = any(w.estimated for w in spoken)
            response.emit(nt.ResponseWords(response.id, response.message.id, shown, estimated))
        while playout.buffered_s(response.key) > (_AHEAD_S if response.committed else _PREPARED_S):
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        self._room.clear()
        await self._room.wait()

    def made_room(self) -> None:
        """Frames were pulled, a voice stopped, an answer is wanted: an engine that waits may look again."""
        self._room.set()

    def record(self, response: Response) -> None:
        """What is done of a committed answer stands in the history as it is; what it calls of the server begins."""
        if response.options.out_of_band or not response.committed:
            return
        history = self._context.history
        for item in response.items:
            if item.id in response.done and item.id in history and history.get(item.id) != item:
                history.update(item.id, status=item.status, arguments=item.arguments)
        self._tools.take_up(response)

    def flush(self, response: Response, *, audible: bool) -> None:
        """Nothing more of it sounds; where it was `audible`, listeners throw away what they have of it."""
        if not audible or response.message is None:
            self._context.audience.flush(response.key)
            return
        self._context.audience.cut(response.key)
        self._context.emit(nt.PlayoutFlushed(response.id, response.message.id))
