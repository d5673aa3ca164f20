"""Speech over an answer: it falls silent at once, and goes on unless somebody meant to take the floor."""

from __future__ import annotations

import pytest

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from parley.turns.settings import TurnSettings
from tests.turns.exact import Exact, kinds, only

CONFIRMED = ["AnnounceSpeechStarted", "EndResponse"]
RESUMED = ["DiscardTurn", "ResumePlayout"]


def over(settings: TurnSettings | None = None) -> tuple[Exact, str, list[act.Action]]:
    """Somebody begins to speak at second 1 into an answer that sounds."""
    t = Exact(settings)
    response = t.answering()
    return t, response, t.tell(1.0, ev.VoiceStarted("user", 1.0))


def partial(text: str) -> ev.Event:
    return ev.Transcribed("user", 1, 0, text, False)


def test_an_answer_is_paused_at_the_onset_and_nobody_is_told_yet() -> None:
    _, response, orders = over()
    assert orders == [act.PausePlayout(response)]


def test_where_nothing_sounds_the_turn_is_announced_at_once() -> None:
    assert Exact().tell(1.0, ev.VoiceStarted("user", 0.9)) == [act.AnnounceSpeechStarted("user", 1, 0.9)]


def test_it_may_be_cancelled_at_the_onset() -> None:
    t, response, orders = over(TurnSettings(cancel_at_onset=True))
    assert orders == [
        act.AnnounceSpeechStarted("user", 1, 1.0), act.EndResponse(response, Ending.CUT, "turn_detected")
    ]  # fmt: skip
    assert t.taker._context.people["user"].interrupted


def test_who_cancels_nothing_at_his_onset_has_not_interrupted() -> None:
    t = Exact(TurnSettings(cancel_at_onset=True))
    t.tell(1.0, ev.VoiceStarted("user", 1.0))
    assert not t.taker._context.people["user"].interrupted


@pytest.mark.parametrize("cancel_at_onset", [True, False])
def test_it_may_sound_on_whoever_speaks(*, cancel_at_onset: bool) -> None:
    t, response, orders = over(TurnSettings(interrupt_response=False, cancel_at_onset=cancel_at_onset))
    assert orders == [act.AnnounceSpeechStarted("user", 1, 1.0)]
    assert t.taker.active_responses == [response]
    assert not t.taker._context.people["user"].interrupted


def test_words_that_are_meant_cut_it_and_the_client_is_told_before() -> None:
    t, response, _ = over()
    t.hear(1.2)
    assert t.tell(1.2, partial("But why")) == [
        act.AnnounceSpeechStarted("user", 1, 1.0), act.EndResponse(response, Ending.CUT, "turn_detected")
    ]  # fmt: skip
    user = t.taker._context.people["user"]
    assert user.interrupted
    assert user.paused_responses == []
    assert t.taker.view == "USER_SPEAKING"


@pytest.mark.parametrize(
    ("language", "said", "confirmed"), [("en", "mm-hm", False), ("te", "సరే", False), ("te", "mm-hm", True)]
)
def test_words_so_far_are_judged_in_the_speakers_language(language: str, said: str, *, confirmed: bool) -> None:
    t, _, _ = over(TurnSettings(language=language))
    t.hear(1.2)
    assert kinds(t.tell(1.2, partial(said))) == (CONFIRMED if confirmed else [])


@pytest.mark.parametrize(
    ("language", "said", "orders"),
    [
        ("en", "mm-hm", RESUMED),
        ("en", "", RESUMED),
        ("te", "సరే", RESUMED),
        ("te", "mm-hm", CONFIRMED),
        ("en", "But why?", CONFIRMED),
    ],
)
def test_final_words_decide(language: str, said: str, orders: list[str]) -> None:
    t, _, _ = over(TurnSettings(language=language))
    t.tell(1.2, ev.MediaAdvanced("user", 1.2), ev.VoiceStopped("user", 1.2))
    t.hear(1.26)
    assert kinds(t.tell(1.3, ev.Transcribed("user", 1, 0, said, True)))[:2] == orders


def test_an_answer_that_goes_on_leaves_no_turn_behind() -> None:
    t, response, _ = over()
    t.tell(1.2, ev.MediaAdvanced("user", 1.2), ev.VoiceStopped("user", 1.2))
    t.hear(1.26)
    orders = t.tell(1.3, ev.Transcribed("user", 1, 0, "mm-hm", True))
    assert orders == [act.DiscardTurn("user", 1), act.ResumePlayout(response)]
    assert t.taker.view == "SPEAKING"
    assert t.taker._context.people["user"].paused_responses == []
    assert t.of(act.AnnounceSpeechStarted) == []


