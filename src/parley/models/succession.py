"""A language model whose place another one takes while conversations go on: between two answers, never within one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from parley.models.interfaces import Caller, ChatDelta, ChatModel, ChatOptions, Message, Reachable
from parley.models.plugins import close


@dataclass(slots=True, eq=False)
class _Held:
    """A model and how many requests it is at work on."""

    model: Any
    requests: int = 0
    outgoing: bool = False


class Succession:
    """See `ChatModel`. A request stays with the model that began it; a model that was succeeded ends with its last."""

    def __init__(self, model: ChatModel) -> None:
        """`model` answers until it is succeeded; it is owned from now on."""
        self.name, self.off_host = model.name, model.off_host
        self._current = _Held(model)
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def model(self) -> Any:
        """The model that answers now."""
        return self._current.model

    @property
    def context_tokens(self) -> int | None:
        """See `ChatModel.context_tokens`."""
        found: int | None = self.model.context_tokens
        return found

    @property
    def hears(self) -> bool:
        """See `ChatModel.hears`."""
        return bool(self.model.hears)

    @property
    def up(self) -> bool:
        """Whether it can be asked now."""
        return not isinstance(self.model, Reachable) or self.model.up

    def succeed(self, model: ChatModel) -> None:
        """From now on `model` answers; the one before is closed once nobody waits for it."""
        self.name, self.off_host = model.name, model.off_host
        before, self._current = self._current, _Held(model)
        before.outgoing = True
        self._close_if_done(before)

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        """See `ChatModel.stream`."""
        with self._holding() as model:
            async with aclosing(model.stream(messages, options, caller)) as deltas:
                async for delta in deltas:
                    yield delta

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """See `ChatModel.prefill`."""
        with self._holding() as model:
            await model.prefill(messages, options, caller)

    @asynccontextmanager
    async def forwarding(self, caller: Caller) -> AsyncIterator[Any]:
        """The client for a request that is passed on as it is."""
        with self._holding() as model:
            async with model.forwarding(caller) as client:
                yield client

    @contextmanager
    def _holding(self) -> Iterator[Any]:
        held = self._current
        held.requests += 1
        try:
            yield held.model
        finally:
            held.requests -= 1
            self._close_if_done(held)

    def _close_if_done(self, held: _Held) -> None:
        if held.outgoing and not held.requests:
            task = asyncio.create_task(close(held.model), name="close the model before")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """Close every model."""
        await close(self.model)
        await asyncio.gather(*self._closing, return_exceptions=True)
