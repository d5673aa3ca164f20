"""Written responses beside the conversation (``conversation: none``): they need no floor and leave no trace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from parley.conversation import happenings as hp
from parley.conversation.answer import Answer, ResponseWish
from parley.conversation.engines.base import AnswerPart
from parley.errors import ParleyError, ProtocolError
from parley.turns.actions import Ending

if TYPE_CHECKING:
    from parley.conversation.answering import Answering
    from parley.conversation.session import Session

MOST_AT_ONCE = 8
"""Each takes a connection to the language model: one session must not take them all."""
log = structlog.get_logger("conversation")


class OutOfBand:
    """The responses of this kind that are running."""

    def __init__(self, session: Session, answering: Answering) -> None:
        self._session = session
        self._answering = answering
        self._running: dict[str, Answer] = {}

    def start(self, wish: ResponseWish) -> None:
        """Begin one; raises `ProtocolError` while as many as may are running."""
        if len(self._running) >= MOST_AT_ONCE:
            raise ProtocolError(
                f"{MOST_AT_ONCE} responses beside the conversation are running: wait for one or cancel it",
                field="response.conversation", code="too_many_responses",
            )  # fmt: skip
        answer = Answer("", self._session.emit, wish, None, "", committed=True, speaks=False)
        self._running[answer.id] = answer
        self._session.emit(hp.ResponseStarted(answer.id, wish.metadata, out_of_band=True))
        answer.task = self._session.spawn(self._produce(answer), "out-of-band")

    def cancel(self, response_id: str | None) -> bool:
        """Cancel one by its id; returns whether there was one."""
        answer = self._running.get(response_id or "")
        if answer is None or answer.task is None:
            return False
        answer.task.cancel()
        return True

    async def _produce(self, answer: Answer) -> None:
        async def take(part: AnswerPart) -> None:
            await self._answering.take(answer, part)

        ending, reason = Ending.FINISHED, ""
        try:
            await self._session.cast.engine.answer(self._answering.requests.of(answer), take)
        except ParleyError as fault:
            ending, reason = Ending.FAILED, str(fault)
        except Exception as fault:
            log.error("response broke", session=self._session.id, response=answer.id, exc_info=True)
            ending, reason = Ending.FAILED, f"internal error ({type(fault).__name__})"
        except asyncio.CancelledError:
            ending, reason = Ending.CUT, "client_cancelled"
            raise
        finally:
            del self._running[answer.id]
            answer.settle(ending, None)
            self._answering.finish(answer, ending, reason)
