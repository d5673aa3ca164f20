"""When frames leave: one tick for all sessions of the process, and a pacer for each.

A pacer keeps a client supplied with a fixed lead. What the client hears is reckoned from what was sent and
when (blind), or known from its reports (exact).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from parley.conversation.playout import PlayoutFrame
from parley.conversation.session import Session

log = structlog.get_logger("conversation")

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
        self._members: dict[Callable[[float], None], Callable[[], None]] = {}
        self._handle: asyncio.TimerHandle | None = None

    def add(self, member: Callable[[float], None], broken: Callable[[], None] = lambda: None) -> None:
        """Begin calling `member(now)`; `broken` is called when it raised."""
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

    def _call(self, member: Callable[[float], None], broken: Callable[[], None], now: float) -> None:
        try:
            member(now)
        except Exception:
            log.error("a conversation's clock broke", exc_info=True)
            self._members.pop(member, None)
            broken()


class Pacer:
    """Pulls a session's playout ahead of the client's by a lead and knows where the client is."""

    def __init__(self, session: Session, deliver: Callable[[PlayoutFrame], None]) -> None:
        self._session = session
        self._deliver = deliver
        self.exact = False
        self.lead_s = BLIND_LEAD_S
        """How far ahead of its playing the sound of a client that is not exact leaves."""
        self.latency_s = 0.0
        """How much later than it leaves it is heard, beside the lead."""
        self.network_s: float | None = None
        """What the way there and back and the client's buffer add, where something other than its reports tells."""
        self.on_all_sent: Callable[[str], None] = lambda _: None
        self.on_finished: Callable[[str], None] = lambda _: None
        self.on_idle: Callable[[], None] = lambda: None
        """Called at the end of a tick after which nothing is to be done until the playout is ready again."""
        self._play_end = 0.0
        self._sent_s: dict[str, float] = {}
        self._first_sent: dict[str, float] = {}
        self._reported: dict[str, tuple[float, float]] = {}
        self._all_sent: set[str] = set()
        session.position = self.position
        session.listener_reports = lambda: self.exact
        session.network_s = lambda: self.network_s

    def tick(self, now: float) -> None:
        """Send what is due."""
        session = self._session
        lead = EXACT_LEAD_S if self.exact else self.lead_s
        pulled = False
        while self._play_end - now < lead:
            frame = session.playout.pull()
            if frame is None:
                break
            pulled = True
            begins = max(self._play_end, now)
            self._play_end = begins + frame.frame.seconds
            if session.echo is not None:
                session.echo.played(frame.frame, begins)
            self._first_sent.setdefault(frame.response, now)
            self._sent_s[frame.response] = frame.end_s
            session.sent(frame.response, frame.end_s)
            self._deliver(frame)
        if pulled:
            session.made_room()
        self._look_for_ends(now)
        if session.playout.current is None:
            self.on_idle()

    def poke(self) -> None:
        """Audio may be waiting: look at once instead of at the next tick."""
        if self._play_end <= self._session.now:
            asyncio.get_running_loop().call_soon(self._tick_now)

    def _tick_now(self) -> None:
        try:
            self.tick(self._session.now)
        except Exception as fault:  # noqa: BLE001 - logged by `break_down`
            self._session.break_down("its sound cannot be delivered", fault)

    def _look_for_ends(self, now: float) -> None:
        session = self._session
        key = session.playout.current
        if key is None or key not in self._sent_s or not session.playout.is_drained(key):
            return
        if key not in self._all_sent:
            self._all_sent.add(key)
            self.on_all_sent(key)
        grace = _FINISH_GRACE_S if self.exact and key in self._reported else 0.0
        if now >= self._play_end + self.latency_s + grace:
            self.finished(key)

    def finished(self, key: str) -> None:
        """The client has played a response to its end."""
        if key in self._all_sent:
            self.forget(key)
            self.on_finished(key)
            self._session.played_out(key)

    def report(self, key: str, until_s: float) -> None:
        """An exact client says where it is."""
        now = self._session.now
        if until_s > 0 and key not in self._reported and key in self._first_sent:
            self._session.heard_first(key, now - until_s - self._first_sent[key])
        self._reported[key] = (now, until_s)
        self._session.heard(key, until_s)

    def position(self, key: str) -> float:
        """Where the client's playout of a response is now, seconds."""
        sent = self._sent_s.get(key, 0.0)
        now = self._session.now
        reckoned = max(0.0, sent - max(0.0, self._play_end + self.latency_s - now))
        if not self.exact or key not in self._reported:
            return reckoned
        at, until_s = self._reported[key]
        return min(sent, until_s + min(_REPORT_GAP_S, now - at))

    def stopped(self, key: str) -> None:
        """The client was told to throw the rest of a response away: what follows plays at once."""
        self._play_end = min(self._play_end, self._session.now)
        if self._session.echo is not None:
            self._session.echo.hushed(self._session.now, keep=False)
        self.forget(key)

    def paused(self) -> None:
        """An exact client stops at once and keeps what it has not played."""
        if self._session.echo is not None:
            self._session.echo.hushed(self._session.now, keep=True)

    def resumed(self) -> None:
        """It goes on from there."""
        if self._session.echo is not None:
            self._session.echo.resumed(self._session.now)

    def forget(self, key: str) -> None:
        """Drop the book-keeping of a response."""
        self._sent_s.pop(key, None)
        self._first_sent.pop(key, None)
        self._reported.pop(key, None)
        self._all_sent.discard(key)
