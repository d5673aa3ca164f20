"""When frames leave: one tick for all sessions of the process, and a pacer for each.

A pacer keeps a client supplied with a fixed lead. What the client hears is reckoned from what was sent and
when (blind), or known from its reports (exact).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from parley.conversation.listener import Outlet
from parley.conversation.output.playout import PlayoutFrame

TICK_S = 0.02
BLIND_LEAD_S = 0.07
EXACT_LEAD_S = 0.3
_REPORT_GAP_S = 0.15
_FINISH_GRACE_S = 1.0


class Ticker:
    """Calls everybody every 20 ms on an absolute schedule; skips what it is too late for.

    A member that raises is not called any more; the others do not notice.
    """

    def __init__(self) -> None:
        self._members: dict[Callable[[float], None], Callable[[Exception], None]] = {}
        self._handle: asyncio.TimerHandle | None = None

    def add(self, member: Callable[[float], None], broken: Callable[[Exception], None]) -> None:
        """Begin calling `member(now)`; `broken` gets what it raised."""
        self._members[member] = broken
        if self._handle is None:
            loop = asyncio.get_running_loop()
            self._schedule(loop.time() + TICK_S)

    def remove(self, member: Callable[[float], None]) -> None:
        """Stop calling it."""
        self._members.pop(member, None)
        if not self._members and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _schedule(self, at: float) -> None:
        self._handle = asyncio.get_running_loop().call_at(at, self._tick, at)

    def _tick(self, due: float) -> None:
        self._handle = None
        now = asyncio.get_running_loop().time()
        for member, broken in list(self._members.items()):
            if member in self._members:  # else another one removed it meanwhile
                self._call(member, broken, now)
        if self._members and self._handle is None:
            self._schedule(max(due + TICK_S, now + TICK_S / 4))

    def _call(self, member: Callable[[float], None], broken: Callable[[Exception], None], now: float) -> None:
        try:
            member(now)
        except Exception as fault:  # noqa: BLE001 - whoever added it tells of it
            self._members.pop(member, None)
            broken(fault)


class Carrier(Protocol):
    """Takes the frames of one pacer to its client; responses are named by the turn-taker's keys."""

    def deliver(self, frame: PlayoutFrame) -> None:
        """A frame is due."""

    def all_sent(self, response: str) -> None:
        """Everything of a response was delivered."""

    def finished(self, response: str) -> None:
        """It was played to its end."""

    def flushed(self, response: str) -> None:
        """It was cut: what the client has of it is not to be heard."""


class Pacer:
    """Pulls a playout ahead of the client by a lead and knows where the client is; see `Listener`."""

    def __init__(
        self,
        outlet: Outlet,
        carrier: Carrier,
        ticker: Ticker | None = None,
        *,
        lead_s: float = BLIND_LEAD_S,
        latency_s: float = 0.0,
    ) -> None:
        """`ticker` calls it while there is something to play; None: somebody else calls `tick`.

        `lead_s`: how far ahead of its playing the sound of a client that is not exact leaves; `latency_s`: how much
        later than it leaves it is heard, beside the lead.
        """
        self._outlet = outlet
        self._playout = outlet.playout
        self._carrier = carrier
        self._ticker = ticker
        self.exact = False
        self.there = True
        self.lead_s = lead_s
        self.latency_s = latency_s
        self.delay_s: float | None = None
        self._play_end = 0.0
        self._sent_s: dict[str, float] = {}
        self._first_sent: dict[str, float] = {}
        self._reported: dict[str, tuple[float, float]] = {}
        self._all_sent: set[str] = set()

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def tick(self, now: float) -> None:
        """Send what is due."""
        lead = EXACT_LEAD_S if self.exact else self.lead_s
        pulled = False
        while self._play_end - now < lead:
            frame = self._playout.pull()
            if frame is None:
                break
            pulled = True
            begins = max(self._play_end, now)
            self._play_end = begins + frame.frame.seconds
            self._first_sent.setdefault(frame.response, now)
            self._sent_s[frame.response] = frame.end_s
            self._outlet.sent(frame.response, frame.frame, frame.end_s, begins)
            self._carrier.deliver(frame)
        if pulled:
            self._outlet.made_room()
        self._look_for_ends(now)
        if self._playout.current is None:
            self.rest()

    def wake(self) -> None:
        """Sound may be waiting: look at once instead of at the next tick, and from then on at each."""
        if self._ticker is None:
            return
        self._ticker.add(self.tick, self._ticking_broke)
        if self._play_end <= self._now:
            asyncio.get_running_loop().call_soon(self._tick_now)

    def rest(self) -> None:
        """Nothing is to be done until the playout is ready again."""
        if self._ticker is not None:
            self._ticker.remove(self.tick)

    def _tick_now(self) -> None:
        try:
            self.tick(self._now)
        except Exception as fault:  # noqa: BLE001 - logged by `broke`
            self._outlet.broke("its sound cannot be delivered", fault)

    def _ticking_broke(self, fault: Exception) -> None:
        self._outlet.broke("its sound cannot be delivered", fault)

    def _look_for_ends(self, now: float) -> None:
        key = self._playout.current
        if key is None or key not in self._sent_s or not self._playout.is_drained(key):
            return
        if key not in self._all_sent:
            self._all_sent.add(key)
            self._carrier.all_sent(key)
        grace = _FINISH_GRACE_S if self.exact and key in self._reported else 0.0
        if now >= self._play_end + self.latency_s + grace:
            self.finished(key)

    def finished(self, key: str) -> None:
        """The client has played a response to its end."""
        if key in self._all_sent:
            self._forget(key)
            self._carrier.finished(key)
            self._outlet.played_out(key)

    def report(self, key: str, until_s: float) -> None:
        """An exact client says where it is."""
        now = self._now
        if until_s > 0 and key not in self._reported and key in self._first_sent:
            self._outlet.heard_first(key, now - until_s - self._first_sent[key])
        self._reported[key] = (now, until_s)
        self._outlet.heard(key, until_s)

    def position(self, key: str) -> float:
        """Where the client's playout of a response is now, seconds."""
        sent = self._sent_s.get(key, 0.0)
        now = self._now
        reckoned = max(0.0, sent - max(0.0, self._play_end + self.latency_s - now))
        if not self.exact or key not in self._reported:
            return reckoned
        at, until_s = self._reported[key]
        return min(sent, until_s + min(_REPORT_GAP_S, now - at))

    def flush(self, key: str) -> None:
        """The client throws the rest of a response away: what follows plays at once."""
        self._play_end = min(self._play_end, self._now)
        self._forget(key)
        self._carrier.flushed(key)

    def _forget(self, key: str) -> None:
        """Drop the book-keeping of a response."""
        self._sent_s.pop(key, None)
        self._first_sent.pop(key, None)
        self._reported.pop(key, None)
        self._all_sent.discard(key)
