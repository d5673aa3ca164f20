"""Keeps a child process: started again, with a growing wait, whenever it dies.

The child gets its first line on standard input, says one line on standard output when it is ready, and ends when its
standard input closes or its parent is gone (see `children.end_with_parent`).
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from parley.errors import ModelError
from parley.models.subprocesses import PARENT, end

log = structlog.get_logger("model")

_WAIT_S = (0.1, 5.0)
_SETTLED_S = 30.0  # a child that lived for so long is started again at once
_DYING_S = 0.3
"""Between a connection that breaks because its process dies and the news of its death."""


class Keeper:
    """One child process. Use `start` and `aclose`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        first_line: bytes = b"",
        longest_start_s: float = 120.0,
        environment: Mapping[str, str] | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """`before` is called before each start."""
        self.name = name
        self.said = ""
        """The line by which the child that runs now told that it is ready."""
        self.starts = 0
        self.on_start: Callable[[str], None] = lambda _: None
        """Called with that line whenever a child is ready."""
        self._command = command
        self._first_line = first_line
        self._longest_start_s = longest_start_s
        self._environment = environment or {}
        self._before = before
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        _keepers.add(self)

    @property
    def up(self) -> bool:
        """Whether it is ready now."""
        return self._up.is_set() and self._process is not None and self._process.returncode is None

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, self.starts - 1)

    @property
    def pid(self) -> int | None:
        """Of the child that runs now."""
        return self._process.pid if self._process else None

    async def start(self) -> str:
        """Return what it says when it is ready; raises `ModelError`."""
        try:
            await self._spawn()
        except BaseException:
            await self.aclose()
            raise
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self.name}")
        return self.said

    async def until_up(self, within_s: float) -> bool:
        """Wait until a child is ready; False when none is within this time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not self.up:
                    await self._up.wait()
                    await asyncio.sleep(0)
        return self.up

    async def replaced(self, start: int, within_s: float) -> bool:
        """Whether the child of start number `start` died and another one is ready, waiting for that."""
        if self.starts == start and self._process is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_DYING_S):
                    await self._process.wait()
            if self._process.returncode is None:
                return False
        return await self.until_up(within_s) and self.starts != start

    async def _spawn(self) -> None:
        self._before()
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**self._environment, **os.environ, PARENT: str(os.getpid())},
            start_new_session=True,  # Ctrl-C in a terminal is for the server, which lets its children finish
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ConnectionError):  # it died at once; the empty line below says so
            process.stdin.write(self._first_line)
            await process.stdin.drain()
        try:
            said = await asyncio.wait_for(process.stdout.readline(), self._longest_start_s)
        except TimeoutError as fault:
            process.kill()
            raise ModelError(f"{self.name}: its process did not start within {self._longest_start_s:.0f} s") from fault
        if not said:
            code = await process.wait()
            raise ModelError(f"{self.name}: its process ended with code {code} at its start; the log says why")
        self.said = said.decode(errors="replace").strip()
        self.starts += 1
        try:
            self.on_start(self.said)
        except Exception:
            log.error("a child's start was not noticed", child=self.name, exc_info=True)
        self._up.set()

    async def _keep(self) -> None:
        wait_s = _WAIT_S[0]
        loop = asyncio.get_running_loop()
        while True:
            assert self._process is not None
            began = loop.time()
            code = await self._process.wait()
            self._up.clear()
            if loop.time() - began > _SETTLED_S:
                wait_s = _WAIT_S[0]
            log.warning("a child died, starting it again", child=self.name, code=code)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _WAIT_S[1])
            try:
                await self._spawn()
            except (ModelError, OSError) as fault:
                log.error("a child does not start", child=self.name, error=str(fault))

    async def aclose(self) -> None:
        """End it."""
        _keepers.discard(self)
        self._up.clear()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if (process := self._process) is not None and process.returncode is None:
            await end(process)


_keepers: weakref.WeakSet[Keeper] = weakref.WeakSet()


def all_keepers() -> list[Keeper]:
    """Those of this process that were not closed."""
    return sorted(_keepers, key=lambda keeper: keeper.name)
