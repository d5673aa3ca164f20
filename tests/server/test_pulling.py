"""Bringing a model's files while the server serves."""

from __future__ import annotations

import asyncio
import gc
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from parley.errors import PullError
from parley.server.pulling import Pulling


class Store:
    """Tells of a byte when it is let to."""

    def __init__(self) -> None:
        self.begun, self.may_go = threading.Event(), threading.Event()

    def pull(self, _: Any, progress: Any) -> None:
        self.begun.set()
        assert self.may_go.wait(60)
        progress("a", 1, 1)


@pytest.mark.parametrize("at_once", [True, False])
async def test_one_that_is_stopped_ends_without_a_word_in_the_log(
    at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not at_once:
        monkeypatch.setattr("parley.server.pulling._ENDS_S", 0.01)
    store, told = Store(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    pulling = asyncio.create_task(Pulling(cast(Any, store), cast(Any, SimpleNamespace(size=1))).run())
    assert await asyncio.to_thread(store.begun.wait, 60)
    if at_once:
        store.may_go.set()
    pulling.cancel()
    await asyncio.wait([pulling])
    assert pulling.cancelled()
    store.may_go.set()
    del pulling
    await asyncio.get_running_loop().shutdown_default_executor()
    await asyncio.sleep(0)
    gc.collect()
    assert not told


async def test_what_goes_wrong_is_raised() -> None:
    class Broken(Store):
        def pull(self, _: Any, progress: Any) -> None:
            raise PullError("no room")

    with pytest.raises(PullError, match="no room"):
        await Pulling(cast(Any, Broken()), cast(Any, SimpleNamespace(size=1))).run()
