"""All who listen to a conversation, as one: sound goes to each, and what counts is what all have heard.

House rules: a response is for those who are there when it is released; who comes later hears the next one. Of what
several playouts tell, the turn-taker hears once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from parley.audio.pcm import Int16
from parley.conversation.input.echo import EchoGuard
from parley.conversation.listener import Listener, Outlet
from parley.conversation.output.playout import Playout
from parley.turns import events as ev
from parley.turns.ledger import HeardLedger

_ANY_S = 0.001  # of sound: less is what adding up left over
AListener = TypeVar("AListener", bound=Listener)


@dataclass(slots=True)
class _Seat:
    name: str
    playout: Playout
    listener: Listener
    find_echo: Callable[[], EchoGuard | None]

    @property
    def echo(self) -> EchoGuard | None:
        """What hears this listener's loudspeaker, if anybody speaks beside it."""
        return self.find_echo()


@dataclass(slots=True)
class _Response:
    """What is known of one that sounds or will."""

    seats: list[_Seat] = field(default_factory=list)
    """Of those for whom it is; nobody's until it is released."""
    held: list[tuple[Int16, int]] | None = field(default_factory=list)
    """Its sound until it is released."""
    complete: bool = False
    appended_s: float = 0.0
    started: bool = False
    starved: bool = False
    finished: set[str] = field(default_factory=set)
    """Names of those who have heard it to its end."""

    def changed_by(self, event: ev.Event) -> bool:
        """Whether what one playout tells is news."""
        before = self.started, self.starved
        self.started = self.started or isinstance(event, ev.PlayoutStarted)
        if not isinstance(event, ev.PlayoutStarted):
            self.starved = isinstance(event, ev.PlayoutStarved)
        return (self.started, self.starved) != before


