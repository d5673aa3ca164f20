"""Connections that send events, mutated conversations, or messages of no protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.wild.fuzz import events
from tests.wild.fuzz.findings import Case
from tests.wild.fuzz.values import dumped

_PATHS = (
    "/v1/realtime",
    "/v1/realtime?parley=1",
    "/v1/realtime?parley=1&resume=x",
    "/v1/realtime?model=gpt-realtime",
    "/ws",
)
_ANSWERS_S = 0.3
_MOST_EVENTS = 60


async def send_events(url: str, case: Case) -> None:
    """Events at random, about what there is as well as about what there is not."""
    known = events.Known()
    count = case.random.randrange(1, _MOST_EVENTS)
    await _send(url, case, known, (events.event(case.random, known) for _ in range(count)))


async def send_conversation(url: str, case: Case) -> None:
    """A conversation as clients have it, damaged."""
    known = events.Known()
    course = events.mutated(case.random, events.script(case.random, known))
    await _send(url, case, known, map(dumped, course))


async def send_messages(url: str, case: Case) -> None:
    """JSON of any shape, text and bytes."""
    count = case.random.randrange(1, _MOST_EVENTS)
    await _send(url, case, events.Known(), (events.message(case.random) for _ in range(count)))


def judged(case: Case, known: events.Known) -> Callable[[str | bytes], None]:
    """Takes what the server tells: what it tells of itself is a fault."""

    def take(data: str | bytes) -> None:
        if isinstance(data, bytes):
            case.hear("sound")
            return
        told: dict[str, Any] = msgspec.json.decode(data)
        known.learn(told)
        error = told.get("error") or {}
        broke = error.get("code") == "internal_error"
        case.hear(f"{told['type']} {error.get('message')}" if broke else told["type"], fault=broke)

    return take


async def _send(url: str, case: Case, known: events.Known, messages: Iterable[str | bytes]) -> None:
    async with _connected(url, case, judged(case, known)) as socket:
        for data in messages:
            case.send(data)
            await socket.send(data)
            if case.random.random() < 0.3:
                await asyncio.sleep(case.random.random() * 0.1)
        await asyncio.sleep(_ANSWERS_S)
        if case.random.random() < 0.3:
            socket.transport.abort()


@contextlib.asynccontextmanager
async def _connected(url: str, case: Case, take: Callable[[str | bytes], None]) -> AsyncIterator[ClientConnection]:
    """A connection whose messages are read meanwhile; that the server closes it is its right."""
    path = case.random.choice(_PATHS)
    case.send(path)
    async with connect(url.replace("http", "ws", 1) + path, max_size=None, close_timeout=5) as socket:
        reading = asyncio.create_task(_read(socket, take))
        try:
            with contextlib.suppress(ConnectionClosed):
                yield socket
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(socket: ClientConnection, take: Callable[[str | bytes], None]) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for data in socket:
            take(data)
