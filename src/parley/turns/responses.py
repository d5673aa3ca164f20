"""The responses of a conversation: begun, committed, playing, paused, ended exactly once.

House rules: every response that is started is ended here, by `end` alone. `on_end` tells the turn-taker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from parley.turns.context import TurnContext
from parley.turns.policies.repetition import wants_it_again
from parley.turns.records import ResponseRecord
from parley.turns.settings import TurnSettings
from parley.turns.tables import Response

_REVIVALS = 2  # of one response: a model that breaks off again and again has failed

Deadline = tuple[float, Callable[[], None]]
"""When a wait has lasted long enough, and what follows then."""


class Responses:
    """All responses that have not ended."""

    def __init__(self, context: TurnContext, on_end: Callable[[str], None]) -> None:
        self._context = context
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
        self,
        agent: str,
        participant: str,
        turn: int | None,
        transcript: str,
        request: int,
        *,
        speculative: bool = False,
    ) -> None:
        """Let an agent begin to answer."""
        self._count += 1
        state, now = Response.SPECULATIVE if speculative else Response.COMMITTED, self._context.now
        record = ResponseRecord(f"r{self._count}", agent, participant, turn, transcript, state, now, request, now)
        self._records[record.id] = record
        language = self._context.settings_of(participant).language
        again = turn is not None and wants_it_again(transcript, language)
        self._context.order(
            act.StartResponse(record.id, agent, participant, turn, transcript, speculative, request, again)
        )

    def end(self, response: ResponseRecord, cause: str, ending: Ending, reason: str = "") -> None:
        """End it; `cause` is its last step in the table."""
        response.step(cause)
        del self._records[response.id]
        self._on_end(response.id)
        self._context.order(act.EndResponse(response.id, ending, reason))

    def cut(self, responses: list[ResponseRecord], reason: str) -> None:
        """Stop committed responses for good."""
        for response in responses:
            self.end(response, "cut", Ending.CUT, reason)

    def pause(self) -> list[str]:
        """Pause whatever is or could become audible; returns what is paused now."""
        for response in self.active:
            if response.state is not Response.PAUSED:
                response.step("voice over it")
                self._context.order(act.PausePlayout(response.id))
        return [r.id for r in self.active]

    def resume(self, ids: list[str]) -> None:
        """Let paused responses go on; their deadlines begin anew."""
        now = self._context.now
        for response in self.by_id(ids):
            response.step("resumed unheard" if response.heard_since is None else "resumed audible")
            response.since = now
            response.starved_since = None if response.starved_since is None else now
            self._context.order(act.ResumePlayout(response.id))

    def by_id(self, ids: list[str]) -> list[ResponseRecord]:
        """Those of `ids` that have not ended."""
        return [self._records[i] for i in ids if i in self._records]

    def speculations(self, participant: str) -> list[ResponseRecord]:
        """The answers that are prepared for a turn that is not over."""
        return [r for r in self._speculative if r.participant == participant and r.turn is not None]

    @property
    def ahead(self) -> dict[int, ResponseRecord]:
        """Those that were asked for and are made until they may sound, by request."""
        return {r.request: r for r in self._speculative if r.turn is None}

    @property
    def _speculative(self) -> list[ResponseRecord]:
        return [r for r in self._records.values() if r.state is Response.SPECULATIVE]

    def drop_speculations(self, participant: str) -> None:
        """The turn goes on with other words, or was none."""
        for speculation in self.speculations(participant):
            self.drop(speculation)

    def drop(self, speculation: ResponseRecord) -> None:
        """It is not wanted."""
        self.end(speculation, "user went on", Ending.DROPPED)

    def commit(self, speculation: ResponseRecord) -> None:
        """The turn is over and this is its answer."""
        speculation.step("turn committed")
        speculation.since = self._context.now
        self._context.order(act.CommitResponse(speculation.id))

    # -- events ---------------------------------------------------------------------------------------

    def cancelled(self, event: ev.ResponseCancelled) -> None:
        """By the client."""
        self.cut([r for r in self.active if event.response in (None, r.id)], "client_cancelled")

    def playout_started(self, event: ev.PlayoutStarted) -> None:
        """The first frame left."""
        for response in self.by_id([event.response]):
            if response.heard_since is None:
                response.heard_since = self._context.now
            if response.state is Response.COMMITTED:
                response.step("first frame")

    def starved(self, event: ev.PlayoutStarved) -> None:
        """Nothing is left to play."""
        for response in self.by_id([event.response]):
            if response.starved_since is None:
                response.starved_since = self._context.now

    def fed(self, event: ev.PlayoutFed) -> None:
        """There is sound again."""
        for response in self.by_id([event.response]):
            response.starved_since = None
            response.revived_at = None

    def progressed(self, event: ev.ResponseProgressed) -> None:
        """Its model is at work."""
        for response in self.by_id([event.response]):
            response.progressed_at = self._context.now

    def text_awaited(self, event: ev.TextAwaited) -> None:
        """Its voice has nothing to say, or something again."""
        for response in self.by_id([event.response]):
            if response.awaits_text and not event.awaited:
                response.voice_since = self._context.now
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
        self._context.order(act.ReviveResponse(response.id))

    def deadlines(self) -> list[Deadline]:
        """A playing response must sound, a committed one must begin to."""
        found: list[Deadline] = []
        for response in self._records.values():
            settings = self._context.settings_of(response.participant)
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