class Audience:
    """The listeners of one conversation, by name."""

    def __init__(self, ledger: HeardLedger, dispatch: Callable[[ev.Event], None]) -> None:
        self._ledger = ledger
        self._dispatch = dispatch
        self._seats: dict[str, _Seat] = {}
        self._responses: dict[str, _Response] = {}
        self._taps: list[Playout] = []

    def tap(self, playout: Playout) -> None:
        """Give a playout what everybody hears from now on, without counting it as a listener."""
        self._taps.append(playout)

    def untap(self, playout: Playout) -> None:
        """Give it nothing more."""
        self._taps.remove(playout)

    # -- coming and going -----------------------------------------------------------------------------

    def join(
        self,
        name: str,
        make: Callable[[Outlet], AListener],
        echo: Callable[[], EchoGuard | None],
        *,
        made_room: Callable[[], None],
        heard_first: Callable[[str, float], None],
        broke: Callable[[str, BaseException], None],
    ) -> AListener:
        """Somebody listens from now on; see `Outlet` for what `make` is given. `echo` finds what hears his
        loudspeaker, if he speaks, too.

        Raises `ValueError` when the name is taken.
        """
        if name in self._seats:
            raise ValueError(f"somebody called {name} listens already")
        playout = Playout(self._notify)
        outlet = Outlet(
            name, playout, self._ledger, self._finished, echo, made_room=made_room, heard_first=heard_first, broke=broke
        )
        listener = make(outlet)
        playout.on_ready = listener.wake
        self._seats[name] = _Seat(name, playout, listener, echo)
        self._ledger.joined(name)
        return listener

    def leave(self, name: str) -> None:
        """Somebody listens no more: what the others have heard to its end is over, what was for him alone is cut."""
        seat = self._seats.pop(name, None)
        if seat is None:
            return
        his = [(key, response) for key, response in self._responses.items() if seat in response.seats]
        for key, _ in his:
            self._ledger.heard(name, key, seat.listener.position(key))
        self._ledger.left(name)
        for key, response in his:
            response.seats.remove(seat)
            if not response.seats:
                self._dispatch(ev.ResponseCancelled(key))
                continue
            if response.starved and self.buffered_s(key) > _ANY_S:
                self._notify(ev.PlayoutFed(key))  # it had run out for him alone
            self._look_for_end(key, response)
        if not self._seats:
            for key in [key for key, response in self._responses.items() if response.held is not None]:
                self._dispatch(ev.ResponseCancelled(key))

    @property
    def names(self) -> tuple[str, ...]:
        """Of all for whom an answer is that is released now."""
        return tuple(seat.name for seat in self._reached)

    @property
    def _reached(self) -> list[_Seat]:
        """All whom sound reaches; where it reaches nobody, it waits for whoever is coming."""
        seats = list(self._seats.values())
        return [seat for seat in seats if seat.listener.there] or seats

    @property
    def exact(self) -> bool:
        """Whether somebody says himself how far he has played."""
        return any(seat.listener.exact for seat in self._seats.values())

    @property
    def delay_s(self) -> float | None:
        """The longest way to one of those of whom it is known."""
        return max((s.listener.delay_s for s in self._seats.values() if s.listener.delay_s is not None), default=None)

    # -- sound ----------------------------------------------------------------------------------------

    def _playouts(self, response: _Response) -> list[Playout]:
        return [*(seat.playout for seat in response.seats), *self._taps]

    def _seats_of(self, response: str) -> list[_Seat]:
        known = self._responses.get(response)
        return known.seats if known else []

    def append(self, response: str, samples: Int16, rate_hz: int) -> float:
        """Add sound to a response; returns the position at which it begins, seconds."""
        known = self._responses.setdefault(response, _Response())
        begins = known.appended_s
        known.appended_s += len(samples) / rate_hz
        if known.held is not None:
            known.held.append((samples, rate_hz))
            return begins
        for playout in self._playouts(known):
            playout.append(response, samples, rate_hz)
        return begins

    def release(self, response: str) -> None:
        """Let a response be heard by those who are there now: its turn is committed."""
        known = self._responses.setdefault(response, _Response())
        if known.held is None:
            return
        held, known.held, known.seats = known.held, None, self._reached
        self._ledger.began(response, self.names)
        for playout in self._playouts(known):
            for samples, rate_hz in held:
                playout.append(response, samples, rate_hz)
            if known.complete:
                playout.complete(response)
            playout.release(response)

    def complete(self, response: str) -> None:
        """No more sound will come for this response."""
        known = self._responses.setdefault(response, _Response())
        known.complete = True
        if known.held is None:
            for playout in self._playouts(known):
                playout.complete(response)

    def pause(self, response: str) -> None:
        """Nothing more of it leaves until it is resumed."""
        for tap in self._taps:
            tap.pause(response)
        for seat in self._seats_of(response):
            seat.playout.pause(response)
            if seat.echo is not None and seat.listener.exact:
                seat.echo.hushed(self._now, keep=True)

    def resume(self, response: str) -> None:
        """Go on with the next sample."""
        for tap in self._taps:
            tap.resume(response)
        for seat in self._seats_of(response):
            seat.playout.resume(response)
            if seat.echo is not None and seat.listener.exact:
                seat.echo.resumed(self._now)

    def flush(self, response: str) -> None:
        """Forget what is left of it here."""
        for tap in self._taps:
            tap.flush(response)
        for seat in self._seats_of(response):
            seat.playout.flush(response)
        self._responses.pop(response, None)

    def cut(self, response: str) -> None:
        """Forget what is left of one that was sounding, at its listeners', too."""
        seats = self._seats_of(response)
        self.flush(response)
        for seat in seats:
            if seat.echo is not None:
                seat.echo.hushed(self._now, keep=False)
            seat.listener.flush(response)

    def buffered_s(self, response: str) -> float:
        """Seconds of it that wait to be pulled, by who has most in front of him, or to be released."""
        known = self._responses.get(response)
        if known is not None and known.held is not None:
            return known.appended_s
        return max((seat.playout.buffered_s(response) for seat in self._seats_of(response)), default=0.0)

    def left_s(self, response: str) -> float:
        """The same of who has least."""
        return min((seat.playout.buffered_s(response) for seat in self._seats_of(response)), default=0.0)

    def settle(self, response: str) -> None:
        """Write down how far everybody has heard it."""
        for seat in self._seats_of(response):
            self._ledger.heard(seat.name, response, seat.listener.position(response))

    # -- what the playouts tell -----------------------------------------------------------------------

    def _notify(self, event: ev.Event) -> None:
        assert isinstance(event, ev.PlayoutStarted | ev.PlayoutStarved | ev.PlayoutFed)
        known = self._responses.get(event.response)
        if known is not None and known.changed_by(event):
            self._dispatch(event)

    def _finished(self, name: str, response: str) -> None:
        """A listener has heard all of it."""
        known = self._responses.get(response)
        if known is not None:
            known.finished.add(name)
            self._look_for_end(response, known)

    def _look_for_end(self, key: str, response: _Response) -> None:
        if response.finished and all(seat.name in response.finished for seat in response.seats):
            self._dispatch(ev.ResponseCompleted(key))

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()
