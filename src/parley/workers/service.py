"""What the gRPC services of a worker share: faults in the form of the interface, heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, NoReturn, TypeVar

from grpc.aio import ServicerContext

from parley.errors import ParleyError
from parley.workers import grpc_errors
from parley.workers.host import Host

T = TypeVar("T")
HEARTBEAT_S = 0.2
_QUEUE = 16  # frames between the model and the network: what is waiting there was paid for by credit
Context = ServicerContext[Any, Any]


class Calls:
    """What the services share."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def _answer(self, context: Context, work: Awaitable[T]) -> T:
        """The result, or the fault in the interface's form."""
        try:
            return await work
        except ParleyError as fault:
            await self._fail(context, fault)

    @asynccontextmanager
    async def _failing(self, context: Context) -> AsyncIterator[None]:
        try:
            yield
        except ParleyError as fault:
            await self._fail(context, fault)

    async def _fail(self, context: Context, fault: ParleyError) -> NoReturn:
        self._host.metrics.failures.labels(type(fault).__name__).inc()
        await grpc_errors.abort(context, fault)


async def with_heartbeats(
    work: AsyncGenerator[T, None], heartbeat: Callable[[], T], stopped: asyncio.Event
) -> AsyncGenerator[T, None]:
    """What `work` gives, and a heartbeat whenever it gave nothing for a while; ends early once `stopped`."""
    queue: asyncio.Queue[tuple[T | None, BaseException | None]] = asyncio.Queue(_QUEUE)

    async def move() -> None:
        fault: BaseException | None = None
        try:
            async with aclosing(work):
                async for item in work:
                    await queue.put((item, None))
        except Exception as error:  # noqa: BLE001 - raised again on the other side of the queue
            fault = error
        await queue.put((None, fault))

    moving = asyncio.create_task(move())
    stopping = asyncio.create_task(stopped.wait())
    getting: asyncio.Task[tuple[T | None, BaseException | None]] | None = None
    try:
        while not stopped.is_set():
            if getting is None and not queue.empty():  # else what is being got comes first
                item, fault = queue.get_nowait()
            else:
                getting = getting or asyncio.create_task(queue.get())
                done, _ = await asyncio.wait({getting, stopping}, timeout=HEARTBEAT_S, return_when="FIRST_COMPLETED")
                if getting not in done:
                    if not done:
                        yield heartbeat()
                    continue
                item, fault = getting.result()
                getting = None
            if fault is not None:
                raise fault
            if item is None:
                return
            yield item
    finally:
        tasks = [t for t in (moving, stopping, getting) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
