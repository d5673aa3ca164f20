"""One request's way through the fleet."""

from __future__ import annotations

import structlog

from parley.errors import ModelError, Overloaded
from parley.workers.fleet import Fleet
from parley.workers.routing import Choice, Need

log = structlog.get_logger("worker")

_ATTEMPTS = 4


class Failover:
    """One request's way through the fleet: where to turn, and again when that fails."""

    def __init__(self, fleet: Fleet, need: Need, session: str) -> None:
        self._fleet = fleet
        self._need = need
        self._session = session
        self._failed: set[str] = set()
        self._left = _ATTEMPTS

    async def choose(self) -> Choice:
        """The best worker that has not failed this request; raises `ModelError`."""
        self._left -= 1
        return await self._fleet.choose(self._need, self._session, self._failed)

    def failed(self, choice: Choice, fault: ModelError | Overloaded) -> None:
        """It failed; raises `fault` when another attempt would be of no use."""
        if not self._left or not getattr(fault, "retryable", True):
            raise fault
        self._failed.add(choice.worker)
        self._fleet.failovers += 1
        log.warning("goes on elsewhere", worker=choice.worker, session=self._session, error=str(fault))
