"""Sums up what will not fit into the prompt any more, while nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from parley.conversation.engines.base import AnswerPart, AnswerRequest, TextPart
from parley.errors import ParleyError
from parley.models.interfaces import Caller, ChatOptions, Priority, SpeakingStyle

if TYPE_CHECKING:
    from parley.conversation.session import Session

log = structlog.get_logger("conversation")

_TOKENS = 200
_AT_MOST_S = 30.0


class Summary:
    """One conversation's; at most one is being written."""

    def __init__(self, session: Session, budget_tokens: Callable[[], int]) -> None:
        self._session = session
        self._budget_tokens = budget_tokens
        self._writing: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Write one, if anything is about to leave the prompt."""
        history = self._session.history
        if self._writing is None and history.memory.leaving(history.items, self._budget_tokens()):
            self._writing = self._session.spawn(self._write(), "summary")

    def give_way(self) -> None:
        """An answer is wanted: a model that shares the processors with it stops here, and begins anew later."""
        if self._writing is not None and not self._session.cast.engine.elsewhere:
            self._writing.cancel()

    async def _write(self) -> None:
        session, history = self._session, self._session.history
        leaving = history.memory.leaving(history.items, self._budget_tokens())
        summary = ""

        async def take(part: AnswerPart) -> None:
            nonlocal summary
            summary += part.text if isinstance(part, TextPart) else ""

        options = ChatOptions(max_tokens=_TOKENS, temperature=0.0)
        caller = Caller(session.id, Priority.SPECULATIVE)
        request = AnswerRequest(history.memory.question(leaving), options, SpeakingStyle(), None, caller)
        try:
            async with asyncio.timeout(_AT_MOST_S):
                await session.cast.engine.answer(request, take)
        except (ParleyError, TimeoutError) as fault:
            log.warning("earlier turns are not summed up", session=session.id, error=str(fault))
        else:
            history.memory.take_summary(leaving, history.items, summary)
        finally:
            self._writing = None
