"""Debates in which anything happens at any time: one speaks at a time, who asks is called, nobody starves, they end.

The conversation is a stand-in that keeps the turn-taker's promises (asked responses begin after a silence, a person who
speaks cuts what sounds and is answered), without sound: a thousand debates take a minute.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parley.conversation import notifications as nt
from parley.conversation.circle import Circle, Place
from parley.conversation.items import Item, new_id
from parley.conversation.responses.response import ResponseOptions
from parley.debate.debate import Debate
from parley.debate.format import shipped
from parley.debate.plan import Speaker, completed
from parley.models.interfaces import Usage
from parley.turns.actions import Ending
from tests.virtual_time import run_virtual

EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "100"))
LOOK_S = 0.1
SAID = ("Cats clean themselves every single day.", "Dogs are loyal to their people for life.", "Nobody walks a cat.")


class Floor:
    """What a debate needs of a conversation, and what it promises."""

    def __init__(self) -> None:
        self.id, self.people, self.circle = "s1", dict[str, None](), Circle()
        self.programmes: dict[str, Debate] = {}
        self.failing: set[str] = set()
        self.asked: list[ResponseOptions] = []
        self.sounding: str | None = None
        self.spoken: list[tuple[str, float, float]] = []
        """Agents, from when to when."""
        self._person: str | None = None
        self._told: list[nt.Notification] = []
        self._owed: list[tuple[str, str]] = []
        """Agents that are to answer somebody."""
        self._last = self._agent = self._item = ""
        self._ends = self._silent_since = self._began = 0.0
        self._numbers = iter(range(10_000))

    # what a debate asks

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def present(self) -> tuple[str, ...]:
        return tuple(self.people)

    @property
    def debate(self) -> Debate:
        return self.programmes["debate"]

    def set_agents(self, personas: Any, _: str) -> None:
        self._last = personas[0].name

    def emit(self, notification: nt.Notification) -> None:
        self._told.append(notification)

    def request_response(self, options: ResponseOptions) -> None:
        self.asked.append(options)

    def withdraw_request(self, response: str) -> None:
        self.asked = [one for one in self.asked if one.response_id != response]

    def cancel_response(self, response: str) -> None:
        if response == self.sounding:
            self._over(Ending.CUT)

    def raise_hand(self, name: str, *, up: bool) -> None:
        if self.circle.raise_hand(name, up=up):
            self.tell()

    # what people do

    def comes(self, name: str) -> None:
        self.people[name] = None
        self.circle.enter(Place(name, host=name == "user"), lambda: None)
        self.tell()

    def goes(self, name: str) -> None:
        del self.people[name]
        self.circle.leave(name)
        if self._person == name:
            self._person = None
        self.tell()

    def tell(self) -> None:
        self.debate.notice(nt.RoomChanged(self.present, (), self.present, "addressed", self.circle.members))

    async def says(self, name: str) -> None:
        if self._person is not None:
            return
        self._person = name
        self.debate.notice(nt.StateChanged("USER_SPEAKING"))
        self.debate.notice(nt.SpeechStarted(new_id("item"), 0, name))
        if self.sounding is not None:
            self._over(Ending.CUT)
        self.raise_hand(name, up=False)
        await self.passes(0.8)
        if self._person == name:
            self._person = None
            self.debate.notice(nt.TranscriptDone(new_id("item"), "But what about fish?", 0.8, name))
            self._owed.append((self._last, name))
            self._silence()

    # how time goes on

    async def passes(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds / LOOK_S))):
            await asyncio.sleep(LOOK_S)
            self._look()
            self.holds()

    def _look(self) -> None:
        if self.sounding is not None:
            if self.now >= self._ends:
                self._over(
                    Ending.FAILED if self._agent in self.failing and self._ends - self._began < 1 else Ending.FINISHED
                )
        elif self._person is None and self.people:
            if self._owed:
                self._begin(new_id("resp"), *self._owed.pop(0))
            elif self.asked and self.now >= self._silent_since + self.asked[0].gap_s:
                one = self.asked.pop(0)
                assert one.agents is not None
                self._begin(one.response_id or "", one.agents[0], "", one.say)

    def _begin(self, response: str, agent: str, to: str, say: str | None = None) -> None:
        self.sounding, self._agent, self._last, self._began = response, agent, agent, self.now
        fails = agent in self.failing and say is None
        words = say or f"{SAID[next(self._numbers) % 3][:-1]}, point {next(self._numbers)}."
        self._ends = self.now + (0.2 if fails else 2.0 + len(words) % 7)
        self._item = new_id("item")
        self.debate.notice(nt.StateChanged("SPEAKING"))
        self.debate.notice(nt.ResponseStarted(response, agent=agent, participant=to))
        if fails or self.sounding != response:
            return
        item = Item(self._item, role="assistant", speaker=agent)
        self.debate.notice(nt.ResponseItemStarted(response, 0, item, None))
        self.debate.notice(nt.ResponseText(response, self._item, 0, words))
        self._words = words
        self.debate.notice(nt.ResponseWritten(response, self._item, words))

    def _over(self, ending: Ending) -> None:
        response, self.sounding = self.sounding, None
        assert response is not None
        self.spoken.append((self._agent, self._began, self.now))
        share = 0.0 if ending is Ending.FAILED else min(1.0, (self.now - self._began) / (self._ends - self._began))
        heard = self._words[: round(len(self._words) * share)] if ending is not Ending.FAILED else ""
        item = Item(self._item, role="assistant", text=heard, speaker=self._agent)
        self.debate.notice(nt.ResponseEnded(response, ending, "", (item,), Usage()))
        self._silence()

    def _silence(self) -> None:
        self._silent_since = self.now
        if self.sounding is None and self._person is None:
            self.debate.notice(nt.StateChanged("LISTENING"))

    _words = ""

    def holds(self) -> None:
        """At any moment."""
        assert len(self.debate._current) <= 1, "one at a time has the floor"
        assert len(self.asked) <= 2, "a speech and the words before it are asked for, no more"
        if self.debate.state == "running" and self.debate.agenda.next is not None:
            slot = self.debate.now.slot
            called = {one.whom for one in self.debate.agenda._extra} | {slot.whom if slot is not None else ""}
            assert set(self.circle.hands) <= called, "who raises a hand is called"


ACTS = (
    "user speaks", "Zoe speaks", "Zoe comes", "Zoe goes", "user goes", "Zoe raises", "Zoe lowers", "user raises",
    "skip", "extend", "mute Ada", "unmute Ada", "Ben fails", "Ben recovers", "vote", "lose", "nothing",
)  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.floats(0.1, 12.0)), max_size=25)
UNEVEN = {"mute Ada", "Ben fails", "extend", "skip", "user speaks", "Zoe speaks", "user goes"}


async def act(floor: Floor, what: str) -> None:
    debate, (who, _, does) = floor.debate, what.partition(" ")
    match does:
        case "comes" if who not in floor.people:
            floor.comes(who)
        case "speaks" if who in floor.people:
            await floor.says(who)
        case "raises" | "lowers" if who in floor.people:
            floor.raise_hand(who, up=does == "raises")
        case "goes" if who in floor.people:
            floor.goes(who)
        case "Ada":
            debate.mute("Ada", muted=who == "mute")
        case "fails":
            floor.failing.add(who)
        case "recovers":
            floor.failing.discard(who)
    if what == "skip":
        debate.skip()
    elif what == "lose":
        floor.asked.clear()  # somebody else has cancelled everything
    elif what == "extend" and debate.state == "running" and any(s.side for s in debate.record.speeches):
        debate.extend()
    elif what == "vote" and debate.state != "over":
        debate.vote("user", debate.plan.rules.sides[0])


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(shipped())), STEPS)
def test_whatever_happens_one_speaks_at_a_time_who_asks_is_called_and_it_ends(
    rules: str, steps: list[tuple[str, float]]
) -> None:
    async def run() -> None:
        chosen, floor = shipped()[rules], Floor()
        given = [Speaker(name, chosen.sides[n % len(chosen.sides)]) for n, name in enumerate(("Ada", "Ben"))]
        plan = completed("Cats or dogs", chosen, given[: chosen.debaters], None, ["voice"], minutes=2.0)
        floor.programmes["debate"] = debate = Debate(floor, plan)  # type: ignore[arg-type]
        floor.comes("user")
        debate.begin()
        for what, seconds in steps:
            await act(floor, what)
            await floor.passes(seconds)
        if not floor.people:
            floor.comes("user")
        for _ in range(60):
            if debate.state == "over":
                break
            await floor.passes(10)
        assert debate.state == "over", debate.standing
        assert all(begins >= ended for (_, _, ended), (_, begins, _) in pairwise(floor.spoken))
        names = {d.name for d in plan.debaters}
        assert {name for name, _, _ in floor.spoken} <= names | {plan.moderator.name if plan.moderator else ""}
        if UNEVEN.isdisjoint(what for what, _ in steps) and rules != "duel":
            count = Counter(s.speaker for s in debate.record.speeches if s.speaker in names)
            assert max(count.values()) - min(count[name] for name in names) <= len(names), "nobody starves"
        await debate.aclose()

    run_virtual(run())
