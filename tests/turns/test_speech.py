"""A turn that forms: what is asked about it and when, what is prepared, when it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from parley.turns.records import ParticipantRecord
from parley.turns.settings import Mode, TurnSettings
from tests.turns.exact import Exact, kinds, only

SCORE = ["ScoreEndOfTurn"]
MANUAL = TurnSettings(mode="manual")
BY_SILENCE = TurnSettings(mode="silence", silence_s=0.5)
ANTICIPATING = TurnSettings(anticipate=True)
QUESTION = "What time is it?"
PLAIN = "so it was with me"


def pausing(settings: TurnSettings | None = None) -> Exact:
    """Somebody spoke from second 0 to second 1."""
    t = Exact(settings)
    t.speak(0.0, 1.0)
    return t


def understood(text: str = QUESTION, settings: TurnSettings | None = None) -> Exact:
    """And is understood."""
    t = pausing(settings)
    t.hear(1.06)
    t.words(1.08, text)
    return t


def record(t: Exact, who: str = "user") -> ParticipantRecord:
    return t.taker._context.people[who]


# -- voice --------------------------------------------------------------------------------------------


def test_a_turn_begins_with_the_first_voiced_sample_and_has_the_next_number() -> None:
    t = Exact()
    assert t.tell(1.0, ev.VoiceStarted("user", 0.8)) == [act.AnnounceSpeechStarted("user", 1, 0.8)]
    t.tell(1.1, ev.InputCleared("user"))
    assert t.tell(2.0, ev.VoiceStarted("user", 1.9)) == [act.AnnounceSpeechStarted("user", 2, 1.9)]
    assert t.tell(2.1, ev.VoiceStarted("user", 2.1)) == [], "it has begun already"


def test_a_new_turn_knows_nothing_of_the_one_before() -> None:
    t = understood()
    t.tell(1.1, ev.VoiceFaded("user"), ev.Transcribed("user", 1, 0, "x", False), ev.InputCleared("user"))
    t.tell(3.0, ev.VoiceStarted("user", 3.0))
    user = record(t)
    assert (user.turn, user.revision, user.onset_s, user.last_voiced_s) == (2, 0, 3.0, 3.0)
    assert user.pause_before_s == 2.0
    assert (user.partial, user.partial_asked_s, user.prepared, user.scored_text) == ("", None, None, None)
    assert (user.transcript, user.final_asked, user.scores_asked, user.scores) == (None, None, 0, [])
    assert (user.sentence_end_probability, user.sentence_end_asked) == (None, None)
    assert not user.looked_at_fade
    assert not user.interrupted


def test_while_the_client_ends_turns_no_voice_does_anything() -> None:
    t = Exact(MANUAL)
    assert t.speak(0.0, 1.0) == []
    assert t.taker.view == "LISTENING"


def test_a_turn_that_the_client_ended_is_not_gone_on_with() -> None:
    t = pausing(replace(MANUAL, mode="semantic"))
    t.tell(1.0, ev.InputCommitted("user"))
    assert t.tell(1.1, ev.VoiceStarted("user", 1.1)) == []
    t.words(1.2, QUESTION, revision=1)
    assert only(act.AnnounceSpeechStarted, t.tell(1.3, ev.VoiceStarted("user", 1.3))) == [], "an answer is paused"
    assert record(t).turn == 2


def test_a_voice_that_goes_on_makes_old_results_stale() -> None:
    t = understood()
    orders = t.tell(1.2, ev.VoiceStarted("user", 1.15))
    assert orders == [act.EndResponse("r1", Ending.DROPPED)]
    user = record(t)
    assert (user.turn, user.revision, user.transcript, user.prepared) == (1, 1, None, None)
    t.hear(1.3)
    t.tell(1.3, ev.VoiceStopped("user", 1.3))
    t.tell(1.31, ev.EndOfTurnScored("user", 1, 0, 1.0), ev.Transcribed("user", 1, 0, QUESTION, True))
    assert (user.scores, user.transcript) == ([], None)
    assert only(act.FinalizeTranscript, t.hear(1.36)) == [act.FinalizeTranscript("user", 1, 1, 1.3)]


def test_the_last_voiced_sample_is_never_before_the_first() -> None:
    t = Exact()
    t.tell(1.0, ev.VoiceStarted("user", 1.0), ev.VoiceStopped("user", 0.5))
    assert record(t).last_voiced_s == 1.0


def test_a_voice_that_stops_twice_or_without_having_begun_is_nothing() -> None:
    t = Exact()
    assert t.tell(1.0, ev.VoiceStopped("user", 1.0)) == []
    assert t.taker.view == "LISTENING"
    t.speak(2.0, 3.0)
    t.tell(3.0, ev.VoiceStopped("user", 9.0))
    assert record(t).last_voiced_s == 3.0


@pytest.mark.parametrize(
    ("sounds", "likeness", "below_db", "why"),
    [
        (True, 0.5, None, "echo"),
        (False, 0.5, None, "echo"),
        (True, None, 20.0, "far away"),
        (False, None, 20.0, None),
        (True, 0.1, 3.0, None),
    ],
)
def test_a_voice_that_is_nobodys_is_disregarded(
    likeness: float | None, below_db: float | None, why: str | None, *, sounds: bool
) -> None:
    t = Exact()
    if sounds:
        t.answering()
    orders = t.tell(1.0, ev.VoiceStarted("user", 1.0, below_db, likeness))
    assert [order.why for order in only(act.DisregardVoice, orders)] == ([why] if why else [])
    assert t.taker.hears_voice is (why is None)
    if why:
        assert [order.participant for order in only(act.DisregardVoice, orders)] == ["user"]


def test_media_time_does_not_go_back() -> None:
    t = Exact()
    t.hear(2.0)
    t.tell(2.0, ev.VoiceStarted("user", 1.5))
    assert record(t).media_s == 2.0
    t.tell(2.1, ev.MediaAdvanced("user", 1.0))
    assert record(t).media_s == 2.0
    t.tell(2.2, ev.InputCleared("user"), ev.VoiceStarted("user", 2.5))
    assert record(t).media_s == 2.5


# -- evidence -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "asked_at"),
    [
        (TurnSettings(), {1.06: ["FinalizeTranscript"], 1.21: SCORE, 1.41: SCORE, 1.81: SCORE}),
        (TurnSettings(speculate_after_s=0.2), {1.21: ["FinalizeTranscript", *SCORE], 1.41: SCORE, 1.81: SCORE}),
        (BY_SILENCE, {1.06: ["FinalizeTranscript"]}),
    ],
)
def test_what_is_asked_about_a_pause_is_asked_once_and_in_time(
    settings: TurnSettings, asked_at: dict[float, list[str]]
) -> None:
    t = pausing(settings)
    found = {}
    for at in (1.02, 1.05, 1.06, 1.1, 1.19, 1.21, 1.39, 1.41, 1.6, 1.79, 1.81, 2.5):
        if orders := kinds(t.hear(at)):
            found[at] = orders
    assert found == asked_at


def test_questions_name_the_pause_that_they_are_about() -> None:
    t = pausing()
    assert t.hear(1.06) == [act.FinalizeTranscript("user", 1, 0, 1.0)]
    assert t.words(1.08, "So it was")[0] == act.ScoreEndOfSentence("user", 1, "So it was", urgent=True)
    assert t.hear(1.21)[0] == act.ScoreEndOfTurn("user", 1, 0)


def test_silences_that_passed_at_once_are_asked_about_once() -> None:
    assert kinds(pausing().hear(2.5)) == ["FinalizeTranscript", "ScoreEndOfTurn"]


def test_scores_count_in_their_own_pause_alone() -> None:
    t = pausing()
    for event in (ev.EndOfTurnScored("user", 2, 0, 0.1), ev.EndOfTurnScored("user", 1, 1, 0.2)):
        t.tell(1.1, event)
    t.tell(1.1, ev.EndOfTurnScored("user", 1, 0, 0.3), ev.EndOfTurnScored("user", 1, 0, 0.4))
    assert record(t).scores == [0.3, 0.4]
    t.tell(1.2, ev.InputCleared("user"), ev.VoiceStarted("user", 1.2), ev.EndOfTurnScored("user", 2, 0, 0.5))
    assert record(t).scores == [], "a voice that sounds has not ended"


def test_the_same_words_are_judged_once_and_others_anew() -> None:
    t = pausing()
    for at, text, asked in ((1.1, "So it is", 1), (1.2, "so it is.", 0), (1.3, "so it was", 1), (1.4, "So it is", 1)):
        orders = t.tell(at, ev.Transcribed("user", 1, 0, text, True))
        assert len(only(act.ScoreEndOfSentence, orders)) == asked
    assert record(t).sentence_end_asked is not None


def test_nobody_else_is_asked_about_words_whose_end_the_recogniser_has_heard() -> None:
    t = pausing()
    t.hear(1.06)
    orders = t.tell(1.1, ev.Transcribed("user", 1, 0, PLAIN, True, finished=0.99))
    assert "ScoreEndOfSentence" not in kinds(orders)
    assert record(t).evidence.heard_finished == 0.99
    assert "CommitTurn" in kinds(t.hear(1.35)), "nothing else is waited for"
    less_sure = pausing()
    less_sure.hear(1.06)
    less_sure.tell(1.1, ev.Transcribed("user", 1, 0, PLAIN, True, finished=0.1))
    assert "CommitTurn" not in kinds(less_sure.hear(1.35))


def test_what_was_heard_of_one_pause_says_nothing_of_the_next() -> None:
    t = pausing()
    t.tell(1.1, ev.Transcribed("user", 1, 0, PLAIN, True, finished=0.1), ev.VoiceStarted("user", 1.1))
    t.tell(1.5, ev.Transcribed("user", 1, 1, PLAIN, False, finished=0.9))
    assert record(t).evidence.heard_finished is None, "the voice sounds, and these words are some of it"


def test_words_that_an_answer_may_be_prepared_to_while_they_sound_are_judged_all_the_same() -> None:
    t = pausing(ANTICIPATING)
    orders = t.tell(1.1, ev.Transcribed("user", 1, 0, QUESTION, True, finished=0.9))
    assert "ScoreEndOfSentence" in kinds(orders)


@pytest.mark.parametrize("settings", [BY_SILENCE, replace(MANUAL, language="te")])
def test_words_are_not_judged_where_they_do_not_end_a_turn(settings: TurnSettings) -> None:
    t = Exact(settings)
    t.tell(0.0, ev.VoiceStarted("user", 0.0), ev.InputCommitted("user"))
    t.tell(0.2, ev.Transcribed("user", 1, 1, QUESTION, True))
    assert t.of(act.ScoreEndOfSentence) == []
    t.speak(1.0, 2.0)
    t.tell(2.1, ev.Transcribed("user", 2, 0, QUESTION, True))
    assert t.of(act.ScoreEndOfSentence) == []


def test_words_of_a_turn_that_the_client_ended_are_not_judged() -> None:
    t = pausing()
    t.tell(1.0, ev.InputCommitted("user"))
    assert "ScoreEndOfSentence" not in kinds(t.tell(1.1, ev.Transcribed("user", 1, 1, QUESTION, True)))


def test_words_over_an_answer_are_not_judged_for_their_end() -> None:
    t = Exact(TurnSettings(confirm_after_s=9))
    t.answering()
    t.speak(1.0, 1.2)
    assert "ScoreEndOfSentence" not in kinds(t.tell(1.3, ev.Transcribed("user", 1, 0, "mm-hm", False)))


@pytest.mark.parametrize(
    ("event", "counts"),
    [
        (ev.EndOfSentenceScored("user", 1, QUESTION, 0.9), True),
        (ev.EndOfSentenceScored("user", 1, "Other words", 0.9), False),
        (ev.EndOfSentenceScored("user", 2, QUESTION, 0.9), False),
    ],
)
def test_a_verdict_about_words_counts_for_these_words(event: ev.EndOfSentenceScored, *, counts: bool) -> None:
    t = pausing()
    t.tell(1.1, ev.Transcribed("user", 1, 0, QUESTION, True), event)
    user = record(t)
    assert user.sentence_end_probability == (0.9 if counts else None)
    assert (user.sentence_end_asked is None) is counts


def test_a_verdict_about_the_words_is_waited_for_but_not_long() -> None:
    t = pausing()
    t.hear(1.06)
    t.tell(1.08, ev.Transcribed("user", 1, 0, QUESTION, True))
    assert t.hear(1.09) == []
    assert t.due == 1.23
    assert kinds(t.tick(1.23)) == ["StartResponse"]


def test_a_transcript_that_comes_too_late_is_given_up_and_the_turn_is_answered() -> None:
    t = pausing()
    t.hear(1.5, live=True)
    for at in range(2, 9):
        assert only(act.CommitTurn, t.hear(at)) == []
    t.hear(8.45)
    assert t.due == 8.5, "six seconds and one for the second of speech, from when it was asked for"
    orders = t.tick(8.5)
    assert only(act.CommitTurn, orders) == [act.CommitTurn("user", 1, "", 0.0, 1.0, lost=True)]
    assert len(only(act.StartResponse, orders)) == 1


def test_a_recogniser_that_failed_says_so() -> None:
    t = pausing()
    t.hear(2.0)
    t.tell(2.0, ev.Transcribed("user", 1, 0, "", True, lost=True), ev.EndOfSentenceScored("user", 1, "", None))
    assert t.of(act.CommitTurn) == [act.CommitTurn("user", 1, "", 0.0, 1.0, lost=True)]


@pytest.mark.parametrize("pauses", [True, False])
def test_a_microphone_that_goes_silent_ends_the_turn(*, pauses: bool) -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("user", 0.0))
    t.hear(0.5)
    if pauses:
        t.tell(0.5, ev.VoiceStopped("user", 0.4))
    assert t.due == 1.5
    orders = t.tick(1.5)
    revision = 0 if pauses else 1
    assert only(act.FinalizeTranscript, orders) == ([] if pauses else [act.FinalizeTranscript("user", 1, 1, 0.5)])
    orders = t.tell(1.6, ev.Transcribed("user", 1, revision, QUESTION, True))
    last_s = 0.4 if pauses else 0.5
    assert only(act.CommitTurn, orders) == [act.CommitTurn("user", 1, QUESTION, 0.0, last_s)]


def test_a_microphone_that_goes_silent_after_a_pause_ends_what_was_said_since() -> None:
    t = pausing()
    t.tell(1.2, ev.VoiceStarted("user", 1.2))
    t.hear(1.5)
    assert only(act.FinalizeTranscript, t.tick(2.5)) == [act.FinalizeTranscript("user", 1, 2, 1.5)]


def test_a_microphone_that_comes_back_has_not_gone() -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("user", 0.0))
    t.hear(0.9)
    assert t.due == 1.9


# -- the client's word --------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [TurnSettings(), MANUAL])
def test_the_client_ends_a_turn_up_to_what_was_heard(settings: TurnSettings) -> None:
    t = Exact(settings)
    t.speak(0.0, 1.0)
    t.hear(1.3)
    t.orders.clear()
    t.tell(1.3, ev.InputCommitted("user"))
    assert t.of(act.FinalizeTranscript) == [act.FinalizeTranscript("user", 1, 1, 1.3)]
    assert t.tell(1.4, ev.InputCommitted("user")) == [], "it is ended already"
    orders = t.tell(1.5, ev.Transcribed("user", 1, 1, QUESTION, True))
    (committed,) = only(act.CommitTurn, orders)
    assert (committed.transcript, committed.ended) == (QUESTION, 1.3)
    assert len(only(act.StartResponse, orders)) == (settings.mode != "manual"), "push to talk asks for its answers"


def test_push_to_talk_begins_where_the_last_turn_ended_and_is_not_announced() -> None:
    t = Exact(MANUAL)
    t.hear(1.0)
    t.tell(1.0, ev.InputCommitted("user"))
    t.tell(1.1, ev.Transcribed("user", 1, 1, QUESTION, True))
    t.hear(2.0)
    t.tell(2.0, ev.InputCommitted("user"))
    t.tell(2.1, ev.Transcribed("user", 2, 1, QUESTION, True))
    assert [(c.started, c.ended) for c in t.of(act.CommitTurn)] == [(0.0, 1.0), (1.0, 2.0)]
    assert t.of(act.AnnounceSpeechStarted) == []


def test_what_was_prepared_is_dropped_when_the_client_ends_the_turn() -> None:
    t = understood()
    orders = t.tell(1.1, ev.InputCommitted("user"))
    assert orders[0] == act.EndResponse("r1", Ending.DROPPED)
    assert record(t).transcript is None


def test_the_client_throws_away_what_was_said() -> None:
    t = pausing()
    assert t.tell(1.1, ev.InputCleared("user")) == [act.DiscardTurn("user", 1)]
    assert t.tell(1.2, ev.InputCleared("user")) == []
    t.tell(2.0, ev.VoiceStarted("user", 2.0))
    assert t.tell(2.1, ev.InputCleared("user")) == [act.DiscardTurn("user", 2)]


# -- a turn is over -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("score", "over_s"), [(1.0, 1.2), (0.5, 1.9)])
def test_a_turn_is_over_after_the_silence_that_its_evidence_asks_for(score: float, over_s: float) -> None:
    t = understood(PLAIN)
    t.tell(1.1, ev.EndOfTurnScored("user", 1, 0, score))
    assert only(act.CommitTurn, t.hear(over_s - 0.01)) == []
    orders = t.hear(over_s + 0.01)
    assert orders[-2:] == [act.CommitTurn("user", 1, PLAIN, 0.0, 1.0), act.CommitResponse("r1")]
    assert t.taker.view == "THINKING"


def test_by_silence_alone_it_is_over_after_that() -> None:
    t = pausing(BY_SILENCE)
    t.hear(1.06)
    t.tell(1.1, ev.Transcribed("user", 1, 0, QUESTION, True))
    assert only(act.CommitTurn, t.hear(1.49)) == []
    assert len(only(act.CommitTurn, t.hear(1.5))) == 1


def test_without_its_words_it_is_not_over() -> None:
    t = pausing()
    t.tell(1.1, ev.EndOfTurnScored("user", 1, 0, 1.0))
    assert only(act.CommitTurn, t.hear(1.9)) == []


def test_patience_fades_by_half_with_every_turn() -> None:
    t = understood()
    record(t).grace_s = 0.8
    t.tell(1.1, ev.EndOfTurnScored("user", 1, 0, 1.0))
    assert only(act.CommitTurn, t.hear(1.79)) == []
    assert len(only(act.CommitTurn, t.hear(1.81))) == 1
    assert record(t).grace_s == 0.4


@pytest.mark.parametrize(("text", "answered"), [(QUESTION, True), ("you", False), ("", False), ("Stop.", True)])
def test_words_that_say_nothing_are_not_answered(text: str, *, answered: bool) -> None:
    t = understood(text)
    t.hear(3.5)
    assert [c.transcript for c in t.of(act.CommitTurn)] == [text]
    assert bool(t.of(act.StartResponse)) is answered


@pytest.mark.parametrize(
    ("language", "said", "answered"), [("en", "Stop.", False), ("te", "ఆగు", False), ("te", "Stop.", True)]
)
def test_who_hushes_an_answer_wants_none_in_its_place(language: str, said: str, *, answered: bool) -> None:
    t = Exact(TurnSettings(language=language))
    t.answering()
    t.speak(1.0, 1.5)
    t.hear(1.56)
    t.words(1.6, said)
    t.hear(4.0)
    assert [c.transcript for c in t.of(act.CommitTurn)] == [said]
    assert (len(t.of(act.StartResponse)) == 2) is answered


def test_where_answers_are_not_wanted_a_turn_is_just_over_and_nothing_is_prepared() -> None:
    t = understood(settings=TurnSettings(create_response=False))
    assert kinds(t.hear(3.5)) == ["ScoreEndOfTurn", "CommitTurn"]
    assert t.of(act.StartResponse) == []


def test_a_turn_that_is_over_before_it_was_announced_is_announced_first() -> None:
    t = Exact(TurnSettings(confirm_after_s=9.0, interrupt_response=True))
    response = t.answering()
    t.speak(1.0, 1.2)
    t.tell(1.3, ev.ResponseCompleted(response))
    assert t.of(act.AnnounceSpeechStarted) == [act.AnnounceSpeechStarted("user", 1, 1.0)]


def test_what_is_queued_is_committed_and_answered_when_the_rest_was_heard() -> None:
    t = pausing()
    t.hear(1.5, live=False)
    t.words(1.5, QUESTION)
    assert t.of(act.StartResponse) == [], "nothing is prepared for what is history"
    t.hear(2.5, live=False)
    assert len(t.of(act.CommitTurn)) == 1
    assert t.of(act.StartResponse) == []
    t.hear(2.6, live=False)
    assert t.of(act.StartResponse) == []
    (start,) = only(act.StartResponse, t.hear(2.7))
    assert (start.turn, start.transcript, start.speculative) == (1, QUESTION, False)
    assert only(act.StartResponse, t.hear(2.8)) == []


def test_queued_sound_that_goes_on_is_answered_with_its_last_turn() -> None:
    t = pausing()
    t.hear(1.5, live=False)
    t.words(1.5, QUESTION)
    t.hear(2.5, live=False)
    t.tell(2.6, ev.VoiceStarted("user", 2.6))
    assert t.hear(2.8) == [], "somebody speaks"


# -- ahead of the commit ------------------------------------------------------------------------------


@pytest.mark.parametrize(("owed_s", "from_s"), [(0.0, 1.08), (0.8, 1.3), (1.3, 1.8)])
def test_an_answer_begins_to_be_prepared_half_a_second_before_the_end_that_is_foreseen(
    owed_s: float, from_s: float
) -> None:
    t = pausing()
    t.hear(1.06)
    record(t).grace_s = owed_s
    t.words(1.08, QUESTION)
    for at in (1.1, 1.2, 1.29, 1.31, 1.5, 1.79, 1.81):
        if t.of(act.StartResponse):
            break
        assert at < from_s + 0.02
        t.hear(at)
    assert t.of(act.StartResponse)


def test_words_that_say_nothing_take_the_place_of_the_turn_that_waits_for_its_answer() -> None:
    t = Exact()
    t.tell(0.0, ev.VoiceStarted("ben", 0.0))
    for number, text in ((1, QUESTION), (2, "you")):
        t.speak(number, number + 0.2)
        turn = t.of(act.AnnounceSpeechStarted)[-1].turn
        t.hear(number + 0.3)
        t.words(number + 0.3, text, turn=turn)
        t.tell(number + 0.4, ev.EndOfTurnScored("user", turn, 0, 1.0))
        t.hear(number + 0.96)
        t.hear(number + 0.96, "ben")
    assert [c.transcript for c in t.of(act.CommitTurn)] == [QUESTION, "you"]
    (start,) = only(act.StartResponse, t.tell(2.96, ev.InputCleared("ben")))
    assert (start.turn, start.transcript) == (t.of(act.CommitTurn)[-1].turn, "you")


def test_it_is_prepared_once_and_anew_for_other_words() -> None:
    t = understood()
    t.hear(1.1)
    assert len(t.of(act.StartResponse)) == 1
    t.words(1.12, "what time is it")
    assert len(t.of(act.StartResponse)) == 1
    orders = t.words(1.14, "What time is it in Rome?")
    assert orders[0] == act.EndResponse("r1", Ending.DROPPED)
    (start,) = only(act.StartResponse, orders)
    assert (start.response, start.participant, start.turn) == ("r2", "user", 1)
    assert (start.transcript, start.speculative) == ("What time is it in Rome?", True)


def test_one_that_failed_is_not_prepared_again_before_the_commit() -> None:
    t = understood()
    t.tell(1.1, ev.ResponseFailed("r1", "broken"), ev.EndOfTurnScored("user", 1, 0, 1.0))
    orders = t.hear(1.25)
    assert [(s.response, s.speculative) for s in only(act.StartResponse, orders)] == [("r2", False)]


def test_nothing_is_prepared_for_a_turn_that_the_client_has_ended() -> None:
    t = Exact(TurnSettings())
    t.speak(0.0, 1.0)
    t.tell(1.0, ev.InputCommitted("user"))
    t.tell(1.1, ev.Transcribed("user", 1, 1, QUESTION, True))
    assert [s.speculative for s in t.of(act.StartResponse)] == [False]


@pytest.mark.parametrize(
    ("settings", "at", "live", "looks"),
    [
        (ANTICIPATING, 0.3, True, True),
        (ANTICIPATING, 0.05, True, False),  # the voice has hardly begun
        (ANTICIPATING, 0.3, False, False),
        (TurnSettings(), 0.3, True, False),
    ],
)
def test_words_are_looked_at_when_the_voice_fades(
    settings: TurnSettings, at: float, *, live: bool, looks: bool
) -> None:
    t = Exact(settings)
    t.tell(0.0, ev.VoiceStarted("user", 0.0))
    t.hear(at, live=live)
    orders = t.tell(at, ev.VoiceFaded("user"))
    assert orders == ([act.TranscribePartial("user", 1, 0, urgent=False)] if looks else [])
    assert record(t).looked_at_fade is looks


def test_words_that_were_looked_at_just_now_are_not_because_the_voice_fades() -> None:
    t = Exact(ANTICIPATING)
    t.tell(0.0, ev.VoiceStarted("user", 0.0))
    t.hear(0.3)
    t.tell(0.3, ev.VoiceFaded("user"))
    t.hear(0.39)
    assert t.tell(0.39, ev.VoiceFaded("user")) == []
    t.hear(0.41)
    assert len(t.tell(0.41, ev.VoiceFaded("user"))) == 1


def test_a_voice_that_fades_over_an_answer_or_in_a_pause_is_not_looked_at() -> None:
    t = Exact(ANTICIPATING)
    t.answering()
    t.tell(1.0, ev.VoiceStarted("user", 1.0))
    t.hear(1.2)
    assert t.tell(1.2, ev.VoiceFaded("user")) == []
    t = pausing(ANTICIPATING)
    t.hear(1.05)
    assert t.tell(1.05, ev.VoiceFaded("user")) == []


@pytest.mark.parametrize("live", [True, False])
def test_a_long_turn_is_followed(*, live: bool) -> None:
    t = Exact()
    t.tell(1.0, ev.VoiceStarted("user", 1.0))
    found = [at for at in (1.58, 1.62, 1.9, 2.2, 2.24, 2.8, 2.86) if t.hear(at, live=live)]
    assert found == ([1.62, 2.24, 2.86] if live else [])
    assert all(order == act.TranscribePartial("user", 1, 0, urgent=False) for order in t.of(act.TranscribePartial))


@pytest.mark.parametrize(
    ("settings", "ends", "faded", "prepared"),
    [
        (ANTICIPATING, 0.2, True, True),
        (ANTICIPATING, 0.19, True, False),
        (ANTICIPATING, None, True, False),
        (ANTICIPATING, 0.9, False, False),  # they may have been looked at in the middle of a word
        (TurnSettings(), 0.9, True, False),
    ],
)
def test_an_answer_to_words_that_could_be_all_is_prepared_while_the_voice_sounds(
    settings: TurnSettings, ends: float | None, *, faded: bool, prepared: bool
) -> None:
    t = Exact(settings)
    t.tell(0.0, ev.VoiceStarted("user", 0.0))
    t.hear(0.4)
    if faded:
        t.tell(0.4, ev.VoiceFaded("user"))
    t.tell(0.5, ev.Transcribed("user", 1, 0, QUESTION, False), ev.EndOfSentenceScored("user", 1, QUESTION, ends))
    assert [(s.transcript, s.speculative) for s in t.of(act.StartResponse)] == ([(QUESTION, True)] if prepared else [])
    assert [s.urgent for s in t.of(act.ScoreEndOfSentence)] == [False]


def test_no_words_so_far_are_not_judged() -> None:
    t = Exact(ANTICIPATING)
    t.tell(0.0, ev.VoiceStarted("user", 0.0), ev.Transcribed("user", 1, 0, "", False))
    assert t.of(act.ScoreEndOfSentence) == []


def test_words_so_far_that_come_in_a_pause_are_not_its_words() -> None:
    t = pausing()
    t.tell(1.1, ev.Transcribed("user", 1, 0, QUESTION, False))
    assert record(t).transcript is None
    assert record(t).partial == QUESTION
    assert t.of(act.ScoreEndOfSentence) == []


def test_who_is_anticipated_keeps_what_was_prepared_until_the_words_are_others() -> None:
    t = understood(settings=ANTICIPATING)
    assert t.tell(1.2, ev.VoiceStarted("user", 1.2)) == []
    t.hear(1.5)
    assert t.tell(1.5, ev.Transcribed("user", 1, 1, "What time is it", False)) == []
    orders = t.tell(1.6, ev.Transcribed("user", 1, 1, "What time is it in Rome", False))
    assert orders[0] == act.EndResponse("r1", Ending.DROPPED)
    assert record(t).prepared is None


# -- an answer that came too early --------------------------------------------------------------------


def answered(settings: TurnSettings | None = None) -> Exact:
    """Somebody spoke from second 0 to second 1, and at 1.6 his answer sounds."""
    t = understood("My number is five five.", settings)
    t.tell(1.25, ev.EndOfTurnScored("user", 1, 0, 1.0))
    t.hear(1.6)
    (response,) = t.taker.active_responses
    t.tell(1.6, ev.PlayoutStarted(response))
    return t


def heard_words(text: str, *, final: bool = False) -> ev.Event:
    return ev.Transcribed("user", 2, 0, text, final)


def test_who_goes_on_into_an_answer_that_came_too_early_makes_one_turn_of_both() -> None:
    t = answered()
    assert kinds(t.tell(1.9, ev.VoiceStarted("user", 1.9))) == ["PausePlayout"]
    t.hear(2.2)
    orders = t.tell(2.2, heard_words("One two three"))
    assert kinds(orders) == ["AnnounceSpeechStarted", "EndResponse", "RejoinTurn"]
    assert orders[-1] == act.RejoinTurn("user", 2, earlier=1)
    t.tell(2.5, ev.MediaAdvanced("user", 2.5), ev.VoiceStopped("user", 2.5))
    assert only(act.FinalizeTranscript, t.hear(2.6)) == [act.FinalizeTranscript("user", 2, 1, 2.5)]
    t.words(2.7, "My number is five five one two three.", turn=2, revision=1)
    t.hear(5.0)
    assert t.of(act.CommitTurn)[-1] == act.CommitTurn("user", 2, "My number is five five one two three.", 0.0, 2.5)
    assert t.of(act.RejoinTurn) == [act.RejoinTurn("user", 2, 1)], "once"


def test_words_that_are_known_only_in_the_pause_join_too_and_are_asked_for_with_those_before() -> None:
    t = answered()
    t.tell(1.9, ev.VoiceStarted("user", 1.9))
    t.tell(2.1, ev.MediaAdvanced("user", 2.1), ev.VoiceStopped("user", 2.1))
    t.hear(2.2)
    orders = t.tell(2.25, heard_words("One two three.", final=True))
    assert orders[-2:] == [act.RejoinTurn("user", 2, 1), act.FinalizeTranscript("user", 2, 1, 2.1)]
    assert record(t).transcript is None


def test_a_turn_that_was_joined_may_be_joined_again() -> None:
    t = answered()
    t.tell(1.9, ev.VoiceStarted("user", 1.9))
    t.hear(2.2)
    t.tell(2.2, heard_words("One two three"), ev.MediaAdvanced("user", 2.5), ev.VoiceStopped("user", 2.5))
    t.hear(2.6)
    t.words(2.7, "My number is five five one two three.", turn=2, revision=1)
    t.hear(4.0)
    (response,) = t.taker.active_responses
    t.tell(4.0, ev.PlayoutStarted(response), ev.VoiceStarted("user", 4.0))
    t.hear(4.3)
    t.tell(4.3, ev.Transcribed("user", 3, 0, "Four four four", False))
    assert t.of(act.RejoinTurn)[-1] == act.RejoinTurn("user", 3, earlier=2)
    assert record(t).onset_s == 0.0


@pytest.mark.parametrize(
    ("began", "said", "mode"),
    [
        (2.7, "But what of tomorrow", "semantic"),
        (1.9, "Stop.", "semantic"),
        (1.9, "One two three", "silence"),
    ],
    ids=["so late it is about the answer", "it wants silence", "silence alone decides"],
)
def test_a_turn_of_its_own_is_not_joined(began: float, said: str, mode: Mode) -> None:
    t = answered(TurnSettings(mode=mode))
    t.tell(began, ev.VoiceStarted("user", began))
    t.hear(began + 0.3)
    assert "EndResponse" in kinds(t.tell(began + 0.3, heard_words(said)))
    assert t.of(act.RejoinTurn) == []


@pytest.mark.parametrize(("heard_s", "joined"), [(None, True), (0.4, True), (0.6, False)])
def test_an_answer_of_which_next_to_nothing_was_heard_is_not_reacted_to(heard_s: float | None, *, joined: bool) -> None:
    t = understood("My number is five five.")
    t.tell(1.25, ev.EndOfTurnScored("user", 1, 0, 1.0))
    t.hear(1.6)
    (response,) = t.taker.active_responses
    if heard_s is not None:
        t.tell(3.5 - heard_s, ev.PlayoutStarted(response))
    t.tell(3.5, ev.VoiceStarted("user", 3.5))
    t.hear(3.8)
    t.tell(3.8, heard_words("One two three"))
    assert bool(t.of(act.RejoinTurn)) is joined


def test_an_answer_to_something_else_is_interrupted_not_gone_on_into() -> None:
    t = understood()
    t.hear(1.6)
    (response,) = t.taker.active_responses
    t.tell(1.6, ev.ResponseCancelled(response))
    t.answering(1.7)
    t.tell(1.9, ev.VoiceStarted("user", 1.9))
    t.hear(2.2)
    t.tell(2.2, heard_words("One two three"))
    assert t.of(act.RejoinTurn) == []


def test_a_listening_sound_between_does_not_hide_the_turn_before() -> None:
    t = answered()
    t.tell(1.7, ev.VoiceStarted("user", 1.7), ev.MediaAdvanced("user", 1.8), ev.VoiceStopped("user", 1.8))
    t.hear(1.9)
    t.tell(1.9, heard_words("Mm-hm.", final=True))
    assert t.of(act.DiscardTurn)
    t.tell(2.3, ev.VoiceStarted("user", 2.3))
    t.hear(2.6)
    t.tell(2.6, ev.Transcribed("user", 3, 0, "One two three", False))
    assert t.of(act.RejoinTurn) == [act.RejoinTurn("user", 3, earlier=1)]


@pytest.mark.parametrize(
    ("sounds", "began", "joined"),
    [
        ([], 3.0, False),
        ([2.4], 3.0, True),
        ([2.4], 4.2, False),
        ([2.4, 3.6], 4.8, False),
        ([2.9], 3.4, False),
    ],
    ids=["late", "late, but he hesitated", "too late behind that", "he does so once", "it came too late itself"],
)
def test_who_hesitates_into_an_answer_that_came_too_early_has_not_finished_yet(
    sounds: list[float], began: float, *, joined: bool
) -> None:
    t = answered()
    turn = 1
    for at in sounds:
        turn += 1
        t.tell(at, ev.VoiceStarted("user", at), ev.MediaAdvanced("user", at + 0.1), ev.VoiceStopped("user", at + 0.1))
        t.hear(at + 0.2)
        t.tell(at + 0.2, ev.Transcribed("user", turn, 0, "Um,", final=True))
        t.hear(at + 0.8)
        assert t.of(act.RejoinTurn) == [], "what was said before stays"
        assert len(t.taker.active_responses) == 1, "and its answer goes on"
    t.tell(began, ev.VoiceStarted("user", began))
    t.hear(began + 0.3)
    t.tell(began + 0.3, ev.Transcribed("user", turn + 1, 0, "One two three", False))
    assert bool(t.of(act.RejoinTurn)) is joined


def test_what_the_client_throws_away_is_gone_on_with_by_nobody() -> None:
    t = answered()
    t.tell(2.4, ev.VoiceStarted("user", 2.4), ev.MediaAdvanced("user", 2.6), ev.InputCleared("user"))
    t.tell(3.0, ev.VoiceStopped("user", 3.0), ev.VoiceStarted("user", 3.2))
    t.hear(3.5)
    t.tell(3.5, ev.Transcribed("user", 3, 0, "One two three", False))
    assert t.of(act.RejoinTurn) == []
