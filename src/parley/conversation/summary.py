"""Sums up what will not fit into the prompt any more, while nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from parley.conversation.context import Context
from parley.conversation.engines.base import ResponseRequest, written
from parley.errors import ParleyError
from parley.models.interfaces import Caller, ChatOptions, Priority, SpeakingStyle

log = structlog.get_logger("conversation")

_TOKENS = 200
_AT_MOST_S = 30.0


class Summary:
    """One conversation's; at most one is being written."""

    def __init__(self, context: Context, budget_tokens: Callable[[], int]) -> None:
        self._context = context
        self._budget_tokens = budget_tokens
        self._writing: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Write one, if anything is about to leave the prompt."""
        history = self._context.history
        if self._context.agent().persona.memory_tokens is not None:
            return
        if self._writing is None and history.memory.leaving(history.items, self._budget_tokens()):
            self._writing = self._context.spawn(self._write(), "summary")

    def give_way(self) -> None:
        """An answer is wanted: a model that shares the processors with it stops here, and begins anew later."""
        if self._writing is not None and not self._context.models.engine.off_host:
            self._writing.cancel()

    async def _write(self) -> None:
        context, history = self._context, self._context.history
        leaving = history.memory.leaving(history.items, self._budget_tokens())
        options = ChatOptions(max_tokens=_TOKENS, temperature=0.0)
        caller = Caller(context.id, Priority.SPECULATIVE, about="summary")
        request = ResponseRequest(history.memory.question(leaving), options, SpeakingStyle(), None, caller)
        try:
            async with asyncio.timeout(_AT_MOST_S):
                summary = await written(context.models.engine, request)
        except (ParleyError, TimeoutError) as fault:
            log.warning("earlier turns are not summed up", session=context.id, error=str(fault))
        else:
            history.memory.take_summary(leaving, history.items, summary)
        finally:
            self._writing = None
