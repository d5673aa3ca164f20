"""What other settings would have decided, from the evidence of a conversation that took place.

Two turn-takers get the same events: one with the recorded settings, one with others. Each decision (a turn is over, an
answer is interrupted or goes on) is compared; then the second takes over the first one's state, so that every decision
is judged against what really had happened before it. What people would have done after another decision, nobody knows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Action, Ending
from parley.turns.settings import TurnSettings
from parley.turns.taker import TurnTaker

LISTENING = "still listening"
TURN_OVER = "turn over"
_LOOK_AHEAD_S = 10.0  # after which a side that has not decided is taken to be listening still

Change = Callable[[TurnSettings], TurnSettings]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event and when it came, seconds on the recording server's clock."""

    at: float
    event: ev.Event


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided and what would have been."""

    at_s: float
    """Since the beginning of the log."""
    recorded: str
    """``turn over``, ``interrupted``, ``paused``, ``resumed``, ``spoke up`` or ``still listening``."""
    replayed: str
    later_s: float | None
    """How much later the other settings decide the same; None when they decide otherwise."""
    words: str
    """Of the turn that is over."""
    spoke_again_s: float | None
    """Silence after which the user went on, when one side was still listening then."""

    @property
    def differs(self) -> bool:
        """Whether something else is decided."""
        return self.recorded != self.replayed


@dataclass(frozen=True, slots=True)
class _Verdict:
    at: float
    kind: str
    words: str = ""


class _Side:
    """One of the two turn-takers and the first decision that it has made since it was last looked at."""

    def __init__(self, taker: TurnTaker, change: Change) -> None:
        self.taker = taker
        self.verdict: _Verdict | None = None
        self._change = change

    def feed(self, record: Recorded) -> None:
        """Take one event, after the ticks that are due before it."""
        while (due := self.taker.next_deadline()) is not None and due < record.at:
            self._look_at(self.taker.handle(ev.Tick(), due), due)
        event = record.event
        if isinstance(event, ev.SettingsChanged):
            event = replace(event, settings=self._change(event.settings))
        self._look_at(self.taker.handle(event, record.at), record.at)

    def _look_at(self, actions: Sequence[Action], at: float) -> None:
        for action in actions:
            if self.verdict is None and (kind := _kind(action)):
                words = action.transcript if isinstance(action, act.CommitTurn) else ""
                self.verdict = _Verdict(at, kind, words)

    def follow(self, records: Sequence[Recorded], index: int, first: _Verdict) -> int:
        """Go on until this side decides too, the user speaks again, or too long; returns the new index."""
        while index < len(records) and self.verdict is None and records[index].at < first.at + _LOOK_AHEAD_S:
            self.feed(records[index])
            index += 1
            if first.kind == TURN_OVER and isinstance(records[index - 1].event, ev.VoiceStarted):
                break
        return index


def replay(records: Sequence[Recorded], change: Change) -> Iterator[Decision]:
    """The decisions of a log beside those of the changed settings, in order."""
    real, index = _Side(TurnTaker(), lambda settings: settings), 0
    other = _Side(TurnTaker(), change)
    while index < len(records):
        real.feed(records[index])
        other.feed(records[index])
        index += 1
        if real.verdict is None and other.verdict is None:
            continue
        ahead = index
        if real.verdict is None and other.verdict is not None:
            index = ahead = real.follow(records, index, other.verdict)
        elif other.verdict is None and real.verdict is not None:
            ahead = other.follow(records, index, real.verdict)
        yield _compare(real.verdict, other.verdict, records, ahead)
        real.verdict = None
        other = _Side(copy.deepcopy(real.taker), change)
        other.taker.adjust(change)


def _kind(action: Action) -> str:
    match action:
        case act.CommitTurn():
            return TURN_OVER
        case act.PausePlayout():
            return "paused"
        case act.ResumePlayout():
            return "resumed"
        case act.EndResponse(ending=Ending.CUT, reason="turn_detected"):
            return "interrupted"
        case act.AnnounceIdle():
            return "spoke up"
        case _:
            return ""


def _compare(real: _Verdict | None, other: _Verdict | None, records: Sequence[Recorded], ahead: int) -> Decision:
    first = real or other
    assert first is not None
    kinds = (real.kind if real else LISTENING, other.kind if other else LISTENING)
    same = real is not None and other is not None and real.kind == other.kind
    return Decision(
        at_s=first.at - records[0].at,
        recorded=kinds[0],
        replayed=kinds[1],
        later_s=other.at - real.at if same and real and other else None,
        words=(real and real.words) or (other and other.words) or "",
        spoke_again_s=_silence_before(records, ahead) if LISTENING in kinds else None,
    )


def _silence_before(records: Sequence[Recorded], ahead: int) -> float | None:
    """Silence before the voice that began with the last event before `ahead`, if one did."""
    last = records[ahead - 1].event
    if not isinstance(last, ev.VoiceStarted):
        return None
    stops = (r.event.at for r in reversed(records[: ahead - 1]) if isinstance(r.event, ev.VoiceStopped))
    stopped = next(stops, None)
    return last.at - stopped if stopped is not None else None
