"""Which worker serves which session: a session stays where it is, and lets go of what it held when it is over."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from grpc.aio import AioRpcError

from parley.v1 import worker_pb2 as pb
from parley.workers.remote_worker import RemoteWorker
from parley.workers.routing import Choice, Need

log = structlog.get_logger("worker")

_MOST_SESSIONS = 4096
_CALL_S = 5.0


class Bindings:
    """Sessions and the models that workers hold for them."""

    def __init__(
        self, workers: Callable[[], Mapping[str, RemoteWorker]], spawn: Callable[[Any, str], asyncio.Task[None]]
    ) -> None:
        """`workers`: those that are known, by name; `spawn` runs a coroutine beside everything."""
        self._workers = workers
        self._spawn = spawn
        self._bound: OrderedDict[tuple[str, str], set[Choice]] = OrderedDict()
        self._sticky: dict[tuple[str, str], str] = {}
        self._paused: set[str] = set()
        """Sessions that are to make no sound."""
        self._telling: dict[str, bool] = {}
        """Sessions whose workers are being told that, and what they were told last."""

    def worker_of(self, session: str, model: str) -> str | None:
        """Name of the worker that last served a session with a model."""
        return self._sticky.get((session, model))

    def bind(self, session: str, need: Need, choice: Choice) -> None:
        """Remember where a session is served, and begin it there."""
        key = (session, need.model)
        self._sticky[key] = choice.worker
        begun = self._bound.setdefault(key, set())
        self._bound.move_to_end(key)
        if choice not in begun:
            begun.add(choice)
            self._spawn(self._start(session, choice), "start session")
        while len(self._bound) > _MOST_SESSIONS:
            self.forget(next(iter(self._bound))[0])

    async def _start(self, session: str, choice: Choice) -> None:
        worker = self._workers().get(choice.worker)
        if worker is None:
            return
        request = pb.StartSessionRequest(session_id=session, model_id=choice.model)
        try:
            await worker.worker.StartSession(request, timeout=_CALL_S)
        except AioRpcError as fault:
            log.info("session not begun", worker=choice.worker, error=fault.details())

    def hold(self, session: str, *, paused: bool) -> None:
        """A session's answer is paused, or goes on: its workers spend nothing meanwhile. Told in order."""
        (self._paused.add if paused else self._paused.discard)(session)
        if session not in self._telling and any(key[0] == session for key in self._bound):
            self._telling[session] = not paused
            self._spawn(self._tell(session), "pause")

    async def _tell(self, session: str) -> None:
        try:
            while (paused := session in self._paused) != self._telling[session]:
                self._telling[session] = paused
                action = pb.ControlRequest.PAUSE if paused else pb.ControlRequest.RESUME
                await asyncio.gather(*(self._control(w, session, action) for w in self._workers_of(session)))
        finally:
            del self._telling[session]

    def _workers_of(self, session: str) -> list[RemoteWorker]:
        names = {choice.worker for key, begun in self._bound.items() if key[0] == session for choice in begun}
        found = (self._workers().get(name) for name in names)
        return [worker for worker in found if worker is not None and worker.healthy]

    @staticmethod
    async def _control(worker: RemoteWorker, session: str, action: pb.ControlRequest.Action.ValueType) -> None:
        with suppress(AioRpcError):  # it is gone, and spends nothing
            await worker.worker.Control(pb.ControlRequest(action=action, session_id=session), timeout=_CALL_S)

    def forget(self, session: str) -> None:
        """A conversation is over: let go of the models that it held."""
        self._paused.discard(session)
        for key in [k for k in self._bound if k[0] == session]:
            self._sticky.pop(key, None)
            for choice in self._bound.pop(key):
                if (worker := self._workers().get(choice.worker)) is not None and worker.healthy:
                    self._spawn(self._end(worker, session, choice.model), "end session")

    @staticmethod
    async def _end(worker: RemoteWorker, session: str, model: str) -> None:
        with suppress(AioRpcError):  # it is gone, and so is what was held
            await worker.worker.EndSession(pb.EndSessionRequest(session_id=session, model_id=model), timeout=_CALL_S)
