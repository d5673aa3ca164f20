"""What a worker process does: one shard at a time, with models that it loads once."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import Sequence
from contextlib import aclosing
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from parley import __version__
from parley.models.catalogue import Kind, catalogue
from parley.models.plugins import load
from parley.models.store import Store
from parley.train.clips import Clip
from parley.train.settings import Settings
from parley.train.steps import STEPS


def prepare() -> None:
    """Make a process end with the one that started it: killed, that one cannot say that the work is over."""
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def work(name: str, settings: Settings, shard: Sequence[Clip]) -> list[Clip]:
    """Run a step over a shard; returns what follows."""
    step = next(step for step in STEPS if step.name == name)
    section = step.section(settings)

    async def run() -> list[Clip]:
        async with aclosing(step.run(shard, section, _model)) as stream:
            return [after async for after in stream]

    return _runner().run(run())


def look(recordings: Sequence[str]) -> tuple[str, str]:
    """Which parley this is, and the first of some recordings that is not seen from here ("": all are)."""
    return __version__, next((path for path in recordings if not Path(path).is_file()), "")


@functools.cache
def _runner() -> asyncio.Runner:
    """One event loop for all shards: models stay on the loop that they were loaded on."""
    return asyncio.Runner()


_loaded: dict[tuple[Kind, str], Any] = {}


async def _model(kind: Kind, name: str) -> Any:
    if (kind, name) not in _loaded:
        model = catalogue().get(name, kind)
        store = Store()
        if not store.is_present(model):  # on another machine than the one that was told to run
            await asyncio.to_thread(store.pull, model)
        _loaded[kind, name] = await load(store.spec(model))
    return _loaded[kind, name]
