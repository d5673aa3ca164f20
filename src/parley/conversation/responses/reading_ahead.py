"""Reading ahead: the engine reads what is known of the next prompt while there is time."""

from __future__ import annotations

import asyncio

import structlog

from parley.conversation.context import Context
from parley.conversation.items import USER
from parley.conversation.responses.prompt import add_user_words, opened
from parley.conversation.responses.request_builder import RequestBuilder
from parley.conversation.responses.response import ResponseOptions
from parley.conversation.summary import Summary
from parley.errors import ParleyError
from parley.models.interfaces import Caller, Priority

log = structlog.get_logger("conversation")

_PREFILL_S = 3.0


class ReadingAhead:
    """What is done for the next answer before anybody has asked for it: its prompt is read, old turns are summed up."""

    def __init__(self, context: Context, requests: RequestBuilder) -> None:
        self._context = context
        self._requests = requests
        self._prefilling: asyncio.Task[None] | None = None
        self._summary = Summary(context, lambda: requests.budget_tokens(context.agent(), ResponseOptions()))

    def begin(self, so_far: str = "", speaker: str = USER) -> None:
        """There is time: let the engine read what is known of the next prompt, with the turn's words `so_far`.

        Where several agents may answer, the prompt of the first who would answer that is read.
        """
        if not self._reading and self._context.settings.answers and self._context.load() != "others wait":
            self._prefilling = self._context.spawn(self._prefill(so_far, speaker), "prefill")
            self._summary.begin()

    def give_way(self) -> None:
        """An answer is wanted."""
        self._summary.give_way()

    async def finish(self) -> None:
        """Let it end: it reads the answer's own beginning, and beside it another slot would read that anew."""
        if self._prefilling is not None and self._reading:
            await asyncio.wait([self._prefilling], timeout=_PREFILL_S)
        self.stop()

    def stop(self) -> None:
        """Break it off: something else is to be read."""
        if self._prefilling is not None:
            self._prefilling.cancel()

    @property
    def _reading(self) -> bool:
        return self._prefilling is not None and not self._prefilling.done()

    async def _prefill(self, so_far: str, speaker: str) -> None:
        context = self._context
        agent = context.agent(context.answerer(speaker, so_far) or "")
        options, caller = ResponseOptions(), Caller(context.id, Priority.SPECULATIVE, about=agent.name)
        engine = agent.models.engine
        if engine.off_host and not so_far:
            return  # nothing is known yet that would end like a prompt to be answered
        try:
            messages = self._requests.prompt(agent, options, ahead=True, heard=engine.accepts_audio)
            if so_far and not engine.accepts_audio:
                add_user_words(messages, self._requests.said(speaker, so_far))
            await engine.prefill(opened(messages), self._requests.chat_options(agent, options), caller)
        except ParleyError as fault:
            log.debug("prefill failed", session=context.id, error=str(fault))
