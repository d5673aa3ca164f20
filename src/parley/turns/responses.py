"""The responses of a conversation: begun, committed, playing, paused, ended exactly once.

House rules: every response that is started is ended here, by `end` alone. `on_end` tells the turn-taker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Action, Ending
from parley.turns.floor import FloorPolicy
from parley.turns.records import ResponseRecord
from parley.turns.settings import TurnSettings
from parley.turns.tables import Response

_REVIVALS = 2  # of one response: a model that breaks off again and again has failed

Deadline = tuple[float, Callable[[], None]]
"""When a wait has lasted long enough, and what follows then."""


class Responses:
    """All responses that have not ended."""

    def __init__(self, order: Callable[[Action], None], floor: FloorPolicy, on_end: Callable[[str], None]) -> None:
        self._order = order
        self._floor = floor
        self._on_end = on_end
        self._records: dict[str, ResponseRecord] = {}
        self._count = 0

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._records)

    @property
    def active(self) -> list[ResponseRecord]:
        """Committed and not ended, in order of their start."""
        return [r for r in self._records.values() if r.active]

    @property
    def states(self) -> set[Response]:
        """States that occur."""
        return {r.state for r in self._records.values()}

    def start(
        self, participant: str, turn: int | None, transcript: str, now: float, *, speculative: bool = False
    ) -> None:
        """Let whoever answers `participant` begin."""
        for speaker in self._floor.answering(participant):
            self._count += 1
            state = Response.SPECULATIVE if speculative else Response.COMMITTED
            record = ResponseRecord(f"r{self._count}", speaker, participant, turn, transcript, state, now, now)
            self._records[record.id] = record
            self._order(act.StartResponse(record.id, turn, transcript, speculative))

    def end(self, response: ResponseRecord, cause: str, ending: Ending, reason: str = "") -> None:
        """End it; `cause` is its last step in the table."""
        response.step(cause)
        del self._records[response.id]
        self._on_end(response.id)
        self._order(act.EndResponse(response.id, ending, reason))

    def cut(self, responses: list[ResponseRecord], reason: str) -> None:
        """Stop committed responses for good."""
        for response in responses:
            self.end(response, "cut", Ending.CUT, reason)

    def pause(self) -> list[str]:
        """Pause whatever is or could become audible; returns what was paused."""
        paused = [r for r in self.active if r.state is not Response.PAUSED]
        for response in paused:
            response.step("voice over it")
            self._order(act.PausePlayout(response.id))
        return [r.id for r in paused]

    def resume(self, ids: list[str], now: float) -> None:
        """Let paused responses go on; their deadlines begin anew."""
        for response in self.by_id(ids):
            response.step("resumed audible" if response.heard_any else "resumed unheard")
            response.since = now
            response.starved_since = None if response.starved_since is None else now
            self._order(act.ResumePlayout(response.id))

    def by_id(self, ids: list[str]) -> list[ResponseRecord]:
        """Those of `ids` that have not ended."""
        return [self._records[i] for i in ids if i in self._records]

    def speculation(self, participant: str) -> ResponseRecord | None:
        """The answer that is prepared for a turn that is not over."""
        speculative = (r for r in self._records.values() if r.state is Response.SPECULATIVE)
        return next((r for r in speculative if r.participant == participant), None)

    def drop_speculation(self, participant: str) -> None:
        """The turn goes on with other words, or was none."""
        speculation = self.speculation(participant)
        if speculation is not None:
            self.end(speculation, "user went on", Ending.DROPPED)

    def commit(self, speculation: ResponseRecord, now: float) -> None:
        """The turn is over and this is its answer."""
        speculation.step("turn committed")
        speculation.since = now
        self._order(act.CommitResponse(speculation.id))

    # -- events ---------------------------------------------------------------------------------------

    def cancelled(self, event: ev.ResponseCancelled) -> None:
        """By the client."""
        self.cut([r for r in self.active if event.response in (None, r.id)], "client_cancelled")

    def playout_started(self, event: ev.PlayoutStarted) -> None:
        """The first frame left."""
        for response in self.by_id([event.response]):
            response.heard_any = True
            if response.state is Response.COMMITTED:
                response.step("first frame")

    def starved(self, event: ev.PlayoutStarved, now: float) -> None:
        """Nothing is left to play."""
        for response in self.by_id([event.response]):
            response.starved_since = now if response.starved_since is None else response.starved_since

    def fed(self, event: ev.PlayoutFed) -> None:
        """There is sound again."""
        for response in self.by_id([event.response]):
            response.starved_since = None
            response.revived_at = None

    def progressed(self, event: ev.ResponseProgressed, now: float) -> None:
        """Its model is at work."""
        for response in self.by_id([event.response]):
            response.progressed_at = now

    def text_awaited(self, event: ev.TextAwaited, now: float) -> None:
        """Its voice has nothing to say, or something again."""
        for response in self.by_id([event.response]):
            if response.awaits_text and not event.awaited:
                response.voice_since = now
            response.awaits_text = event.awaited

    def completed(self, event: ev.ResponseCompleted) -> None:
        """Everything was produced and played."""
        for response in self.by_id([event.response]):
            if response.active:
                self.end(response, "completed", Ending.FINISHED)

    def failed(self, event: ev.ResponseFailed) -> None:
        """It cannot go on."""
        for response in self.by_id([event.response]):
            ending = Ending.DROPPED if response.state is Response.SPECULATIVE else Ending.FAILED
            self.end(response, "failed", ending, event.reason)

    def _revive(self, response: ResponseRecord, now: float) -> None:
        response.revivals += 1
        response.revived_at = now
        self._order(act.ReviveResponse(response.id))

    def deadlines(self, settings: TurnSettings) -> list[Deadline]:
        """A playing response must sound, a committed one must begin to."""
        found: list[Deadline] = []
        for response in self._records.values():
            if response.state is Response.PLAYING and response.starved_since is not None:
                at = _stalled_at(response, settings)
                if response.revived_at is None and response.revivals < _REVIVALS:
                    found.append((at, partial(self._revive, response, at)))
                else:
                    found.append((at, partial(self.end, response, "failed", Ending.FAILED, "stalled")))
            elif response.state is Response.COMMITTED:
                at = max(response.since, response.progressed_at) + settings.first_audio_timeout_s
                found.append((at, partial(self.end, response, "failed", Ending.FAILED, "no_audio")))
        return found


def _stalled_at(response: ResponseRecord, settings: TurnSettings) -> float:
    """When a response that has nothing to play has stalled: soon if its voice is at work, late if text is missing.

    A model that is slow has not stalled: every sign of life begins the wait anew.
    """
    starved, revived = response.starved_since or 0.0, response.revived_at or 0.0
    if response.awaits_text:
        return max(starved, max(revived, response.progressed_at) + settings.text_timeout_s)
    wait_s = settings.stall_timeout_s if response.revived_at is None else settings.revival_timeout_s
    return max(starved, revived, response.voice_since) + wait_s
