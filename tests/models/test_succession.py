"""One language model takes another one's place between two answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from parley.models.interfaces import Caller, ChatDelta, ChatOptions, Message
from parley.models.succession import Succession

CALLER, ASKED = Caller("test"), ({"role": "user", "content": "Who are you?"},)


class Named:
    """Says its name, word by word, each when it is told to."""

    off_host = False
    hears = False

    def __init__(self, name: str, context_tokens: int) -> None:
        self.name, self.context_tokens = name, context_tokens
        self.go = asyncio.Semaphore(0)
        self.read = 0
        self.closed = False

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        for _ in range(2):
            await self.go.acquire()
            assert not self.closed
            yield ChatDelta(text=self.name)

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        self.read += 1

    @asynccontextmanager
    async def forwarding(self, caller: Caller) -> AsyncIterator[str]:
        yield self.name

    async def aclose(self) -> None:
        self.closed = True


async def test_an_answer_stays_with_its_model_and_the_next_one_is_the_successors() -> None:
    old, new = Named("old", 100), Named("new", 200)
    model = Succession(old)
    async with aclosing(model.stream(ASKED, ChatOptions(), CALLER)) as answer:
        old.go.release()
        assert (await anext(answer)).text == "old"
        model.succeed(new)
        assert (model.name, model.context_tokens) == ("new", 200)
        old.go.release()
        assert (await anext(answer)).text == "old"
        assert not old.closed
    await asyncio.sleep(0)
    assert old.closed
    new.go.release()
    async with aclosing(model.stream(ASKED, ChatOptions(), CALLER)) as answer:
        assert (await anext(answer)).text == "new"
    await model.prefill(ASKED, ChatOptions(), CALLER)
    assert (old.read, new.read) == (0, 1)
    async with model.forwarding(CALLER) as client:
        assert client == "new"
    assert not new.closed
    await model.aclose()
    assert new.closed


async def test_a_model_that_nobody_asks_ends_at_once() -> None:
    old = Named("old", 100)
    model = Succession(old)
    model.succeed(Named("new", 200))
    await model.aclose()
    assert old.closed


@pytest.mark.parametrize("up", [True, False])
async def test_it_stands_as_its_model_stands(up: bool) -> None:
    old = Named("old", 100)
    model = Succession(old)
    assert model.up
    old.up = up  # type: ignore[attr-defined]
    assert model.up is up
