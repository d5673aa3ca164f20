"""The evidence of a conversation on disk: every event that turn-taking was decided on, one JSON line each.

No sound, but words: it is written only where the operator asks for it, readable by the owner alone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from parley.errors import UsageError
from parley.turns import events as ev
from parley.turns.replay import Recorded

_FLUSH_BYTES = 64 * 1024
_MOST_BYTES = 50_000_000
_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in ev.Event.__args__}


class TurnLog:
    """Writes one session's log; what comes after 50 MB is left out."""

    def __init__(self, path: Path) -> None:
        """Create the file; raises `OSError`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._buffer = bytearray()
        self._left = _MOST_BYTES
        self._writing: asyncio.Future[None] | None = None

    def add(self, at: float, event: ev.Event) -> None:
        """Record an event; it is written some time later, off the event loop."""
        if self._failed:
            return
        line = msgspec.json.encode({"now": round(at, 4), "event": type(event).__name__, **msgspec.to_builtins(event)})
        if len(line) >= self._left:
            return
        self._left -= len(line) + 1
        self._buffer += line + b"\n"
        if len(self._buffer) >= _FLUSH_BYTES and (self._writing is None or self._writing.done()):
            chunk, self._buffer = bytes(self._buffer), bytearray()
            self._writing = asyncio.get_running_loop().run_in_executor(None, self._write, chunk)

    @property
    def _failed(self) -> bool:
        """Whether it could not be written, on a full disk: `aclose` tells, and nothing more is kept until then."""
        writing = self._writing
        return writing is not None and writing.done() and writing.exception() is not None

    def _write(self, chunk: bytes) -> None:
        while chunk:
            chunk = chunk[os.write(self._file, chunk) :]

    async def aclose(self) -> None:
        """Write what is left and close the file; raises `OSError`."""
        try:
            if self._writing is not None:
                await self._writing
            await asyncio.to_thread(self._write, bytes(self._buffer))
        finally:
            os.close(self._file)


def read(path: Path) -> list[Recorded]:
    """Read a log; raises `UsageError` that names the line at fault."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as fault:
        raise UsageError(f"{path}: {fault.strerror}") from fault
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            fields: dict[str, Any] = msgspec.json.decode(line)
            at, kind = fields.pop("now"), fields.pop("event")
            records.append(Recorded(float(at), msgspec.convert(fields, _KINDS[kind])))
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as fault:
            raise UsageError(f"{path}, line {number}: not an event of an evidence log ({fault})") from fault
    return records
