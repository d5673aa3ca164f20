"""Child processes that host a model, seen from both sides: they never outlive their parent, however that ends."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import threading
from contextlib import suppress

PARENT = "PARLEY_PARENT_PID"
"""Environment variable that tells a child whose it is."""
_STOP_S = 5.0
_PR_SET_PDEATHSIG = 1


async def end(process: asyncio.subprocess.Process) -> None:
    """Let it end by itself, then make it; it is not waited for beyond that."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_S)


def end_with_parent(*, watch_stdin: bool) -> None:
    """In a child, before anything else: die as soon as the parent does, in the middle of loading a model too.

    Linux kills it; elsewhere a thread sees that standard input has closed (`watch_stdin`: unless somebody reads it).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = os.environ.get(PARENT)
    if parent is not None and os.getppid() != int(parent):
        os._exit(0)  # it was gone before that was set up
    if watch_stdin:
        threading.Thread(target=_exit_at_end_of_stdin, name="watch stdin", daemon=True).start()


def _exit_at_end_of_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)  # a model's threads must not hold the process
