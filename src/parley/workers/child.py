"""A worker of the server's own: a child process behind a Unix socket, started again whenever it dies.

The child gets its settings as one line on standard input, prints its address when it is ready, and ends when its
standard input closes, so it never outlives the server, however that ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from parley.errors import ModelError
from parley.models.children import end
from parley.models.interfaces import ModelSpec

log = structlog.get_logger("worker")

_START_S = 180.0
_WAIT_S = (0.1, 5.0)
_SETTLED_S = 30.0  # a child that lived for so long is started again at once
NAME = "local"


def settings_for(specs: Sequence[ModelSpec], languages: Mapping[str, Sequence[str]], log_level: str) -> dict[str, Any]:
    """Settings of a child that keeps all of these voices in memory; the first is the default."""
    return {
        "name": NAME,
        "default_model_id": specs[0].id,
        "preload_model_ids": [spec.id for spec in specs],
        "max_parallel_loads": 2,
        "resident_cap": len(specs),
        "ttl_ms": 2**53,
        "drain_s": 0,
        "log_level": log_level,
        "models": [
            {
                "id": spec.id,
                "family": spec.family,
                "files": [str(path) for path in spec.files.values()],
                "options": dict(spec.options),
                "languages": list(languages.get(spec.id, ())),
            }
            for spec in specs
        ],
    }


class ChildWorker:
    """Use `start` and `aclose`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="parley-"))
        self.address = f"unix:{self._folder}/worker.sock"
        self._line = json.dumps({**settings, "listen": self.address}).encode() + b"\n"
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Of the child that runs now."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Return when it is ready; raises `ModelError`."""
        try:
            await self._spawn()
        except BaseException:
            await self.aclose()
            raise
        self._keeper = asyncio.create_task(self._keep(), name="keep the worker")

    async def _spawn(self) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._folder / "worker.sock")
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "parley.workers.child",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ConnectionError):  # it died at once; the empty line below says so
            process.stdin.write(self._line)
            await process.stdin.drain()
        try:
            ready = await asyncio.wait_for(process.stdout.readline(), _START_S)
        except TimeoutError as fault:
            raise ModelError(f"the voices' process did not start within {_START_S:.0f} s") from fault
        if not ready:
            code = await process.wait()
            raise ModelError(f"the voices' process ended with code {code} at its start; the log says why")

    async def _keep(self) -> None:
        wait_s = _WAIT_S[0]
        loop = asyncio.get_running_loop()
        while True:
            assert self._process is not None
            began = loop.time()
            code = await self._process.wait()
            if loop.time() - began > _SETTLED_S:
                wait_s = _WAIT_S[0]
            log.warning("the voices' process died, starting it again", code=code)
            self.restarts += 1
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _WAIT_S[1])
            try:
                await self._spawn()
            except (ModelError, OSError) as fault:
                log.error("the voices' process does not start", error=str(fault))

    async def aclose(self) -> None:
        """End it."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if (process := self._process) is not None and process.returncode is None:
            await end(process)
        shutil.rmtree(self._folder, ignore_errors=True)


def main() -> None:
    """Body of the child process."""
    import uvloop

    from parley import logs
    from parley.workers import process
    from parley.workers.settings import read_settings

    settings = read_settings(sys.stdin.readline(), "the server")
    logs.set_up(settings.log_level, None)
    uvloop.run(process.serve(settings, stop_with_stdin=True, ready=lambda worker: print(worker.address, flush=True)))  # noqa: T201


if __name__ == "__main__":
    main()
