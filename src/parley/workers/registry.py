"""Redis as the place where workers announce themselves and servers learn of them.

A worker keeps ``parley:worker:NAME`` (its `Announcement` as JSON) alive with a time to live of three seconds, and tells
every arrival, change and departure on the channel ``parley:workers``. A server reads the keys once for each connection
and then only listens. Without Redis nothing new is learnt; whoever is known stays known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
import redis.asyncio as redis
import structlog
from redis.exceptions import RedisError

from parley.workers.announcement import Announcement

log = structlog.get_logger("worker")

KEY = "parley:worker:"
CHANNEL = "parley:workers"
TTL_S = 3
HEARTBEAT_S = 1.0
_TIMEOUT_S = 2.0
_RETRY_S = (0.2, 2.0)
_FAULTS = (RedisError, OSError, TimeoutError)


class Gone(msgspec.Struct, frozen=True, tag_field="event", tag="gone"):
    """A worker takes its leave."""

    name: str


def connect(url: str) -> redis.Redis:
    """A client; ``redis://:PASSWORD@HOST`` and ``rediss://`` (TLS) work."""
    return redis.Redis.from_url(
        url, socket_timeout=None, socket_connect_timeout=_TIMEOUT_S, health_check_interval=5, decode_responses=False
    )


class Announcer:
    """A worker's side: keeps saying that it is there. Use as ``async with``; the end takes leave."""

    def __init__(self, url: str, tell: Callable[[], Announcement]) -> None:
        self._redis = connect(url)
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.connected = asyncio.Event()

    async def __aenter__(self) -> Announcer:
        """Begin."""
        self._task = asyncio.create_task(self._keep_saying(), name="announce worker")
        return self

    def changed(self) -> None:
        """Say it at once."""
        self._changed.set()

    async def _keep_saying(self) -> None:
        wait_s = _RETRY_S[0]
        said: Announcement | None = None
        while True:
            self._changed.clear()
            now = self._tell()
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    data = msgspec.json.encode(now)
                    await self._redis.set(KEY + now.name, data, ex=TTL_S)
                    if said is None or now.steady != said.steady:
                        await self._redis.publish(CHANNEL, data)
            except _FAULTS as fault:
                if self.connected.is_set() or said is None:
                    log.warning("registry not reached, trying on", error=str(fault) or type(fault).__name__)
                self.connected.clear()
                said = None  # after a restart of Redis everybody has to hear it again
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _RETRY_S[1])
                continue
            wait_s, said = _RETRY_S[0], now
            self.connected.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), HEARTBEAT_S)

    async def __aexit__(self, *fault: object) -> None:
        """Take leave."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        name = self._tell().name
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self._redis.delete(KEY + name)
                await self._redis.publish(CHANNEL, msgspec.json.encode(Gone(name)))
        except _FAULTS as error:
            log.info("took no leave of the registry", error=str(error) or type(error).__name__)
        await self._redis.aclose()


class Directory:
    """A server's side: hears who is there. Use as ``async with``."""

    def __init__(self, url: str, arrived: Callable[[Announcement], None], gone: Callable[[str], None]) -> None:
        self._redis = connect(url)
        self._arrived = arrived
        self._gone = gone
        self._task: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()

    async def __aenter__(self) -> Directory:
        """Begin to listen."""
        self._task = asyncio.create_task(self._listen_for_ever(), name="listen for workers")
        return self

    async def __aexit__(self, *fault: object) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._redis.aclose()

    async def _listen_for_ever(self) -> None:
        wait_s, told = _RETRY_S[0], False
        while True:
            try:
                await self._listen()
            except _FAULTS as fault:
                if self.connected.is_set() or not told:
                    log.warning("registry not reached, trying on", error=str(fault) or type(fault).__name__)
                    told, wait_s = True, _RETRY_S[0]
                self.connected.clear()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _RETRY_S[1])

    async def _listen(self) -> None:
        async with self._redis.pubsub() as channel:
            async with asyncio.timeout(_TIMEOUT_S):
                await channel.subscribe(CHANNEL)
                async for key in self._redis.scan_iter(match=KEY + "*"):
                    self._hear(await self._redis.get(key))
            self.connected.set()
            log.info("listening for workers")
            while True:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=5.0)
                if message is not None:
                    self._hear(message["data"])

    def _hear(self, data: bytes | str | None) -> None:
        if not isinstance(data, bytes):
            return  # it expired between the listing and the look
        try:
            if b'"event":"gone"' in data:
                self._gone(msgspec.json.decode(data, type=Gone).name)
            else:
                self._arrived(msgspec.json.decode(data, type=Announcement))
        except msgspec.DecodeError as fault:
            log.warning("an announcement that cannot be read", error=str(fault))
        except Exception:
            log.error("an announcement that cannot be used", exc_info=True)


async def announced(url: str) -> list[Announcement]:
    """Who is there now; raises `OSError` or `RedisError`."""
    client = connect(url)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            values = [await client.get(key) async for key in client.scan_iter(match=KEY + "*")]
        return [msgspec.json.decode(v, type=Announcement) for v in values if v is not None]
    finally:
        await client.aclose()
