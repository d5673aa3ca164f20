"""A debate that goes on: gives the floor by its agenda, has the next speech made while one sounds, keeps the record.

House rules: turns are taken by the conversation's turn-taker alone; a debate only asks for responses, and follows what
it is told. It is called on the loop's thread, and its timers end with `aclose`.
"""

# Above 300 lines: one state machine; the order, what is asked for, the prompts and the record are beside it.
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from parley.conversation import notifications as nt
from parley.conversation.agent import Persona
from parley.conversation.conversation import Conversation
from parley.debate import prompts
from parley.debate.agenda import Agenda, Debater, Slot
from parley.debate.format import MODERATOR, PEOPLE
from parley.debate.plan import Plan
from parley.debate.record import Record, Speech
from parley.debate.requests import Requests
from parley.errors import ProtocolError
from parley.turns.actions import Ending

log = structlog.get_logger("debate")

_IDLE_S = 1.5
"""Silence after which the order goes on although nothing has ended: a person's turn that nobody answered."""
_VOTING_S = 20.0
_SUM_UP_TOKENS = 150


class Debate:
    """Of one conversation."""

    def __init__(self, conversation: Conversation, plan: Plan) -> None:
        """`begin` begins it; the conversation tells it what happens (see `Conversation.programme`)."""
        self.plan = plan
        self.state = "ready"
        self.record = Record()
        self.votes: dict[str, str] = {}
        """Sides, by who has voted for them."""
        self.agenda = Agenda(plan.rules, [Debater(d.name, d.side) for d in plan.debaters])
        self._conversation = conversation
        self._sides = {d.name: d.side for d in plan.debaters}
        self._began = 0.0
        self._requests = Requests(conversation, plan.rules.gap_ms / 1000)
        self._current: dict[str, tuple[Speech, Slot | None]] = {}
        """Speeches that sound or are about to, by response."""
        self._written: set[str] = set()
        """Those of them whose text is all there."""
        self._person_speaks = False
        self._waits_for_people: Slot | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._then: Callable[[], None] | None = None
        """What follows when everything that was asked for is said."""

    # -- what the host wants --------------------------------------------------------------------------

    def begin(self) -> None:
        """Let it begin; raises `ProtocolError` where such agents cannot be or it has begun."""
        if self.state != "ready":
            raise ProtocolError("the debate has begun already", field="type")
        plan = self.plan
        self._conversation.set_agents(self._personas(), "addressed")
        self.state, self._began = "running", self._conversation.now
        if plan.moderator is not None:
            self._say(prompts.opening(plan.topic, self.agenda))
        self._go_on()
        self._tell()

    def _personas(self) -> list[Persona]:
        plan, led = self.plan, self.plan.moderator
        made = [
            Persona(d.name, prompts.persona(d, plan.topic, self.agenda), d.model, d.voice, d.speed)
            for d in plan.debaters
        ]
        if led is None:
            return made
        lead = Persona(
            led.name, prompts.moderator_persona(led, plan.topic, self.agenda), led.model, led.voice, led.speed
        )
        return (
            [lead, *made] if plan.rules.answers == MODERATOR else [*made, lead]
        )  # strangers are answered by the first

    def skip(self) -> None:
        """Whoever speaks is cut, and the next one has the floor."""
        if not self._cancel_current() and self._waits_for_people is not None:
            self._nobody_wants_to()

    def extend(self) -> None:
        """Whoever speaks, or spoke last, has the floor once more."""
        last = next((s for s in reversed(self.record.speeches) if s.speaker in self._sides), None)
        if last is None or self.state != "running":
            raise ProtocolError("nobody has spoken whose time could be extended", field="type")
        self._requests.withdraw()
        self.agenda.extend(last.speaker, "Go on where you stopped, and finish your point.", 20.0)
        self._go_on()

    def mute(self, name: str, *, muted: bool) -> None:
        """A debater is passed over from now on, or no longer; raises `ProtocolError`."""
        if name not in self._sides:
            raise ProtocolError(f"no debater is called '{name}'", field="debate.name")
        self.agenda.mute(name, muted=muted)
        if muted:
            for response, (speech, _) in list(self._current.items()):
                if speech.speaker == name:
                    self._conversation.cancel_response(response)
            if self._requests.concern(name):
                self._requests.withdraw()
        self._go_on()
        self._tell()

    def vote(self, voter: str, side: str) -> None:
        """One vote for each; a later one takes the place of the one before. Raises `ProtocolError`."""
        if side not in self.plan.rules.sides:
            raise ProtocolError(
                f"'{side}' is no side; there are {', '.join(self.plan.rules.sides)}", field="debate.side"
            )
        self.votes[voter] = side
        self._tell()

    def stop(self) -> None:
        """End it properly: what sounds is cut, what was said is summed up."""
        if self.state != "running":
            return
        self.agenda.close()
        self._requests.withdraw()
        if not self._cancel_current():
            self._go_on()

    def aclose(self) -> None:
        """The conversation ends: nothing follows."""
        self.state = "over"
        self._cancel_timer()

    # -- what happens ---------------------------------------------------------------------------------

    def notice(self, notification: nt.Notification) -> None:
        """The conversation tells what happens."""
        if self.state in ("ready", "over"):
            return
        match notification:
            case nt.ResponseStarted(out_of_band=False):
                self._begun(notification)
            case nt.ResponseItemStarted() | nt.ResponseText() | nt.ResponseWritten():
                self._goes_on(notification)
            case nt.ResponseEnded(out_of_band=False):
                self._ended(notification)
            case nt.HeardChanged():
                for speech in self.record.speeches[-8:]:
                    if speech.item == notification.item:
                        speech.heard = notification.heard_text
            case nt.SpeechStarted():
                self._person_takes_floor(notification.participant)
            case nt.TranscriptDone():
                self._person_said(notification)
            case nt.StateChanged():
                self._state_changed(notification.state)
            case _:
                pass

    def _begun(self, started: nt.ResponseStarted) -> None:
        part = self._requests.take(started.response)
        slot = part.slot if part is not None else None
        upcoming = self.agenda.next
        if slot is not None or (upcoming is not None and upcoming.speaker == started.agent):
            taken = self.agenda.take()  # also where the answer to a person is what the order would have had
            slot = slot or taken
        speech = Speech(
            started.agent, self._sides.get(started.agent, ""), self.time_s, slot.round if slot is not None else ""
        )
        self.record.speeches.append(speech)
        self._current[started.response] = speech, slot
        self._person_speaks = False
        self._cancel_timer()
        self._tell()

    def _goes_on(self, more: nt.ResponseItemStarted | nt.ResponseText | nt.ResponseWritten) -> None:
        speech, _ = self._current.get(more.response, (None, None))
        if speech is None:
            return
        match more:
            case nt.ResponseItemStarted():
                speech.item = more.item.id
            case nt.ResponseText():
                speech.written += more.text
            case nt.ResponseWritten():
                self._written.add(more.response)
                self._go_on()

    def _ended(self, ended: nt.ResponseEnded) -> None:
        speech, slot = self._current.pop(ended.response, (None, None))
        self._written.discard(ended.response)
        if speech is None:
            self._requests.take(ended.response)
            return
        speech.ended_s = self.time_s
        speech.heard = " ".join(i.heard_text.strip() for i in ended.items if i.kind == "message").strip()
        if ended.ending is not Ending.CUT:
            speech.interrupted_by = ""
        self.record.over(speech)
        if ended.ending is Ending.FAILED and slot is not None:
            self._failed(speech.speaker)
        elif ended.ending is Ending.FINISHED:
            self.agenda.spoke(speech.speaker)
        if not (ended.ending is Ending.CUT and self._person_speaks):
            self._go_on()
        self._tell()

    def _failed(self, name: str) -> None:
        log.warning("a debater fails", session=self._conversation.id, debater=name)
        self._requests.withdraw()
        if self.agenda.failed(name):
            self._say(prompts.unavailable(name))

    def _person_takes_floor(self, name: str) -> None:
        self._person_speaks = True
        self._requests.withdraw()
        self._cancel_timer()
        if self._waits_for_people is not None:
            self._waits_for_people = None
            self.agenda.take()
        elif self._then is not None and self.state == "running":  # asked to while the moderator still says so
            self._then = None
            self.agenda.take()
        for speech, _ in self._current.values():
            speech.interrupted_by = name

    def _person_said(self, done: nt.TranscriptDone) -> None:
        if done.text.strip():
            began_s = max(0.0, self.time_s - done.seconds)
            speech = Speech(done.participant, "", began_s, heard=done.text, written=done.text, of_person=True)
            speech.ended_s = self.time_s
            self.record.speeches.append(speech)
            self.record.over(speech)

    def _state_changed(self, state: str) -> None:
        if state == "LISTENING" and not self._requests and not self._current and self._waits_for_people is None:
            self._wait(_IDLE_S, self._nobody_answers)

    def _nobody_answers(self) -> None:
        self._person_speaks = False
        self._go_on()

    # -- what is next ---------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Ask for what follows, unless that is done or a person has the floor."""
        if self._requests or self._person_speaks or self._waits_for_people is not None:
            return
        if self._then is not None:
            if not self._current:
                then, self._then = self._then, None
                then()
            return
        if self.state != "running":
            return
        if any(response not in self._written for response in self._current):
            return  # what it would answer is not known yet
        minutes = self.plan.minutes
        if minutes is not None and self.time_s >= minutes * 60:
            self.agenda.close()
        slot = self._next_slot()
        if slot is None:
            self._close()
        elif slot.speaker == PEOPLE:
            if not self._current:
                self._ask_people(slot)
        else:
            self._give_floor(slot)

    def _next_slot(self) -> Slot | None:
        """The next place of the order that somebody can take."""
        while (slot := self.agenda.next) is not None and slot.speaker == PEOPLE and not self._people:
            self.agenda.take()
        return slot

    @property
    def _people(self) -> bool:
        return not self.plan.spectated and bool(self._conversation.people)

    def _give_floor(self, slot: Slot) -> None:
        led = self.plan.moderator
        if led is not None and slot.opens_round and slot.number == 1 and slot.speaker != MODERATOR:
            self._say(prompts.gives_floor(slot, name_round=len(self.plan.rules.rounds) > 1))
        speaker = led.name if slot.speaker == MODERATOR and led is not None else slot.speaker
        side = self._sides.get(speaker, "")
        self._requests.write(
            speaker, prompts.task(slot, self.record, speaker, prompts.claim(side, self.plan.topic)),
            begins=prompts.first_words(speaker, side, self.record), most_tokens=prompts.most_tokens(slot),
            said_before=self.record.said, slot=slot,
        )  # fmt: skip

    def _ask_people(self, slot: Slot) -> None:
        if self.plan.moderator is not None:
            self._say(prompts.asks_people(slot.task))
            self._then = lambda: self._await_people(slot)
        else:
            self._await_people(slot)

    def _await_people(self, slot: Slot) -> None:
        self._waits_for_people = slot
        self._wait(slot.seconds, self._nobody_wants_to)
        self._tell()

    def _nobody_wants_to(self) -> None:
        if self._waits_for_people is not None:
            self._waits_for_people = None
            self._cancel_timer()
            self.agenda.take()
            self._go_on()

    def _close(self) -> None:
        """The order is at its end; what was said is summed up while the last words of it sound."""
        self.state = "closing"
        closing, led = self.plan.rules.closing, self.plan.moderator
        if led is None:
            self._then = self._over
            self._go_on()
            return
        if closing.sum_up is not None and self.record.claims:
            sounding = [speech for speech, _ in self._current.values()]
            task = prompts.sum_up(closing.sum_up, self.record, self.plan.rules.sides, sounding)
            self._requests.write(led.name, task, most_tokens=_SUM_UP_TOKENS)
        self._then = self._ask_votes if closing.vote and self._people else self._thank
        if not self._requests:
            self._go_on()

    def _ask_votes(self) -> None:
        self._say(prompts.asks_votes(self.plan.rules.sides))
        self._then = lambda: self._wait(_VOTING_S, self._thank)

    def _thank(self) -> None:
        self._say(prompts.THANKS)
        self._then = self._over

    def _over(self) -> None:
        self.state = "over"
        self._cancel_timer()
        self._tell()

    # -- asking ---------------------------------------------------------------------------------------

    def _say(self, words: str) -> None:
        """The moderator says fixed words."""
        if self.plan.moderator is not None:
            self._requests.say(self.plan.moderator.name, words)

    def _cancel_current(self) -> bool:
        self._requests.withdraw()
        current = list(self._current)
        for response in current:
            self._conversation.cancel_response(response)
        return bool(current)

    # -- telling --------------------------------------------------------------------------------------

    @property
    def time_s(self) -> float:
        """Seconds since it began."""
        return self._conversation.now - self._began

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def now(self) -> tuple[str | None, Slot | None]:
        """Who speaks, and its place in the order; a place without a speaker is of people who are waited for."""
        speaking = next(iter(self._current.values()), None)
        return (speaking[0].speaker, speaking[1]) if speaking is not None else (None, self._waits_for_people)

    def _tell(self) -> None:
        self._conversation.emit(nt.DebateChanged(shown(self)))


def shown(debate: Debate) -> dict[str, Any]:
    """How a debate stands, for clients; behind its end with what came of it."""
    plan, agenda, (speaker, slot) = debate.plan, debate.agenda, debate.now
    upcoming, rules = agenda.next, plan.rules
    votes = list(debate.votes.values())
    counted = {side: votes.count(side) for side in rules.sides if side in votes}
    found: dict[str, Any] = {
        "state": debate.state, "topic": plan.topic, "format": rules.name, "sides": list(rules.sides),
        "debaters": [
            {"name": d.name, "side": d.side, "voice": d.voice, "available": agenda.speaks(d.name)}
            for d in plan.debaters
        ],
        "moderator": plan.moderator.name if plan.moderator else None,
        "round": slot.round if slot is not None else None, "speaker": speaker,
        "next": upcoming.speaker if upcoming is not None and debate.state == "running" else None,
        "seconds": slot.seconds if slot is not None else None, "elapsed_s": round(debate.time_s, 1), "votes": counted,
    }  # fmt: skip
    if debate.state == "over":
        found["verdict"] = debate.record.verdict(rules.sides, counted)
        found["speeches"] = [speech.to_json() for speech in debate.record.speeches]
    return found
