"""The floor: who has it, who waits for it, and how long nobody has wanted it.

House rules: `FLOOR` in `tables.py` is the third table; the policy says who may play, this keeps who has asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from parley.turns import actions as act
from parley.turns.context import TurnContext
from parley.turns.policies.floor import EVERYBODY, FloorPolicy
from parley.turns.records import ParticipantRecord
from parley.turns.responses import Deadline, Responses
from parley.turns.tables import FLOOR, Holder, Response, step


@dataclass(frozen=True, slots=True)
class _Wanted:
    participant: str
    turn: int | None
    request: int = 0
    ahead: bool = False
    gap_s: float = 0.0


class Floor:
    """Answers that wait until they may sound, by the agent that is to give them."""

    def __init__(self, context: TurnContext, responses: Responses, policy: FloorPolicy) -> None:
        self._context = context
        self._responses = responses
        self._policy = policy
        self._waiting: dict[tuple[str, bool], _Wanted] = {}
        """By agent, and whether it is to everybody: that does not take the place of an answer to somebody."""
        self.holder = Holder.NOBODY
        self.idle_since: float | None = None
        """Since when nobody has spoken, answered or been asked to; None while somebody does."""
        self._silent_since = -math.inf

    def ask(
        self, participant: str, turn: int | None, agents: list[str] | None = None, request: int = 0, *,
        yields: bool = False, ahead: bool = False, gap_s: float = 0.0,
    ) -> None:  # fmt: skip
        """Let those who answer `participant` (or `agents`) do so once they may; what each was to answer is replaced.

        `request`, `yields`, `ahead`, `gap_s`: see `ResponseRequested`; one that waits to be answered is answered with a
        turn that comes meanwhile.
        """
        person = self._context.asking(participant)
        said = (person.transcript or "") if turn is not None else ""
        for agent in agents if agents is not None else self.answering(person, said):
            waits = self.request_to(agent, participant)
            self._waiting[agent, participant == EVERYBODY] = _Wanted(
                participant, turn, (yields and waits) or request or waits, ahead, gap_s
            )

    def withdraw(self, request: int) -> None:
        """Nobody wants that any more."""
        self._waiting = {a: wanted for a, wanted in self._waiting.items() if wanted.request != request}

    def request_to(self, agent: str, participant: str) -> int:
        """The request by somebody that an agent has still to answer; 0: none."""
        wanted = self._waiting.get((agent, participant == EVERYBODY))
        return wanted.request if wanted is not None and wanted.participant == participant else 0

    def answering(self, person: ParticipantRecord, said: str) -> Sequence[str]:
        """Agents that answer somebody's words."""
        return self._policy.answering(person.name, said, person.talked_with)

    def follow(self, policy: FloorPolicy, agents: Sequence[str]) -> None:
        """Go by another policy; only `agents` are there to answer."""
        self._policy = policy
        self._waiting = {key: wanted for key, wanted in self._waiting.items() if key[0] in agents}

    def forget(self, participant: str) -> None:
        """Somebody is not to be answered any more."""
        self._waiting = {a: wanted for a, wanted in self._waiting.items() if wanted.participant != participant}

    def asked_about(self, participant: str) -> list[str]:
        """Agents that wait to answer somebody."""
        return [agent for (agent, _), wanted in self._waiting.items() if wanted.participant == participant]

    def give_up_answers(self) -> None:
        """Somebody took the floor: who still waited to answer a turn before that answers the new one instead."""
        kept = {a: w for a, w in self._waiting.items() if w.turn is None or w.request}
        self._waiting = {a: replace(w, turn=None) for a, w in kept.items()}

    def forget_all(self) -> None:
        """Nobody is to answer."""
        self._waiting.clear()

    def ready_to_answer(self, person: ParticipantRecord, said: str) -> list[str]:
        """Agents that could answer these words at once if this person's turn were over."""
        return self._able(self.answering(person, said), [name for name in self._context.holders if name != person.name])

    def answer(self, person: ParticipantRecord) -> None:
        """A turn is over: what was prepared for it is its answer, unless the floor is taken; what was not waits."""
        answering = self.answering(person, person.transcript or "")
        able = self._able(answering, self._context.holders)
        prepared = {r.agent: r for r in self._responses.speculations(person.name)}
        for agent in answering:
            if agent in prepared and agent in able:
                self._waiting.pop((agent, False), None)
                person.talked_with = agent
                self._responses.commit(prepared[agent])
            else:
                self.ask(person.name, person.turn, [agent])
        self._responses.drop_speculations(person.name)

    def _able(self, answering: Sequence[str], holders: list[str]) -> list[str]:
        """Of those who are to answer, who may sound now, the first of them before the others."""
        playing, able = [r.agent for r in self._responses.active], []
        for agent in answering:
            if self._policy.may_play(agent, holders, playing):
                playing.append(agent)
                able.append(agent)
        return able

    def start_waiting(self) -> None:
        """Start what waits, as far as it may sound; what is made ahead is dropped when it is not wanted any more."""
        self._drop_unwanted()
        for (agent, to_all), wanted in list(self._waiting.items()):
            playing = [r.agent for r in self._responses.active]
            if not self._policy.may_play(agent, self._context.holders, playing) or not self._silent_for(wanted.gap_s):
                if wanted.ahead:  # once: should it fail, it is made anew when it may sound
                    self._waiting[agent, to_all] = replace(wanted, ahead=False)
                    self._responses.start(agent, wanted.participant, None, "", wanted.request, speculative=True)
                continue
            del self._waiting[agent, to_all]
            self.idle_since = None
            self._meets(wanted.participant, agent)
            if (made := self._responses.ahead.get(wanted.request)) is not None:
                self._responses.commit(made)
                continue
            person = self._context.asking(wanted.participant)
            transcript = (person.transcript or "") if wanted.turn == person.turn else ""
            self._responses.start(agent, wanted.participant, wanted.turn, transcript, wanted.request)

    def _meets(self, participant: str, agent: str) -> None:
        """Who is spoken to has talked with that agent last; words to nobody in particular are to all."""
        for person in self._context.people.values():
            if participant in (EVERYBODY, person.name):
                person.talked_with = agent

    def _drop_unwanted(self) -> None:
        wanted = {w.request for w in self._waiting.values()}
        for request, made in self._responses.ahead.items():
            if request not in wanted:
                self._responses.drop(made)

    def _silent_for(self, gap_s: float) -> bool:
        return not gap_s or (self.holder is Holder.NOBODY and self._context.now >= self._silent_since + gap_s)

    def deadlines(self) -> list[Deadline]:
        """When who waits for a silence has waited for long enough; `start_waiting` looks then."""
        if self.holder is not Holder.NOBODY:
            return []
        return [(self._silent_since + w.gap_s, lambda: None) for w in self._waiting.values() if w.gap_s]

    def speak_up(self) -> None:
        """Nobody has said anything for the configured time: somebody is asked to."""
        self.idle_since = None
        participant = next(iter(self._context.people), None)
        if self._context.holders or self._responses or participant is None:
            return
        self._context.order(act.AnnounceIdle(participant))
        self.ask(participant, None)

    def settle(self) -> None:
        """Move in the table to what has become of the floor."""
        holder, cause = self._now
        if holder is not self.holder:
            self.holder = step(FLOOR, self.holder, cause)
            if holder is Holder.NOBODY:
                self._silent_since = self._context.now

    @property
    def _now(self) -> tuple[Holder, str]:
        if Response.PAUSED in self._responses.states:
            return Holder.CONTESTED, "spoken over"
        if self._context.holders:
            return Holder.PERSON, "person speaks"
        return (Holder.AGENT, "agent answers") if self._responses.active else (Holder.NOBODY, "all silent")
