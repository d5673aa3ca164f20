"""Drives the turn-taker: events go in one at a time and in order, what it orders is performed, time is kept for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

import structlog

from parley.conversation.turn_log import TurnLog
from parley.turns import TurnTaker
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.settings import TurnSettings

log = structlog.get_logger("conversation")


class TurnDriver:
    """Of one conversation. What its collaborators raise ends a response or the conversation, never the driver."""

    def __init__(
        self,
        session: str,
        settings: TurnSettings,
        *,
        take: Callable[[ev.Event], None],
        perform: Callable[[act.Action], None],
        changed: Callable[[str], None],
        broke: Callable[[str, BaseException], None],
    ) -> None:
        """`take` sees every event before it is handled; `changed` hears the new state, in one word; `broke` why the
        conversation cannot go on, and the fault."""
        self.taker = TurnTaker(settings)
        self._session = session
        self._take = take
        self._perform = perform
        self._changed = changed
        self._broke = broke
        self._events: deque[ev.Event] = deque()
        self._dispatching = False
        self._timer: asyncio.TimerHandle | None = None
        self._state = self.taker.view
        self._log: TurnLog | None = None
        self._closed = False

    def begin_log(self, folder: Path, settings: TurnSettings) -> None:
        """Record what is decided on from now on; where that cannot be, it is said in the log."""
        try:
            self._log = TurnLog(folder / f"{self._session}.jsonl")
            self._log.add(self._now, ev.SettingsChanged(settings))
        except OSError as fault:
            log.error("evidence cannot be recorded", session=self._session, error=str(fault))

    def close(self) -> None:
        """Nothing is taken any more."""
        self._closed = True
        self._cancel_timer()

    async def aclose(self) -> None:
        """Write what is left of the log; `close` comes before."""
        if self._log is not None:
            try:
                await self._log.aclose()
            except OSError as lost:
                log.error("evidence lost", session=self._session, error=str(lost))

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def dispatch(self, event: ev.Event) -> None:
        """Hand an event to the turn-taker and perform what it orders; events that this causes follow after."""
        self._events.append(event)
        if self._dispatching or self._closed:
            return
        self._dispatching = True
        try:
            while self._events:
                self._handle(self._events.popleft())
        finally:
            self._dispatching = False
        if self.taker.view != self._state:
            self._state = self.taker.view
            self._changed(self._state)
        self._set_timer()

    def _handle(self, event: ev.Event) -> None:
        now = self._now
        try:
            self._take(event)
            if self._log is not None:
                self._log.add(now, event)
            actions = self.taker.handle(event, now)
        except Exception as fault:  # noqa: BLE001 - `broke` logs it
            self._broke(f"{type(event).__name__} cannot be taken", fault)
            return
        for action in actions:
            self._try_to_perform(action)

    def _try_to_perform(self, action: act.Action) -> None:
        """A fault in what concerns one response ends that; any other one ends the conversation."""
        try:
            self._perform(action)
        except Exception as fault:
            response = getattr(action, "response", None)
            if response is None or isinstance(action, act.EndResponse):
                self._broke(f"{type(action).__name__} cannot be done", fault)
                return
            log.error("response breaks down", session=self._session, action=type(action).__name__, exc_info=True)
            self._events.append(ev.ResponseFailed(response, f"internal error ({type(fault).__name__})"))

    def _set_timer(self) -> None:
        self._cancel_timer()
        deadline = self.taker.next_deadline()
        if deadline is not None and not self._closed:
            self._timer = asyncio.get_running_loop().call_at(deadline, self.dispatch, ev.Tick())

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
