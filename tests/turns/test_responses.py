"""Responses begin, wait, sound, pause and end exactly once, and no wait lasts for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from parley.turns.settings import TurnSettings
from parley.turns.tables import Response
from tests.turns.exact import Exact, kinds, only

SETTINGS = TurnSettings(
    stall_timeout_s=1.5, text_timeout_s=15.0, revival_timeout_s=4.0, first_audio_timeout_s=30.0, idle_timeout_s=None
)


def prepared(settings: TurnSettings = SETTINGS, text: str = "What time is it?") -> tuple[Exact, str]:
    """A turn that is not over, and the answer that is prepared for it."""
    t = Exact(settings)
    t.speak(0.0, 1.0)
    t.hear(1.06)
    t.words(1.08, text)
    t.tell(1.1, ev.EndOfTurnScored(next(iter(t.taker._context.people)), 1, 0, 1.0))
    (start,) = t.of(act.StartResponse)
    return t, start.response


def test_what_is_asked_for_begins_at_once_and_answers_no_turn() -> None:
    t = Exact(SETTINGS)
    (start,) = only(act.StartResponse, t.tell(0, ev.ResponseRequested("ann")))
    assert (start.response, start.agent, start.participant) == ("r1", "assistant", "ann")
    assert (start.turn, start.transcript, start.speculative, start.again) == (None, "", False, False)
    assert t.taker.active_responses == ["r1"]


def test_responses_are_counted() -> None:
    t = Exact(SETTINGS)
    for number in (1, 2, 3):
        assert t.answering(number) == f"r{number}"
        t.tell(number, ev.ResponseCompleted(f"r{number}"))


def test_a_prepared_answer_says_what_it_answers_and_is_not_active() -> None:
    t, response = prepared()
    (start,) = t.of(act.StartResponse)
    assert (start.turn, start.transcript, start.speculative) == (1, "What time is it?", True)
    assert t.taker.active_responses == []
    assert t.tell(1.1, ev.ResponseCompleted(response)) == [], "it waits for its commit"
    t.tell(1.1, ev.PlayoutStarted(response))
    assert t.taker.view == "USER_SPEAKING"


def test_whether_the_last_answer_is_wanted_again_is_said_in_the_language_of_who_speaks() -> None:
    t, _ = prepared(text="Say that again.")
    assert [start.again for start in t.of(act.StartResponse)] == [True]
    t, _ = prepared(TurnSettings(language="te"), "Say that again please, friend.")
    assert [start.again for start in t.of(act.StartResponse)] == [False]


@pytest.mark.parametrize(
    ("event", "ending", "reason"),
    [
        (ev.ResponseCompleted, Ending.FINISHED, ""),
        (lambda response: ev.ResponseFailed(response, "broken"), Ending.FAILED, "broken"),
        (ev.ResponseCancelled, Ending.CUT, "client_cancelled"),
        (lambda _: ev.ResponseCancelled(), Ending.CUT, "client_cancelled"),
    ],
)
@pytest.mark.parametrize("playing", [True, False])
def test_it_ends_once_and_says_how(
    event: Callable[[str], ev.Event], ending: Ending, reason: str, *, playing: bool
) -> None:
    t = Exact(SETTINGS)
    response = t.answering(playing=playing)
    assert t.tell(1, event(response)) == [act.EndResponse(response, ending, reason)]
    assert t.tell(2, event(response)) == []
    assert t.taker.active_responses == []
    assert t.due is None


def test_only_the_response_that_is_named_is_cancelled() -> None:
    t = Exact(SETTINGS)
    response = t.answering()
    assert t.tell(1, ev.ResponseCancelled("another")) == []
    assert t.taker.active_responses == [response]


def test_a_prepared_answer_is_dropped_when_it_fails_and_is_not_the_clients_to_cancel() -> None:
    t, response = prepared()
    assert t.tell(1.1, ev.ResponseCancelled(response)) == []
    assert t.tell(1.1, ev.ResponseFailed(response, "broken")) == [act.EndResponse(response, Ending.DROPPED, "broken")]


def test_its_commit_begins_its_wait_for_sound() -> None:
    t, response = prepared()
    t.tell(1.2, ev.EndOfTurnScored("user", 1, 0, 1.0))
    assert act.CommitResponse(response) in t.hear(1.4)
    assert t.due == 31.4


def test_without_a_first_frame_it_has_failed_unless_its_model_shows_life() -> None:
    t = Exact(SETTINGS)
    response = t.answering(playing=False)
    assert t.due == 30.0
    t.tell(5.0, ev.ResponseProgressed(response))
    assert t.due == 35.0
    assert t.tick(34.9) == []
    assert t.tick(35.0) == [act.EndResponse(response, Ending.FAILED, "no_audio")]


def test_once_it_sounds_nothing_is_awaited_until_it_runs_dry() -> None:
    t = Exact(SETTINGS)
    response = t.answering()
    assert t.due is None
    assert t.taker.view == "SPEAKING"
    t.tell(2.0, ev.PlayoutStarved(response))
    assert t.due == 3.5
    t.tell(3.0, ev.PlayoutStarved(response))
    assert t.due == 3.5, "it has been dry since then"
    t.tell(3.1, ev.PlayoutFed(response))
    assert t.due is None


def test_a_voice_that_stalls_is_begun_anew_and_is_given_longer_then() -> None:
    t = Exact(SETTINGS)
    response = t.answering()
    t.tell(2.0, ev.PlayoutStarved(response))
    assert t.tick(3.5) == [act.ReviveResponse(response)]
    assert t.due == 7.5
    assert t.tick(7.4) == []
    assert t.tick(7.5) == [act.EndResponse(response, Ending.FAILED, "stalled")]


def test_one_that_sounds_again_may_be_begun_anew_twice_in_all() -> None:
    t = Exact(SETTINGS)
    response = t.answering()
    for at in (10.0, 20.0):
        t.tell(at, ev.PlayoutStarved(response))
        assert t.tick(at + 1.5) == [act.ReviveResponse(response)]
        t.tell(at + 2, ev.PlayoutFed(response))
    t.tell(30.0, ev.PlayoutStarved(response))
    assert t.due == 31.5
    assert t.tick(31.5) == [act.EndResponse(response, Ending.FAILED, "stalled")]


def test_a_late_tick_counts_the_wait_from_when_it_was_due() -> None:
    t = Exact(SETTINGS)
    response = t.answering()
    t.tell(2.0, ev.PlayoutStarved(response))
    assert t.tick(5.0) == [act.ReviveResponse(response)]
    assert t.due == 7.5


def test_a_voice_that_has_new_words_is_given_its_time_from_then() -> None:
    t = Exact(SETTINGS)
    response = t.answering()
    t.tell(1.0, ev.TextAwaited(response, True))
    t.tell(2.0, ev.PlayoutStarved(response))
    assert t.due == 15.0, "nothing is to be said: the model is waited for"
    t.tell(6.0, ev.TextAwaited(response, False))
    assert t.due == 7.5
    t.tell(6.5, ev.TextAwaited(response, False))
    assert t.due == 7.5, "only the first words after none begin it anew"


def test_a_model_that_shows_life_is_waited_for() -> None:
    t = Exact(SETTINGS)
    response = t.answering()
    t.tell(1.0, ev.TextAwaited(response, True))
    t.tell(2.0, ev.PlayoutStarved(response))
    t.tell(10.0, ev.ResponseProgressed(response))
    assert t.due == 25.0
    assert t.tick(25.0) == [act.ReviveResponse(response)]
    assert t.due == 40.0
    t.tell(30.0, ev.ResponseProgressed(response))
    assert t.due == 45.0


def test_a_pause_stops_the_waits_and_they_begin_anew_behind_it() -> None:
    t = Exact(SETTINGS)
    response = t.answering()
    t.tell(2.0, ev.PlayoutStarved(response))
    assert act.PausePlayout(response) in t.tell(3.0, ev.VoiceStarted("user", 3.0))
    assert t.taker.view == "BARGED_IN"
    assert t.due == 4.0, "the microphone alone is waited for"
    orders = t.tell(3.2, ev.InputCleared("user"))
    assert act.ResumePlayout(response) in orders
    assert t.due == 4.7
    assert t.taker.view == "SPEAKING"


def test_one_that_was_not_heard_before_its_pause_waits_for_its_first_frame_again() -> None:
    t = Exact(SETTINGS)
    response = t.answering(playing=False)
    t.tell(10.0, ev.VoiceStarted("user", 10.0), ev.InputCleared("user"))
    assert t.due == 40.0
    assert t.taker.view == "THINKING"
    t.tell(11.0, ev.PlayoutStarted(response))
    assert t.taker.view == "SPEAKING"


def test_a_first_frame_that_left_as_the_pause_came_is_not_forgotten() -> None:
    t = Exact(SETTINGS)
    response = t.answering(playing=False)
    t.tell(1.0, ev.VoiceStarted("user", 1.0), ev.PlayoutStarted(response))
    assert t.taker.view == "BARGED_IN"
    t.tell(1.1, ev.InputCleared("user"))
    assert t.taker.view == "SPEAKING"
    assert t.due is None


def test_a_pause_is_ordered_once_however_many_speak() -> None:
    t = Exact(SETTINGS)
    response = t.answering()
    t.tell(1.0, ev.VoiceStarted("ann", 1.0), ev.VoiceStarted("ben", 1.0))
    assert t.of(act.PausePlayout) == [act.PausePlayout(response)]


@pytest.mark.parametrize(
    "event",
    [
        ev.PlayoutStarted("gone"),
        ev.PlayoutStarved("gone"),
        ev.PlayoutFed("gone"),
        ev.ResponseProgressed("gone"),
        ev.TextAwaited("gone", True),
        ev.ResponseCompleted("gone"),
        ev.ResponseFailed("gone", "x"),
        ev.ResponseCancelled("gone"),
    ],
)
def test_news_of_a_response_that_is_over_changes_nothing(event: ev.Event) -> None:
    assert kinds(Exact(SETTINGS).tell(0, event)) == []


def test_the_waits_are_those_of_whom_it_answers() -> None:
    t = Exact(SETTINGS)
    t.tell(0.0, ev.SettingsChanged(TurnSettings(first_audio_timeout_s=3.0), "ann"), ev.ResponseRequested("ann"))
    assert t.due == 3.0


def test_its_end_is_its_last_state_and_the_turn_taker_is_told() -> None:
    t = Exact(TurnSettings(idle_timeout_s=5.0))
    record = t.taker._responses._records[t.answering()]
    t.tell(1.0, ev.VoiceStarted("user", 1.0))
    orders = t.tell(1.2, ev.ResponseCompleted(record.id))
    assert record.state is Response.ENDED
    assert kinds(orders) == ["AnnounceSpeechStarted", "EndResponse"], "who spoke over it has a turn of his own"
    assert t.tell(1.3, ev.InputCleared("user")) == [act.DiscardTurn("user", 1)], "there is nothing to resume"