@pytest.mark.parametrize(
    ("language", "said", "confirmed_at"), [("en", "", 1.6), ("en", "mm-hm", 2.2), ("te", "", 1.6), ("te", "సరే", 2.2)]
)
def test_voice_alone_confirms_and_later_after_signs_of_listening(language: str, said: str, confirmed_at: float) -> None:
    t, _, _ = over(TurnSettings(language=language))
    t.tell(1.1, partial(said))
    assert "EndResponse" not in kinds(t.hear(confirmed_at - 0.02))
    assert kinds(t.hear(confirmed_at)) == CONFIRMED


def test_the_words_are_looked_at_once_there_is_enough_of_them_and_again_soon() -> None:
    t, _, _ = over(TurnSettings(confirm_after_s=5.0))
    assert t.hear(1.28) == []
    assert t.hear(1.3) == [act.TranscribePartial("user", 1, 0, urgent=True)]
    assert t.hear(1.48) == []
    assert t.hear(1.52) == [act.TranscribePartial("user", 1, 0, urgent=True)]


def test_once_it_is_confirmed_the_words_are_not_looked_at_in_a_hurry() -> None:
    t, _, _ = over()
    t.hear(1.3)
    assert only(act.TranscribePartial, t.hear(1.7)) == []
    assert t.hear(1.92) == [act.TranscribePartial("user", 1, 0, urgent=False)]


def test_while_it_is_judged_in_a_pause_no_words_so_far_are_asked_for() -> None:
    t, _, _ = over()
    t.tell(1.4, ev.VoiceStopped("user", 1.4))
    assert only(act.TranscribePartial, [*t.hear(1.45), *t.hear(1.7)]) == []


def test_without_a_verdict_the_answer_goes_on_a_second_after_the_voice() -> None:
    t, _, _ = over()
    t.tell(1.25, ev.MediaAdvanced("user", 1.25), ev.VoiceStopped("user", 1.25))
    assert not only(act.ResumePlayout, t.hear(2.24))
    assert kinds(t.hear(2.25)) == [*RESUMED]


def test_a_client_that_ends_a_short_sound_over_an_answer_lets_it_go_on() -> None:
    t, _, _ = over()
    assert kinds(t.tell(1.1, ev.InputCommitted("user"))) == ["FinalizeTranscript", *RESUMED]


def test_a_client_that_throws_the_sound_away_lets_it_go_on() -> None:
    t, _, _ = over()
    assert kinds(t.tell(1.1, ev.InputCleared("user"))) == RESUMED


def test_who_speaks_over_an_answer_that_ends_by_itself_has_a_turn() -> None:
    t, response, _ = over()
    assert t.tell(1.1, ev.ResponseFailed(response, "broken")) == [
        act.AnnounceSpeechStarted("user", 1, 1.0), act.EndResponse(response, Ending.FAILED, "broken")
    ]  # fmt: skip
    assert t.taker._context.people["user"].paused_responses == []
    assert t.taker.view == "USER_SPEAKING"


def test_what_two_speak_over_goes_on_when_nobody_is_judged_any_more() -> None:
    t = Exact()
    response = t.answering()
    t.tell(1.0, ev.VoiceStarted("ann", 1.0), ev.VoiceStarted("ben", 1.0))
    assert t.tell(1.1, ev.InputCleared("ann")) == [act.DiscardTurn("ann", 1)]
    assert only(act.ResumePlayout, t.tell(1.2, ev.InputCleared("ben"))) == [act.ResumePlayout(response)]


def test_what_was_prepared_for_a_turn_that_is_thrown_away_is_dropped() -> None:
    t = Exact()
    t.speak(0.0, 1.0)
    t.hear(1.06)
    t.words(1.08, "What time is it?")
    (start,) = t.of(act.StartResponse)
    assert t.tell(1.1, ev.InputCleared("user")) == [
        act.EndResponse(start.response, Ending.DROPPED), act.DiscardTurn("user", 1)
    ]  # fmt: skip
    assert t.taker.view == "LISTENING"


def test_a_hesitation_keeps_the_answer_paused_for_a_while_and_what_follows_it_counts() -> None:
    t, response, _ = over()
    t.tell(1.3, ev.MediaAdvanced("user", 1.3), ev.VoiceStopped("user", 1.3))
    t.hear(1.4)
    assert t.tell(1.45, ev.Transcribed("user", 1, 0, "Um.", True)) == []
    t.tell(1.7, ev.VoiceStarted("user", 1.7))
    assert kinds(t.hear(1.72)) == CONFIRMED, "who speaks again has been at it since the hesitation"
    assert t.taker.active_responses != [response]


def test_who_only_hesitated_lets_the_answer_go_on() -> None:
    t, _, _ = over()
    t.tell(1.3, ev.MediaAdvanced("user", 1.3), ev.VoiceStopped("user", 1.3))
    t.hear(1.4)
    t.tell(1.45, ev.Transcribed("user", 1, 0, "Um.", True))
    assert only(act.ResumePlayout, t.hear(1.78)) == []
    assert kinds(t.hear(1.8)) == RESUMED
