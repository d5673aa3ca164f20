"""Notices when something holds the event loop, and says what: nobody is heard or answered meanwhile.

A heartbeat runs in the loop; a thread looks at it from outside. Once a beat is late it notes where the loop's thread
stands, and when the loop is free again the time is counted and the place is logged. It costs ten wake-ups a second.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Self

import structlog

log = structlog.get_logger("server")

BLOCKED_S = 0.2
_BEAT_S = 0.1
_FRAMES = 12
_QUIET_S = 10.0
"""Between two warnings; what is blocked in between is counted all the same."""


class LoopWatch:
    """Use as ``async with`` in the loop that is watched; `blocked` is called there with the seconds it was held."""

    def __init__(self, blocked: Callable[[float], None], *, blocked_s: float = BLOCKED_S) -> None:
        self._blocked = blocked
        self._blocked_s = blocked_s
        self._beat = time.monotonic()
        self._place: str | None = None
        self._warned = float("-inf")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="loop-watch", daemon=True)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        self._watched = threading.get_ident()
        self._task = asyncio.create_task(self._live(), name="loop-watch")
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop watching."""
        self._over.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _live(self) -> None:
        while True:
            due = self._beat = time.monotonic()
            await asyncio.sleep(_BEAT_S)
            late_s = time.monotonic() - due - _BEAT_S
            if late_s >= self._blocked_s:
                self._tell(late_s)
            self._place = None

    def _tell(self, late_s: float) -> None:
        self._blocked(late_s)
        if time.monotonic() - self._warned >= _QUIET_S:
            self._warned = time.monotonic()
            log.warning("the event loop was blocked", seconds=round(late_s, 2), at=self._place or "not seen")

    def _look(self) -> None:
        while not self._over.wait(_BEAT_S / 2):
            if self._place is None and time.monotonic() - self._beat - _BEAT_S >= self._blocked_s / 2:
                frame = sys._current_frames().get(self._watched)
                frames = traceback.extract_stack(frame, limit=_FRAMES) if frame is not None else []
                self._place = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))
