"""A worker of the server's own: a child process behind a Unix socket, started again whenever it dies.

The child gets its settings as one line on standard input and prints its address when it is ready; see `Keeper`.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from parley.models.catalogue import Model
from parley.models.interfaces import ModelSpec
from parley.models.keeper import Keeper
from parley.models.subprocesses import end_with_parent

_START_S = 180.0
NAME = "local"


def settings_for(
    specs: Sequence[ModelSpec], known: Mapping[str, Model], further: Sequence[str], log_level: str
) -> dict[str, Any]:
    """Settings of a child that has `specs` in memory, the first as the default; `further` of the catalogue once asked.

    Whatever it has loaded it keeps. `known`: what the catalogue says of models, by id.
    """
    return {
        "name": NAME,
        "default_model_id": specs[0].id,
        "preload_model_ids": [spec.id for spec in specs],
        "max_parallel_loads": 2,
        "resident_cap": len(specs) + len(further),
        "ttl_ms": 2**53,
        "drain_s": 0,
        "log_level": log_level,
        "models": [
            {
                "id": spec.id,
                "family": spec.family,
                "files": [str(path) for path in spec.files.values()],
                "options": dict(spec.options),
                "languages": list(known[spec.id].languages) if spec.id in known else [],
                "voices": list(known[spec.id].voices) if spec.id in known else [],
            }
            for spec in specs
        ]
        + [{"id": name} for name in further],
    }


class LocalWorker:
    """Use `start` and `aclose`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._folder = Path(tempfile.gettempdir(), f"parley-{secrets.token_hex(6)}")
        """Made when it starts: whoever only wants to know what would be loaded leaves nothing behind."""
        self.address = f"unix:{self._folder}/worker.sock"
        self.keeper = Keeper(
            "voices",
            [sys.executable, "-m", "parley.workers.local_worker"],
            first_line=json.dumps({**settings, "listen": self.address}).encode() + b"\n",
            longest_start_s=_START_S,
            before=lambda: (self._folder / "worker.sock").unlink(missing_ok=True),
        )

    @property
    def pid(self) -> int | None:
        """Of the child that runs now."""
        return self.keeper.pid

    async def start(self) -> None:
        """Return when it is ready; raises `ModelError`."""
        self._folder.mkdir(mode=0o700)
        try:
            await self.keeper.start()
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End it."""
        await self.keeper.aclose()
        shutil.rmtree(self._folder, ignore_errors=True)


def main() -> None:
    """Body of the child process."""
    end_with_parent(watch_stdin=False)  # its loop does
    import uvloop

    from parley import logs
    from parley.workers import process
    from parley.workers.settings import read_settings

    settings = read_settings(sys.stdin.readline(), "the server")
    logs.set_up(settings.log_level, None)
    uvloop.run(process.serve(settings, stop_with_stdin=True, ready=lambda worker: print(worker.address, flush=True)))  # noqa: T201


if __name__ == "__main__":
    main()
