"""Where the sound of a conversation goes: the loudspeaker of one connection, a recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from parley.audio.pcm import Frame
from parley.conversation.input.echo import EchoGuard
from parley.conversation.output.playout import Playout
from parley.turns.ledger import HeardLedger


class Listener(Protocol):
    """Pulls frames from its outlet's playout by its own clock and knows how far it has played them.

    Responses are named by the turn-taker's keys, positions are seconds of a response's sound.
    """

    exact: bool
    """Whether it says itself how far it has played, and keeps what is unplayed when it is paused; else that is reckoned
    from what was pulled."""
    there: bool
    """Whether sound reaches it by now: what begins earlier is for the others, if there are any."""
    delay_s: float | None
    """What the way there and back and its buffers add, where something other than its own reports tells."""

    def position(self, response: str) -> float:
        """How far it has played a response."""

    def wake(self) -> None:
        """Sound may be waiting that was not before: it need not wait for its next tick."""

    def flush(self, response: str) -> None:
        """A response is over: what it holds of it unplayed is not to be heard."""


class Outlet:
    """What a conversation gives to one listener: its sound, and whom to tell what became of that."""

    def __init__(
        self,
        name: str,
        playout: Playout,
        ledger: HeardLedger,
        finished: Callable[[str, str], None],
        echo: Callable[[], EchoGuard | None],
        *,
        made_room: Callable[[], None],
        heard_first: Callable[[str, float], None],
        broke: Callable[[str, BaseException], None],
    ) -> None:
        self.name = name
        self.playout = playout
        self._ledger = ledger
        self._finished = finished
        self._echo = echo
        self.made_room = made_room
        """Frames were pulled: whoever is far ahead may go on."""
        self.heard_first = heard_first
        """The listener's first word on a response: how many seconds after it left he heard its first frame."""
        self.broke = broke
        """Its sound cannot be delivered: why, and the fault."""

    def sent(self, response: str, frame: Frame, end_s: float, plays_at: float) -> None:
        """A frame left that ends at a position, and is played at a moment of the loop's clock."""
        if (echo := self._echo()) is not None:
            echo.played(frame, plays_at)
        self._ledger.sent(response, end_s)

    def begun_chars(self, response: str, until_s: float) -> int:
        """How much of an answer's text has been begun to be said at a position; see `HeardLedger.begun_chars`."""
        return self._ledger.begun_chars(response, until_s)

    def heard(self, response: str, until_s: float) -> None:
        """The listener has come so far."""
        self._ledger.heard(self.name, response, until_s)

    def played_out(self, response: str) -> None:
        """The listener heard a response to its end."""
        self.heard(response, float("inf"))
        self._finished(self.name, response)
