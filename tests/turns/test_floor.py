"""Who has the floor, who waits for it, and what happens when nobody wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from parley.turns.policies.floor import EVERYBODY, AddressedFloor
from parley.turns.settings import TurnSettings
from tests.turns.exact import Exact, kinds, only


class Two:
    """Two agents answer everybody but "nobody", one after the other, or both at once."""

    def __init__(self, *, together: bool = False) -> None:
        self.together = together

    def answering(self, participant: str, *more: object) -> Sequence[str]:
        return () if participant == "nobody" else ("one", "two")

    def may_play(self, agent: str, holders: Sequence[str], playing: Sequence[str]) -> bool:
        assert {agent, *playing} <= {"one", "two"}
        return not holders and agent not in playing and (self.together or not playing)


def begun(orders: list[act.Action]) -> list[tuple[str, str, int | None, str]]:
    return [(s.agent, s.participant, s.turn, s.transcript) for s in only(act.StartResponse, orders)]


def asked(t: Exact, at: float, text: str = "What time is it?", who: str = "user") -> list[act.Action]:
    """Somebody asks something within a second; what is ordered once the turn is over."""
    t.speak(at, at + 0.5, who)
    t.hear(at + 0.56, who)
    turn = t.taker._context.people[who].turn
    t.words(at + 0.58, text, turn=turn, who=who)
    t.tell(at + 0.6, ev.EndOfTurnScored(who, turn, 0, 1.0))
    return t.hear(at + 0.75, who)


def test_an_answer_that_is_asked_for_waits_until_nobody_speaks() -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("ann", 0.0))
    assert t.tell(0.1, ev.ResponseRequested("ben")) == []
    assert begun(t.tell(0.2, ev.InputCleared("ann"))) == [("assistant", "ben", None, "")]


def test_a_newer_wish_takes_the_place_of_one_that_waits() -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("ann", 0.0), ev.ResponseRequested("ben"), ev.ResponseRequested("cem"))
    assert begun(t.tell(0.2, ev.InputCleared("ann"))) == [("assistant", "cem", None, "")]


def test_what_an_agent_is_to_say_to_all_waits_beside_its_answer_to_somebody() -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("ann", 0.0), ev.ResponseRequested("ben"))
    t.tell(0.1, ev.ResponseRequested(EVERYBODY, ("assistant",), 7))
    assert begun(t.tell(0.2, ev.InputCleared("ann"))) == [("assistant", "ben", None, "")]
    key = only(act.StartResponse, t.orders)[-1].response
    assert begun(t.tell(1.0, ev.ResponseCancelled(key))) == [("assistant", EVERYBODY, None, "")]


def test_a_client_that_cancels_everything_cancels_what_waits() -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("ann", 0.0), ev.ResponseRequested("ben"), ev.ResponseCancelled())
    assert begun(t.tell(0.2, ev.InputCleared("ann"))) == []


def test_one_that_cancels_a_response_cancels_nothing_that_waits() -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("ann", 0.0), ev.ResponseRequested("ben"), ev.ResponseCancelled("r9"))
    assert len(begun(t.tell(0.2, ev.InputCleared("ann")))) == 1


def test_agents_that_are_named_answer_and_no_others() -> None:
    t = Exact(floor=Two(together=True))
    assert begun(t.tell(0.0, ev.ResponseRequested("ann", agents=("two",)))) == [("two", "ann", None, "")]
    assert begun(t.tell(0.0, ev.ResponseRequested("ben", agents=()))) == []


def test_whoever_nobody_answers_is_not_answered() -> None:
    assert begun(Exact(floor=Two()).tell(0.0, ev.ResponseRequested("nobody"))) == []


def test_an_agent_that_may_not_sound_yet_holds_up_no_other() -> None:
    t = Exact(floor=Two(together=True))
    t.tell(0.0, ev.ResponseRequested("ann", agents=("one",)))
    assert begun(t.tell(0.1, ev.ResponseRequested("ben"))) == [("two", "ben", None, "")]
    assert begun(t.tell(0.2, ev.ResponseCompleted("r1"))) == [("one", "ben", None, "")]


def test_a_turn_that_waits_is_not_answered_with_the_words_of_the_next() -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("ben", 0.0))
    asked(t, 0.0, who="ann")
    t.tell(0.8, ev.MediaAdvanced("ben", 0.8))
    t.speak(0.9, 1.1, "ann")
    t.hear(1.2, "ann")
    turn = t.taker._context.people["ann"].turn
    t.words(1.2, "But why", turn=turn, who="ann")
    t.tell(1.25, ev.InputCleared("ann"))
    assert [(start[1], start[3]) for start in begun(t.tell(1.3, ev.InputCleared("ben")))] == [("ann", "")]


def test_agents_answer_in_their_order_each_when_it_may() -> None:
    t = Exact(floor=Two())
    assert begun(t.tell(0.0, ev.ResponseRequested("ann"))) == [("one", "ann", None, "")]
    assert begun(t.tell(1.0, ev.ResponseCompleted("r1"))) == [("two", "ann", None, "")]
    assert begun(t.tell(2.0, ev.ResponseCompleted("r2"))) == []


def test_what_is_prepared_is_committed_and_who_may_not_sound_yet_answers_the_same_words() -> None:
    t = Exact(floor=Two())
    orders = asked(t, 0.0)
    assert begun(t.orders) == [("one", "user", 1, "What time is it?")]
    assert only(act.CommitResponse, orders) == [act.CommitResponse("r1")]
    assert begun(t.tell(3.0, ev.ResponseCompleted("r1"))) == [("two", "user", 1, "What time is it?")]
    assert not t.of(act.StartResponse)[-1].speculative


def test_both_are_prepared_where_they_may_sound_together() -> None:
    t = Exact(floor=Two(together=True))
    orders = asked(t, 0.0)
    assert [s.speculative for s in t.of(act.StartResponse)] == [True, True]
    assert only(act.CommitResponse, orders) == [act.CommitResponse("r1"), act.CommitResponse("r2")]


def test_a_turn_that_nobody_answers_is_just_over() -> None:
    t = Exact(floor=Two())
    asked(t, 0.0, who="nobody")
    assert begun(t.orders) == []
    assert t.taker.view == "LISTENING"


def test_a_turn_is_answered_when_the_other_person_is_silent_and_with_its_words() -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("ben", 0.0))
    assert begun(asked(t, 0.0, who="ann")) == []
    assert t.taker.view == "USER_SPEAKING"
    turn = t.of(act.CommitTurn)[-1].turn
    assert begun(t.tell(0.8, ev.InputCleared("ben"))) == [("assistant", "ann", turn, "What time is it?")]


def test_what_was_prepared_is_no_answer_while_somebody_else_speaks() -> None:
    t = Exact()
    t.speak(0.0, 0.5)
    t.hear(0.56)
    t.words(0.58, "What time is it?")
    t.tell(0.6, ev.VoiceStarted("ben", 0.6), ev.EndOfTurnScored("user", 1, 0, 1.0))
    orders = t.hear(0.75)
    assert only(act.EndResponse, orders) == [act.EndResponse("r1", Ending.DROPPED)]
    assert begun(t.tell(0.8, ev.InputCleared("ben"))) == [("assistant", "user", 1, "What time is it?")]


def test_who_is_interrupted_before_it_answered_answers_the_new_turn() -> None:
    t = Exact(floor=Two())
    asked(t, 0.0)
    t.tell(1.0, ev.PlayoutStarted("r1"))
    t.tell(2.0, ev.VoiceStarted("user", 2.0))
    orders = t.tell(2.4, ev.MediaAdvanced("user", 2.4), ev.Transcribed("user", 2, 0, "But why", False))
    assert only(act.EndResponse, orders)
    t.tell(2.5, ev.InputCleared("user"))
    assert begun(t.orders) == [("one", "user", 1, "What time is it?")], "the second agent's answer is given up"


def test_what_a_client_asked_for_outlives_an_interruption() -> None:
    t = Exact(floor=Two())
    t.tell(0.0, ev.ResponseRequested("user"), ev.PlayoutStarted("r1"))
    t.tell(1.0, ev.VoiceStarted("user", 1.0))
    t.tell(1.4, ev.MediaAdvanced("user", 1.4), ev.Transcribed("user", 1, 0, "But why", False))
    assert begun(t.tell(1.5, ev.InputCleared("user"))) == [("two", "user", None, "")]


IDLE = TurnSettings(idle_timeout_s=5.0)


def test_after_silence_somebody_speaks_up_once() -> None:
    t = Exact(IDLE)
    assert t.due is None, "nobody has come yet"
    t.tell(0.0, ev.ParticipantEntered("user"))
    response = t.answering()
    assert t.due is None
    t.tell(2.0, ev.ResponseCompleted(response))
    assert t.due == 7.0
    assert t.tick(6.9) == []
    orders = t.tick(7.0)
    assert orders[0] == act.AnnounceIdle("user")
    assert begun(orders) == [("assistant", "user", None, "")]
    assert t.due == 37.0, "its first frame is awaited, and nothing else"


def test_a_voice_ends_the_silence() -> None:
    t = Exact(IDLE)
    t.tell(2.0, ev.ResponseCompleted(t.answering()))
    t.tell(3.0, ev.VoiceStarted("user", 3.0))
    assert t.due == 4.0, "the microphone is awaited"
    t.tell(3.5, ev.InputCleared("user"))
    assert t.due is None


def test_nobody_speaks_up_while_somebody_speaks() -> None:
    t = Exact(replace(IDLE, media_timeout_s=60.0))
    t.answering()
    t.tell(1.0, ev.VoiceStarted("user", 1.0))
    t.tell(1.2, ev.ResponseCancelled())
    assert t.of(act.AnnounceIdle) == []
    t.tick(6.3)
    assert t.of(act.AnnounceIdle) == []


def test_a_turn_that_deserves_no_answer_begins_the_silence() -> None:
    t = Exact(IDLE)
    asked(t, 0.0, text="you")
    t.hear(0.8)
    assert kinds(t.orders)[-1] == "CommitTurn"
    assert t.due == 5.75


def test_the_first_who_came_is_spoken_to() -> None:
    t = Exact(IDLE)
    t.tell(0.0, ev.ParticipantEntered("ann"), ev.ParticipantEntered("ben"))
    t.tell(0.0, ev.ResponseRequested("ben"), ev.ResponseRequested("ann"))
    t.tell(1.0, ev.ResponseCompleted("r1"))
    t.tell(2.0, ev.ResponseCompleted("r2"))
    assert t.tick(7.0)[0] == act.AnnounceIdle("ann")


def test_without_the_setting_nobody_speaks_up() -> None:
    t = Exact()
    t.tell(2.0, ev.ResponseCompleted(t.answering()))
    assert t.due is None


@pytest.mark.parametrize("playing", [True, False])
def test_the_view_follows_the_floor(*, playing: bool) -> None:
    t = Exact()
    views = [t.taker.view]
    response = t.answering(playing=playing)
    views.append(t.taker.view)
    t.tell(1.0, ev.VoiceStarted("user", 1.0))
    views.append(t.taker.view)
    t.tell(1.5, ev.ResponseCancelled(response))
    views.append(t.taker.view)
    t.tell(1.6, ev.InputCleared("user"))
    views.append(t.taker.view)
    answers = "SPEAKING" if playing else "THINKING"
    assert views == ["LISTENING", answers, "BARGED_IN", "USER_SPEAKING", "LISTENING"]


# -- what is made ahead, and silences between -----------------------------------------------------------------


def ahead(agent: str, request: int, gap_s: float = 0.0) -> ev.ResponseRequested:
    return ev.ResponseRequested(EVERYBODY, agents=(agent,), request=request, ahead=True, gap_s=gap_s)


def test_what_is_asked_for_ahead_is_made_while_another_one_sounds_and_committed_when_that_is_over() -> None:
    t = Exact(floor=Two())
    t.tell(0.0, ev.ResponseRequested(EVERYBODY, agents=("one",)))
    (made,) = only(act.StartResponse, t.tell(1.0, ahead("two", 7)))
    assert (made.speculative, made.agent, made.participant, made.turn, made.request) == (True, "two", "", None, 7)
    assert t.tick(1.5) == [], "it is made once"
    assert only(act.CommitResponse, t.tell(2.0, ev.ResponseCompleted("r1"))) == [act.CommitResponse("r2")]


def test_what_may_sound_at_once_is_not_made_ahead() -> None:
    (made,) = only(act.StartResponse, Exact(floor=Two()).tell(0.0, ahead("one", 7)))
    assert not made.speculative


def test_what_was_made_ahead_and_failed_is_made_anew_when_it_may_sound() -> None:
    t = Exact(floor=Two())
    t.tell(0.0, ev.ResponseRequested(EVERYBODY, agents=("one",)), ahead("two", 7))
    assert t.tell(1.0, ev.ResponseFailed("r2", "broke")) == [act.EndResponse("r2", Ending.DROPPED, "broke")]
    (made,) = only(act.StartResponse, t.tell(2.0, ev.ResponseCompleted("r1")))
    assert (made.speculative, made.request) == (False, 7)


@pytest.mark.parametrize(
    "gone", [ev.RequestWithdrawn(7), ev.ResponseCancelled(), ev.ResponseRequested(EVERYBODY, ("two",), 8)]
)
def test_what_was_made_ahead_is_dropped_once_nobody_wants_it(gone: ev.Event) -> None:
    t = Exact(floor=Two())
    t.tell(0.0, ev.ResponseRequested(EVERYBODY, agents=("one",)), ahead("two", 7))
    assert act.EndResponse("r2", Ending.DROPPED, "") in t.tell(1.0, gone)


def test_withdrawing_one_request_leaves_the_others_and_what_is_given() -> None:
    t = Exact(floor=Two())
    t.tell(0.0, ahead("one", 6), ahead("two", 7))
    assert t.tell(1.0, ev.RequestWithdrawn(6), ev.RequestWithdrawn(99)) == []
    assert act.CommitResponse("r2") in t.tell(2.0, ev.ResponseCompleted("r1"))


def test_who_is_to_wait_for_a_silence_waits_from_the_last_sound_on() -> None:
    t = Exact(floor=Two())
    t.tell(0.0, ev.ResponseRequested(EVERYBODY, agents=("one",)), ahead("two", 7, gap_s=0.3))
    t.tell(2.0, ev.ResponseCompleted("r1"))
    assert t.due == 2.3
    assert t.tick(2.29) == []
    assert t.tick(2.3) == [act.CommitResponse("r2")]
    assert t.due == pytest.approx(2.3 + t.taker._context.settings.first_audio_timeout_s)


def test_a_silence_begins_anew_behind_a_voice() -> None:
    t = Exact(floor=Two())
    t.tell(0.0, ev.ResponseRequested(EVERYBODY, agents=("one",)), ahead("two", 7, gap_s=0.3))
    t.tell(2.0, ev.ResponseCompleted("r1"))
    t.tell(2.2, ev.VoiceStarted("ann", 2.2))
    assert only(act.CommitResponse, t.tick(2.4)) == []
    t.tell(2.5, ev.InputCleared("ann"))
    assert only(act.CommitResponse, t.tick(2.7)) == []
    assert only(act.CommitResponse, t.tick(2.8)) == [act.CommitResponse("r2")]


def test_nobody_waits_for_a_silence_that_is_there() -> None:
    assert len(begun(Exact(floor=Two()).tell(5.0, ahead("one", 7, gap_s=0.3)))) == 1


def test_a_turn_that_goes_on_drops_its_own_answers_alone() -> None:
    t = Exact(floor=Two())
    t.tell(0.0, ev.ResponseRequested(EVERYBODY, agents=("one",)), replace(ahead("two", 7), participant="user"))
    t.taker._responses.drop_speculations("user")
    assert list(t.taker._responses.ahead) == [7]


def test_words_to_nobody_in_particular_are_to_all_who_may_answer() -> None:
    t = Exact(floor=AddressedFloor(("one", "two")))
    t.tell(0.0, ev.ParticipantEntered("ann"), ev.ParticipantEntered("ben"))
    t.tell(0.0, ev.ResponseRequested(EVERYBODY, agents=("two",)))
    assert [p.talked_with for p in t.taker._context.people.values()] == ["two", "two"]
    t.tell(1.0, ev.ResponseCompleted("r1"), ev.ResponseRequested("ann", agents=("one",)))
    assert [p.talked_with for p in t.taker._context.people.values()] == ["one", "two"]
