"""Several people, several agents, several listeners: single situations and generated rooms."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from parley.turns.ledger import HeardLedger, SpokenWord
from parley.turns.policies.floor import EVERYBODY, AddressedFloor
from parley.turns.settings import TurnSettings
from tests.turns.harness import World

EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "40"))
DEAF = TurnSettings(interrupt_response=False)
ANTICIPATING = TurnSettings(anticipate=True)
AT_ONSET = TurnSettings(mode="silence", cancel_at_onset=True)


class Round:
    """All agents answer, one after the other; or all at once."""

    def __init__(self, agents: Sequence[str], *, together: bool = False) -> None:
        self.agents = agents
        self.together = together

    def answering(self, participant: str, said: str, last: str | None) -> Sequence[str]:
        return self.agents

    def may_play(self, agent: str, holders: Sequence[str], playing: Sequence[str]) -> bool:
        return not holders and agent not in playing and (self.together or not playing)


def room(people: int = 2, agents: int = 1, *, together: bool = False, **more: object) -> World:
    names = ("ann", "ben", "cem")[:people]
    return World(people=names, floor=Round(("one", "two", "three")[:agents], together=together), **more)  # type: ignore[arg-type]


def starts(w: World) -> list[tuple[str, str, bool]]:
    return [(a.agent, a.participant, a.speculative) for a in w.of(act.StartResponse)]


def test_every_answer_that_was_prepared_for_a_turn_is_committed() -> None:
    w = room(1, agents=2, together=True, asr_s=0.03)
    w.listen(1.0, voiced=True)
    w.listen(3.0, voiced=False)
    assert starts(w) == [("one", "ann", True), ("two", "ann", True)]
    assert [a.response for a in w.of(act.CommitResponse)] == ["r1", "r2"]
    assert [e.ending for _, e in w.ended] == [Ending.FINISHED, Ending.FINISHED]


def test_every_answer_that_was_prepared_is_dropped_when_the_user_goes_on() -> None:
    w = room(1, agents=2, together=True, asr_s=0.03, probability=0.5, sentence=0.5, text="tell me about it")
    w.listen(1.0, voiced=True)
    w.listen(0.3, voiced=False)
    w.listen(0.2, voiced=True)
    assert [e.ending for _, e in w.ended] == [Ending.DROPPED, Ending.DROPPED]


def test_agents_answer_one_after_the_other_where_they_may_not_sound_together() -> None:
    w = room(1, agents=3, asr_s=0.03, length_s=1.0)
    w.listen(1.0, voiced=True)
    w.listen(6.0, voiced=False)
    assert [agent for agent, _, _ in starts(w)] == ["one", "two", "three"]
    assert [e.ending for _, e in w.ended] == [Ending.FINISHED] * 3
    assert w.most_at_once == 1


def test_an_agent_that_waited_for_the_floor_answers_who_interrupted_instead() -> None:
    w = room(2, agents=2, asr_s=0.03, length_s=5.0)
    w.listen(1.0, voiced=True)
    w.listen(1.0, voiced=False)
    w.text = "But why is that so?"
    w.listen(1.0, voiced=True, who="ben")
    w.listen(13.0, voiced=False, who="ben")
    assert [(agent, who) for agent, who, _ in starts(w)] == [("one", "ann"), ("one", "ben"), ("two", "ben")]


@pytest.mark.parametrize("together", [True, False])
def test_nobody_is_answered_after_a_request_for_silence(*, together: bool) -> None:
    w = room(1, agents=2, together=together, asr_s=0.03, length_s=5.0)
    w.listen(1.0, voiced=True)
    w.listen(1.0, voiced=False)
    w.text = "Stop."
    w.listen(0.7, voiced=True)
    begun = len(starts(w))
    w.listen(5.0, voiced=False)
    assert len(starts(w)) == begun
    assert {e.ending for _, e in w.ended} == {Ending.CUT}


def test_while_one_interruption_is_judged_a_sound_of_another_does_not_cut_the_answer() -> None:
    w = room(2, asr_s=0.03, length_s=10)
    w.listen(1.0, voiced=True)
    w.listen(1.5, voiced=False)
    w.text = "mm-hm"
    w.voice("ann", voiced=True)
    w.go_on(0.1)
    w.voice("ben", voiced=True)
    w.go_on(0.1)
    w.voice("ann", voiced=False)
    w.go_on(0.1)
    assert not w.ended
    assert not w.of(act.ResumePlayout), "somebody is still judged"
    w.voice("ben", voiced=False)
    w.go_on(1.0)
    assert len(w.of(act.ResumePlayout)) == len(w.of(act.PausePlayout)) == 1
    assert len(w.of(act.DiscardTurn)) == 2


def test_an_interruption_that_is_meant_cuts_whatever_the_other_one_said() -> None:
    w = room(2, asr_s=0.03, length_s=10)
    w.listen(1.0, voiced=True)
    w.listen(1.5, voiced=False)
    w.voice("ann", voiced=True)
    w.go_on(0.1)
    w.text = "But I never said that."
    w.listen(0.8, voiced=True, who="ben")
    assert [e.ending for _, e in w.ended] == [Ending.CUT]
    w.voice("ann", voiced=False)
    w.listen(2.0, voiced=False, who="ben")
    assert {a.participant for a in w.of(act.CommitTurn)} == {"ann", "ben"}


def test_settings_are_those_of_each_person() -> None:
    w = room(2, asr_s=0.03, length_s=10)
    w.send(ev.SettingsChanged(DEAF, "ben"))
    w.listen(1.0, voiced=True)
    w.listen(1.5, voiced=False)
    w.listen(1.0, voiced=True, who="ben")
    assert not w.of(act.PausePlayout)
    w.listen(0.1, voiced=True)
    assert len(w.of(act.PausePlayout)) == 1


def test_a_turn_is_not_answered_while_another_person_speaks() -> None:
    w = room(2, asr_s=0.03, length_s=1.0)
    w.voice("ben", voiced=True)
    w.listen(1.0, voiced=True)
    w.listen(2.0, voiced=False)
    assert [a.participant for a in w.of(act.CommitTurn)] == ["ann"]
    assert not w.of(act.StartResponse)
    w.listen(4.0, voiced=False, who="ben")
    assert len([e for _, e in w.ended if e.ending is Ending.FINISHED]) == 1, "one answer to both"


def test_a_request_that_waits_is_answered_together_with_the_turn_that_came_meanwhile() -> None:
    w = room(1, agents=2, together=True, asr_s=0.03)
    w.listen(0.5, voiced=True)
    w.send(ev.ResponseRequested("ann", request=7))
    w.listen(3.0, voiced=False)
    assert [(a.agent, a.request) for a in w.of(act.StartResponse)] == [("one", 7), ("two", 7)]


def test_a_request_survives_its_own_person_taking_the_floor_before_it_is_answered() -> None:
    w = room(1, agents=2, asr_s=0.03, length_s=5.0)
    w.send(ev.ResponseRequested("ann", request=7))
    w.go_on(1.0)
    w.text = "But why is that so?"
    w.listen(1.0, voiced=True)
    w.listen(9.0, voiced=False)
    asked = [(a.agent, a.request) for a in w.of(act.StartResponse) if not a.speculative]
    assert asked == [("one", 7), ("two", 7)]


def test_somebody_in_particular_can_be_asked() -> None:
    w = room(1, agents=3)
    w.send(ev.ResponseRequested("ann", agents=("two",)))
    w.wait(4.0)
    assert starts(w) == [("two", "ann", False)]


def test_what_somebody_who_leaves_was_saying_is_no_turn_and_what_he_spoke_over_goes_on() -> None:
    w = room(2, asr_s=0.03, length_s=3.0)
    w.listen(1.0, voiced=True)
    w.listen(1.5, voiced=False)
    w.voice("ben", voiced=True)
    w.go_on(0.1)
    w.leave("ben")
    w.go_on(4.0)
    assert len(w.of(act.PausePlayout)) == len(w.of(act.ResumePlayout)) == 1
    assert [e.ending for _, e in w.ended] == [Ending.FINISHED]
    assert [a.participant for a in w.of(act.CommitTurn)] == ["ann"]


def test_nobody_answers_who_has_left() -> None:
    w = room(2, asr_s=0.03, length_s=3.0)
    w.voice("ben", voiced=True)
    w.listen(1.0, voiced=True)
    w.listen(1.0, voiced=False)
    assert [a.participant for a in w.of(act.CommitTurn)] == ["ann"]
    w.leave("ann")
    w.listen(3.0, voiced=False, who="ben")
    assert [who for _, who, _ in starts(w)] == ["ben"]


def test_who_asks_without_taking_part_is_answered_and_is_none_of_the_people() -> None:
    w = room(1, agents=1, settings=TurnSettings(idle_timeout_s=3.0))
    w.send(ev.ParticipantEntered("ann"))
    w.send(ev.ResponseRequested("listener"))
    w.wait(3.0)
    assert starts(w) == [("one", "listener", False)]
    assert list(w.taker._context.people) == ["ann"]
    w.leave("ann")
    w.wait(20.0)
    assert len(starts(w)) == 1, "nobody is there who could be asked whether he is there"


def test_what_models_say_late_about_somebody_who_left_is_nothing_to_who_comes_back() -> None:
    w = room(1, asr_s=0.03)
    w.listen(1.0, voiced=True)
    old = w.taker._context.people["ann"].turn
    w.leave("ann")
    w.enter("ann")
    w.voice("ann", voiced=True)
    w.go_on(0.1)
    w.voice("ann", voiced=False)
    w.send(ev.Transcribed("ann", old, 0, "What I said before I left.", final=True))
    w.go_on(3.0)
    assert "What I said before I left." not in [a.transcript for a in w.of(act.CommitTurn)]


def test_who_is_called_by_name_answers_and_goes_on_answering_that_person() -> None:
    w = World(people=("ann", "ben"), floor=AddressedFloor(("Ada", "Eve")), asr_s=0.03, length_s=0.5)
    for who, said in (("ann", "Eve, what time is it?"), ("ben", "And what time is it?"), ("ann", "Are you sure?")):
        w.text = said
        w.listen(1.0, voiced=True, who=who)
        w.listen(3.0, voiced=False, who=who)
    assert [(agent, who) for agent, who, _ in starts(w)] == [("Eve", "ann"), ("Ada", "ben"), ("Eve", "ann")]


def test_agents_come_and_go() -> None:
    w = room(1, asr_s=0.03, length_s=0.5)
    w.send(ev.AgentsChanged(("Ada", "Eve"), "round"))
    w.listen(1.0, voiced=True)
    w.listen(4.0, voiced=False)
    w.send(ev.AgentsChanged(("Eve",), "addressed"))
    w.listen(1.0, voiced=True)
    w.listen(3.0, voiced=False)
    assert [agent for agent, _, _ in starts(w)] == ["Ada", "Eve", "Eve"]


moves = st.one_of(
    st.tuples(st.sampled_from(["speak", "silent"]), st.integers(0, 2), st.floats(0.04, 1.2)),
    st.tuples(
        st.sampled_from(
            [
                "request",
                "cancel",
                "commit",
                "clear",
                "fail",
                "deaf",
                "hearing",
                "manual",
                "leave",
                "join",
                "go",
                "come",
                "ahead",
                "withdraw",
                "fail ahead",
            ]
        ),
        st.integers(0, 2),
        st.floats(0.04, 0.4),
    ),
)
HABITS: dict[str, Callable[[TurnSettings], TurnSettings]] = {
    "deaf": lambda settings: replace(settings, interrupt_response=False),
    "hearing": lambda settings: settings,
    "manual": lambda _: TurnSettings(mode="manual"),
}
texts = st.sampled_from(["What time is it?", "mm-hm", "", "and", "stop that now"])


class Listeners:
    """Who hears the answers, each with a delay of his own; kept beside the ledger, to compare."""

    def __init__(self, w: World, count: int) -> None:
        self.w = w
        self.ledger = HeardLedger()
        self.names = ("left", "right", "far")[:count]
        self.present = set(self.names)
        self.where: dict[str, dict[str, float]] = {}
        for name in self.names:
            self.ledger.joined(name)

    def look(self) -> None:
        """Tell the ledger where everybody is: heard is what all have heard who were there when it began and still are.

        The last one of three never reports.
        """
        for response, remaining in self.w.remaining.items():
            played = self.w.length_s - remaining
            if played <= 0:
                continue
            if response not in self.where:
                self.where[response] = dict.fromkeys(self.present, 0.0)
                self.ledger.add_words(response, [SpokenWord(n + 1, n * 0.2, (n + 1) * 0.2) for n in range(10)])
            self.ledger.sent(response, played)
            for delay, name in enumerate(self.names[:2]):
                if name in self.present:
                    self.ledger.heard(name, response, played - delay * 0.1)
                if name in self.present and name in self.where[response]:
                    self.where[response][name] = max(0.0, played - delay * 0.1)
            assert self.ledger.heard_s(response) == min(self.where[response].values(), default=0.0)

    def leave(self, index: int) -> None:
        name = self.names[index % len(self.names)]
        if name in self.present:
            self.present.remove(name)
            self.ledger.left(name)
            for where in self.where.values():
                if len(where) > 1:
                    where.pop(name, None)

    def join(self, index: int) -> None:
        name = self.names[index % len(self.names)]
        if name not in self.present:
            self.present.add(name)
            self.ledger.joined(name)


@settings(max_examples=EXAMPLES)
@given(
    st.lists(st.tuples(moves, texts, st.floats(0, 1)), min_size=1, max_size=20),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from(
        [TurnSettings(), TurnSettings(anticipate=True), TurnSettings(mode="silence", cancel_at_onset=True)]
    ),
)
def test_whatever_happens_in_a_room_the_invariants_hold(
    script: list[tuple[tuple[str, int, float], str, float]],
    people: int, agents: int, listeners: int, together: bool, turns: TurnSettings,
) -> None:  # fmt: skip
    w = room(people, agents, together=together, settings=turns)
    audience = Listeners(w, listeners)
    for (kind, index, seconds), text, probability in script:
        w.text, w.probability = text, probability
        act_out(w, audience, kind, index)
        w.go_on(seconds)
        audience.look()
    for who in w.people:
        w.send(ev.SettingsChanged(turns, who))
        w.voice(who, voiced=False)
    for _ in range(4 * agents):
        w.go_on(8.0)
    started = {a.response for a in w.of(act.StartResponse)}
    assert sorted(r for r, _ in w.ended) == sorted(started), "every response ends exactly once"
    assert w.played_while_floor_held == 0, "nothing plays while somebody who may interrupt holds the floor"
    assert together or w.most_at_once <= 1, "agents never speak over each other"
    assert w.taker.view == "LISTENING"


def act_out(w: World, audience: Listeners, kind: str, index: int) -> None:
    if kind == "come" and w.away:
        w.enter(min(w.away))
    if not w.people:
        return
    who = w.people[index % len(w.people)]
    match kind:
        case "speak" | "silent":
            w.voice(who, voiced=kind == "speak")
        case "commit":
            w.send(ev.InputCommitted(who))
        case "clear":
            w.send(ev.InputCleared(who))
        case "deaf" | "hearing" | "manual":
            w.send(ev.SettingsChanged(HABITS[kind](w.settings), who))
        case "leave" | "join":
            (audience.leave if kind == "leave" else audience.join)(index)
        case "go":
            w.leave(who)
        case _:
            ask_for(w, kind, who, index)


def ask_for(w: World, kind: str, who: str, index: int) -> None:
    running = [r for r, s in w.state.items() if s in ("playing", "committed", "ready", "paused")]
    ahead = [r for r, s in w.state.items() if s == "speculative"]
    match kind:
        case "request":
            w.send(ev.ResponseRequested(who))
        case "cancel":
            w.send(ev.ResponseCancelled())
        case "ahead":  # by somebody who may be none of the agents, behind a silence or none
            agent, number = ("one", "two", "three")[len(w.records) % 3], len(w.records)
            w.send(ev.ResponseRequested(EVERYBODY, (agent,), number, ahead=True, gap_s=0.3 * (index % 2)))
        case "withdraw":
            asked = [r.event.request for r in w.records if isinstance(r.event, ev.ResponseRequested)]
            w.send(ev.RequestWithdrawn(asked[-1] if asked else 1))
        case "fail" if running:
            w.send(ev.ResponseFailed(running[0], "made to"))
        case "fail ahead" if ahead:
            w.send(ev.ResponseFailed(ahead[-1], "made to"))
        case _:
            pass
