"""A debate that goes on: gives the floor by its agenda, has the next speech made while one sounds, keeps the record.

House rules: turns are taken by the conversation's turn-taker alone; a debate only asks for responses, and follows what
it is told. It is called on the loop's thread, and its timers end with `aclose`.
"""

# Above 300 lines: one state machine; the order, what is asked for, the prompts and the record are beside it.
from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from parley.conversation import notifications as nt
from parley.conversation.agent import Persona
from parley.conversation.conversation import Conversation
from parley.conversation.items import USER
from parley.debate import prompts
from parley.debate.agenda import Agenda, Debater, Slot
from parley.debate.format import MODERATOR, PEOPLE
from parley.debate.plan import Plan
from parley.debate.record import Record, Speech
from parley.debate.requests import Requests
from parley.debate.standing import Moment, came_of_it, standing
from parley.errors import ProtocolError
from parley.turns.actions import Ending

log = structlog.get_logger("debate")

_IDLE_S = 1.5
"""Silence beyond the format's after which the order goes on by itself: nobody answers, or a request was lost."""
_VOTING_S = 20.0
_SUM_UP_TOKENS = 150
_PATIENCE, _LEAST_PATIENCE_S = 1.5, 4.0
"""Times what a speech may take, and seconds more, after which it is ended: its model's bound should end it before."""
_MEMORY_TOKENS = 500
"""Who answers a person answers to what was said last. The points before that are in the record, not in the history:
with all of it in mind a light model needs seconds for its first word, and finds none that belongs to the question."""
_CALLED_S = 12.0
"""How long somebody is waited for who has raised a hand."""


@dataclass(frozen=True, slots=True)
class _Wait:
    """What is waited for: "people" who may speak, "votes", or that somebody speaks at all ("idle")."""

    what: str
    timer: asyncio.TimerHandle
    slot: Slot | None


