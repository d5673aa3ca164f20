"""Written responses beside the conversation (``conversation: none``): they need no floor and leave no trace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.conversation.engines.base import Emit, ResponsePart
from parley.conversation.responses.response import Response, ResponseOptions
from parley.conversation.responses.runner import ResponseRunner
from parley.errors import ParleyError, ProtocolError
from parley.turns.actions import Ending

MOST_AT_ONCE = 8
"""Each takes a connection to the language model: one session must not take them all."""
log = structlog.get_logger("conversation")


class OutOfBand:
    """The responses of this kind that are running."""

    def __init__(self, context: Context, runner: ResponseRunner) -> None:
        self._context = context
        self._runner = runner
        self._running: dict[str, Response] = {}

    def start(self, options: ResponseOptions) -> None:
        """Begin one; raises `ProtocolError` while as many as may are running."""
        response = self._begun(options)
        engine = self._context.agent(response.agent).models.engine

        async def answer(take: Emit) -> None:
            await engine.answer(self._runner.requests.of(response), take)

        response.task = self._context.spawn(self._produce(response, answer), "out-of-band")

    async def carry_out(self, options: ResponseOptions, produce: Callable[[Emit], Awaitable[None]]) -> Response:
        """One that somebody here has made, and waits for: what came of it, or its `failure`.

        Cancelled by its client, the task that waits is. Raises what `start` raises.
        """
        response = self._begun(options)
        response.task = asyncio.current_task()
        await self._produce(response, produce)
        return response

    def _begun(self, options: ResponseOptions) -> Response:
        if len(self._running) >= MOST_AT_ONCE:
            raise ProtocolError(
                f"{MOST_AT_ONCE} responses beside the conversation are running: wait for one or cancel it",
                field="response.conversation", code="too_many_responses",
            )  # fmt: skip
        response = Response(
            "",
            self._context.emit,
            options,
            self._context.agent().name,
            options.participant,
            None,
            "",
            committed=True,
            speaks=False,
        )
        self._running[response.id] = response
        self._context.emit(nt.ResponseStarted(
            response.id, options.metadata, out_of_band=True, shown=options.shown, agent=response.agent,
            participant=response.participant,
        ))  # fmt: skip
        return response

    def cancel(self, response_id: str | None) -> bool:
        """Cancel one by its id; returns whether there was one."""
        response = self._running.get(response_id or "")
        if response is None or response.task is None:
            return False
        response.task.cancel()
        return True

    async def _produce(self, response: Response, produce: Callable[[Emit], Awaitable[None]]) -> None:
        async def take(part: ResponsePart) -> None:
            await self._runner.producer.take(response, part)

        ending, reason = Ending.FINISHED, ""
        try:
            await produce(take)
        except ParleyError as fault:
            ending, reason = Ending.FAILED, str(fault)
        except Exception as fault:
            log.error("response broke", session=self._context.id, response=response.id, exc_info=True)
            ending, reason = Ending.FAILED, f"internal error ({type(fault).__name__})"
        except asyncio.CancelledError:
            ending, reason = Ending.CUT, "client_cancelled"
            raise
        finally:
            del self._running[response.id]
            response.failure = reason if ending is Ending.FAILED else ""
            response.settle(ending, None)
            self._runner.finish(response, ending, reason)
