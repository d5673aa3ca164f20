"""Bringing a model's files while the server serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from parley.errors import PullError
from parley.models.catalogue import Model
from parley.models.store import Store

_ENDS_S = 3.0


@dataclass(slots=True)
class Pulling:
    """One model's files, fetched in threads, which end soon when `run` is cancelled; what is there stays."""

    store: Store
    model: Model
    tell: Callable[[int], None] = lambda _: None
    """Called in those threads with the bytes that are here."""
    _bytes: dict[str, int] = field(default_factory=dict)
    _stopped: bool = False

    async def run(self) -> None:
        """Return when all are here; raises `PullError`, `LicenceRefused`."""
        pulling = asyncio.ensure_future(asyncio.to_thread(self.store.pull, self.model, self._pulled))
        pulling.add_done_callback(_retrieved)  # nobody waits for it once `run` is cancelled
        try:
            await asyncio.shield(pulling)
        except asyncio.CancelledError:
            self._stopped = True
            await asyncio.wait([pulling], timeout=_ENDS_S)
            raise

    def _pulled(self, name: str, done: int, _: int) -> None:
        if self._stopped:
            raise PullError("the server stops")
        self._bytes[name] = max(done, self._bytes.get(name, 0))  # a package may be larger than what is taken from it
        self.tell(min(sum(self._bytes.values()), self.model.size))


def _retrieved(pulling: asyncio.Future[None]) -> None:
    if not pulling.cancelled():
        pulling.exception()