class Debate:
    """Of one conversation."""

    def __init__(self, conversation: Conversation, plan: Plan) -> None:
        """`begin` begins it; the conversation tells it what happens (see `Conversation.programmes`)."""
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
        self._waits: _Wait | None = None
        self._clocks: dict[str, asyncio.TimerHandle] = {}
        """What ends speeches that are too long, by response."""
        self._hands: set[str] = set()
        """Of people who want to speak."""
        self._steps: list[str] = []
        """What is left of the closing."""
        self._opened: Slot | None = None
        """The place whose round the moderator has opened last, or that people were asked to take."""

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
        self._watch_silence()
        self._tell()

    def _personas(self) -> list[Persona]:
        plan, led = self.plan, self.plan.moderator
        made = [
            Persona(
                d.name,
                prompts.persona(d, plan.topic, self.agenda),
                d.model,
                d.voice,
                d.speed,
                memory_tokens=_MEMORY_TOKENS,
            )
            for d in plan.debaters
        ]
        if led is None:
            return made
        lead = Persona(
            led.name, prompts.moderator_persona(led, plan.topic, self.agenda), led.model, led.voice, led.speed,
            memory_tokens=_MEMORY_TOKENS,
        )  # fmt: skip
        return (
            [lead, *made] if plan.rules.answers == MODERATOR else [*made, lead]
        )  # strangers are answered by the first

    def skip(self) -> None:
        """Whoever speaks is cut, and the next one has the floor."""
        if self._cancel_current():
            return
        if self._waits_for("people"):
            self._nobody_wants_to()
        elif not self._waits_for("votes"):
            self._go_on()

    def extend(self) -> None:
        """Whoever speaks, or spoke last, has the floor once more; raises `ProtocolError`."""
        last = next((s for s in reversed(self.record.speeches) if s.speaker in self._sides), None)
        if last is None or self.state != "running":
            raise ProtocolError("nobody speaks whose time could be extended", field="type")
        self._stop_waiting("people", "idle")
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
        if self.state == "over":
            raise ProtocolError("the debate is over", field="type")
        if self.votes.get(voter) != side:
            self.votes[voter] = side
            self._tell()

    def stop(self) -> None:
        """End it properly: what sounds is cut, what was said is summed up."""
        if self.state != "running":
            return
        self._stop_waiting("people", "idle")
        self.agenda.close()
        if not self._cancel_current():
            self._go_on()

    async def aclose(self) -> None:
        """Nothing follows: the conversation ends, or something broke."""
        self._break_off()

    def _break_off(self) -> None:
        self._stop_waiting("people", "votes", "idle")
        for clock in self._clocks.values():
            clock.cancel()
        if self.state not in ("ready", "over"):
            self._over()

    # -- what happens ---------------------------------------------------------------------------------

    def notice(self, notification: nt.Notification) -> None:
        """The conversation tells what happens."""
        if self.state in ("ready", "over"):
            if self.state == "over" and isinstance(notification, nt.RoomChanged) and notification.present:
                self._tell()  # whoever comes late, or comes back, learns what came of it
            return
        match notification:
            case nt.ResponseStarted(out_of_band=False):
                self._begun(notification)
            case nt.ResponseItemStarted() | nt.ResponseText() | nt.ResponseWritten():
                self._goes_on(notification)
            case nt.ResponseEnded(out_of_band=False):
                self._ended(notification)
            case nt.HeardChanged() | nt.ItemDeleted():
                self._known_better(notification)
            case nt.SpeechStarted():
                self._person_takes_floor(notification.participant)
            case nt.TranscriptDone():
                self._person_said(notification)
            case nt.StateChanged():
                self._state_changed(notification.state)
            case nt.RoomChanged():
                self._circle_changed(notification)
            case _:
                pass

    def _known_better(self, change: nt.HeardChanged | nt.ItemDeleted) -> None:
        if isinstance(change, nt.ItemDeleted):
            self.record.forget(change.item)
        else:
            self.record.correct(change.item, change.heard_text)

    def _circle_changed(self, room: nt.RoomChanged) -> None:
        up = {member.name for member in room.members if member.hand and member.role != "listener"}
        before, self._hands = self._hands, up
        for name in sorted(up - before):
            self.agenda.call(name, _CALLED_S)
            self._requests.withdraw()  # whoever was to be next comes after
        for name in before - up:
            self.agenda.uncall(name)
            if self._waits is not None and self._waits.slot is not None and self._waits.slot.whom == name:
                self._stop_waiting("people")
        if room.present:
            self._go_on()  # whoever comes, or comes back, hears how it stands
            self._tell()

    def _begun(self, started: nt.ResponseStarted) -> None:
        part = self._requests.take(started.response)
        slot = part.slot if part is not None else None
        if part is not None and part.opens is not None:
            self._opened = part.opens
        if part is not None and part.step and part.step in self._steps:
            self._steps.remove(part.step)
        if part is None and self._waits_for("people"):
            self.agenda.take()  # they took their place by other means than speech
        self._stop_waiting("people", "idle")
        upcoming = self.agenda.next
        if slot is not None or (part is None and upcoming is not None and upcoming.speaker == started.agent):
            taken = self.agenda.take()  # also where the answer to a person is what the order would have had
            slot = slot or taken
        speech = Speech(
            started.agent, self._sides.get(started.agent, ""), self.time_s, slot.round if slot is not None else ""
        )
        self.record.speeches.append(speech)
        self._current[started.response] = speech, slot
        if slot is not None and speech.side:
            ends = self._later(slot.seconds * _PATIENCE + _LEAST_PATIENCE_S, lambda: self._time_is_up(started.response))
            self._clocks[started.response] = ends
        self._person_speaks = False
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
        if (clock := self._clocks.pop(ended.response, None)) is not None:
            clock.cancel()
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

    def _time_is_up(self, response: str) -> None:
        """A model that does not count its words, or a voice that drawls."""
        if response in self._current:
            self._requests.withdraw()
            self._say(prompts.time_is_up(self._current[response][0].speaker))
            self._conversation.cancel_response(response)

    def _failed(self, name: str) -> None:
        log.warning("a debater fails", session=self._conversation.id, debater=name)
        self._requests.withdraw()
        if self.agenda.failed(name):
            self._say(prompts.unavailable(name))

    def _person_takes_floor(self, name: str) -> None:
        self._person_speaks = True
        upcoming = self.agenda.next
        asked = self._opened is not None and self._opened is upcoming and self._opened.speaker == PEOPLE
        if (self._waits_for("people") or asked) and upcoming is not None and upcoming.whom in ("", name):
            self.agenda.take()  # asked may be while the moderator still says so
        self._stop_waiting("people", "idle")
        self._requests.withdraw()
        for speech, _ in self._current.values():
            speech.interrupted_by = name

    def _person_said(self, done: nt.TranscriptDone) -> None:
        if done.text.strip():
            began_s = max(0.0, self.time_s - done.seconds)
            speech = Speech(done.participant, "", began_s, heard=done.text, written=done.text, of_person=True)
            speech.ended_s, speech.item = self.time_s, done.item
            self.record.speeches.append(speech)
            self.record.over(speech)

    def _state_changed(self, state: str) -> None:
        if state != "LISTENING":
            self._stop_waiting("idle")
        else:
            self._watch_silence()

    def _watch_silence(self) -> None:
        if self._waits is None and not self._current:
            self._wait("idle", self.plan.rules.gap_ms / 1000 + _IDLE_S, self._nobody_answers)

    def _nobody_answers(self) -> None:
        """It has been silent for longer than it should be: what was asked for was lost, or nobody answers a person."""
        self._person_speaks = False
        self._requests.withdraw()
        self._go_on()

    # -- what is next ---------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Ask for what follows, unless that is done, people have the floor, or nobody is there."""
        if self._requests or self._person_speaks or self._waits_for("people") or self._waits_for("votes"):
            return
        if not self._conversation.present or any(response not in self._written for response in self._current):
            return  # what somebody would answer is not known yet
        if self.state == "running":
            self._next_place()
        if self.state == "closing":
            self._close()

    def _next_place(self) -> None:
        minutes, agenda = self.plan.minutes, self.agenda
        if minutes is not None and self.time_s >= minutes * 60:
            agenda.close()
        agenda.people_here = not self.plan.spectated and bool(self._conversation.people)
        slot = agenda.next
        if slot is None:
            self.state, self._steps = "closing", self._closing_steps()
        elif slot.speaker == PEOPLE:
            self._ask_people(slot)
        else:
            self._give_floor(slot)

    def _give_floor(self, slot: Slot) -> None:
        led = self.plan.moderator
        opens = slot.opens_round and slot.number == 1 and slot.speaker != MODERATOR and self._opened is not slot
        if led is not None and opens:
            words = prompts.gives_floor(slot, name_round=len(self.plan.rules.rounds) > 1)
            self._requests.say(led.name, words, opens=slot)
        speaker = led.name if slot.speaker == MODERATOR and led is not None else slot.speaker
        side = self._sides.get(speaker, "")
        self._requests.write(
            speaker, prompts.task(slot, self.record, speaker, prompts.claim(side, self.plan.topic)),
            begins=prompts.first_words(speaker, side, self.record), most_tokens=prompts.most_tokens(slot),
            said_before=self.record.said, slot=slot,
        )  # fmt: skip

    def _ask_people(self, slot: Slot) -> None:
        """The moderator asks them, once; then they are waited for."""
        led = self.plan.moderator
        if led is not None and self._opened is not slot:
            words = prompts.calls(slot.whom) if slot.whom else prompts.asks_people(slot.task, self._silent_one)
            self._requests.say(led.name, words, opens=slot)
        elif not self._current:
            self._wait("people", slot.seconds, self._nobody_wants_to, slot)
            self._tell()

    @property
    def _silent_one(self) -> str:
        """Who of several people has not been heard for longest; empty where there is but one."""
        circle, people = self._conversation.circle, self._conversation.people
        named = [name for name in people if name != USER and not circle.is_muted(name)]
        spoke = {speech.speaker: number for number, speech in enumerate(self.record.speeches)}
        return min(named, key=lambda name: spoke.get(name, -1), default="") if len(people) > 1 else ""

    def _nobody_wants_to(self) -> None:
        self._stop_waiting("people")
        slot = self.agenda.take()
        if slot is not None and slot.whom:
            self._conversation.raise_hand(slot.whom, up=False)
        self._go_on()

    def _closing_steps(self) -> list[str]:
        closing = self.plan.rules.closing
        if self.plan.moderator is None:
            return []
        votes = closing.vote and not self.plan.spectated and bool(self._conversation.people)
        summed = ["sum up"] if closing.sum_up is not None and self.record.claims else []
        return [*summed, *(["ask for votes", "count votes"] if votes else []), "thank"]

    def _close(self) -> None:
        """The next step of the closing; what was said is summed up while the last words of it sound."""
        led, step = self.plan.moderator, self._steps[0] if self._steps else ""
        if led is None or not step:
            if not self._current:
                self._over()
        elif step == "sum up":
            sounding = [speech for speech, _ in self._current.values()]
            task = prompts.sum_up(self.plan.rules.closing.sum_up or "", self.record, self.plan.rules.sides, sounding)
            self._requests.write(led.name, task, most_tokens=_SUM_UP_TOKENS, step=step)
        elif self._current:
            return
        elif step == "count votes":
            self._steps.remove(step)
            self._wait("votes", _VOTING_S, self._go_on)
        else:
            words = prompts.THANKS if step == "thank" else prompts.asks_votes(self.plan.rules.sides)
            self._requests.say(led.name, words, step=step)

    def _over(self) -> None:
        self.state = "over"
        self._stop_waiting("people", "votes", "idle")
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

    def _wait(self, what: str, seconds: float, then: Callable[[], None], slot: Slot | None = None) -> None:
        """Let something follow after a time; `slot`: of people who are waited for."""

        def over() -> None:
            self._waits = None
            then()

        self._stop_waiting("people", "votes", "idle")
        self._waits = _Wait(what, self._later(seconds, over), slot)

    def _later(self, seconds: float, then: Callable[[], None]) -> asyncio.TimerHandle:
        """What fails there ends the debate, and nothing else."""

        def due() -> None:
            try:
                then()
            except Exception:
                log.error("the debate breaks off", session=self._conversation.id, exc_info=True)
                self._break_off()

        return asyncio.get_running_loop().call_later(seconds, due)

    def _waits_for(self, what: str) -> bool:
        return self._waits is not None and self._waits.what == what

    def _stop_waiting(self, *what: str) -> None:
        if self._waits is not None and self._waits.what in what:
            self._waits.timer.cancel()
            self._waits = None

    @property
    def now(self) -> Moment:
        """What is so just now."""
        speech, slot = next(iter(self._current.values()), (None, None))
        if speech is None and self._waits is not None:
            slot = self._waits.slot
        vote_open = self._waits_for("votes") or (self.state == "closing" and self._steps[:1] == ["count votes"])
        return Moment(self.state, speech, slot, self.time_s, vote_open, self.votes)

    @property
    def standing(self) -> dict[str, Any]:
        """How it stands, as clients are shown it."""
        return standing(self.plan, self.agenda, self.record, self.now)

    @property
    def whole(self) -> dict[str, Any]:
        """The same with what was said so far and what came of it so far."""
        return {**self.standing, **came_of_it(self.plan, self.record, self.now)}

    def _tell(self) -> None:
        self._conversation.emit(nt.DebateChanged(self.standing))


def held_in(conversation: Conversation) -> Debate | None:
    """The debate that is held in a conversation, or was the last one."""
    debate = conversation.programmes.get("debate")
    return debate if isinstance(debate, Debate) else None


def place_in(conversation: Conversation, agent: str) -> float:
    """Where an agent of it is heard, -1 (left) to 1 (right)."""
    debate = held_in(conversation)
    return debate.plan.place_of(agent) if debate is not None else 0.0
