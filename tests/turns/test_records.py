"""What is remembered of a person and of a response, and what follows from it alone."""

from __future__ import annotations

import pytest

from parley.turns.records import ParticipantRecord, ResponseRecord
from parley.turns.settings import TurnSettings
from parley.turns.tables import IllegalTransition, Response, Speech


def person(**more: object) -> ParticipantRecord:
    return ParticipantRecord("ann", TurnSettings(), **more)  # type: ignore[arg-type]


def response(state: Response) -> ResponseRecord:
    return ResponseRecord("r1", "assistant", "ann", 1, "Hi.", state, 5.0)


def test_nothing_is_known_of_somebody_new() -> None:
    ann = person()
    assert (ann.speech, ann.turn, ann.revision, ann.live) == (Speech.SILENT, 0, 0, True)
    assert (ann.media_s, ann.arrived, ann.onset_s, ann.last_voiced_s) == (0.0, 0.0, 0.0, 0.0)
    assert (ann.pause_before_s, ann.grace_s, ann.scores_asked, ann.partial) == (0.0, 0.0, 0, "")
    assert (ann.scores, ann.paused_responses) == ([], [])
    unknown = (ann.transcript, ann.scored_text, ann.sentence_end_probability, ann.sentence_end_asked, ann.prepared)
    assert unknown == (None,) * 5
    assert (ann.partial_asked_s, ann.final_asked) == (None, None)
    flags = (ann.lost, ann.looked_at_fade, ann.has_own_settings, ann.announced, ann.interrupted, ann.reply_due)
    assert not any(flag or flag is None for flag in flags)


@pytest.mark.parametrize(("speech", "holds"), [(speech, speech is not Speech.SILENT) for speech in Speech])
def test_who_speaks_or_pauses_holds_the_floor(speech: Speech, *, holds: bool) -> None:
    ann = person(speech=speech, turn=2, revision=3)
    assert ann.holds_floor is holds
    assert ann.is_current(2, 3) is holds
    assert not ann.is_current(1, 3)
    assert not ann.is_current(2, 2)


@pytest.mark.parametrize(
    ("settings", "anticipates"),
    [
        (TurnSettings(), False),
        (TurnSettings(anticipate=True), True),
        (TurnSettings(anticipate=True, mode="silence"), False),
        (TurnSettings(mode="silence"), False),
    ],
)
def test_answers_are_anticipated_where_that_is_wanted_and_all_evidence_counts(
    settings: TurnSettings, *, anticipates: bool
) -> None:
    assert ParticipantRecord("ann", settings).anticipates is anticipates


@pytest.mark.parametrize(
    ("speech", "onset_s", "last_voiced_s", "media_s", "voiced_s", "silence_s"),
    [
        (Speech.SPEAKING, 1.0, 1.0, 3.0, 2.0, 2.0),
        (Speech.PAUSING, 1.0, 2.5, 3.0, 1.5, 0.5),
        (Speech.PAUSING, 3.0, 2.0, 1.5, 0.0, 0.0),
        (Speech.SPEAKING, 3.0, 2.0, 1.5, 0.0, 0.0),
    ],
)
def test_voice_and_silence_are_told_from_media_time(
    speech: Speech, onset_s: float, last_voiced_s: float, media_s: float, voiced_s: float, silence_s: float
) -> None:
    ann = person(speech=speech, onset_s=onset_s, last_voiced_s=last_voiced_s, media_s=media_s)
    assert ann.voiced_s == voiced_s
    assert ann.silence_s == silence_s


def test_the_evidence_is_the_last_of_the_scores_and_what_else_is_known() -> None:
    ann = person(transcript="So.", sentence_end_probability=0.3, grace_s=0.4)
    assert ann.evidence.probability is None
    ann.scores = [0.2, 0.6, 0.7]
    assert ann.evidence.probability == 0.7
    assert (ann.evidence.transcript, ann.evidence.sentence_end_probability) == ("So.", 0.3)
    assert ann.evidence.grace_s == 0.4


def test_a_pause_is_forgotten_with_all_that_was_asked_about_it() -> None:
    ann = person(scores=[0.5], transcript="So.", lost=True, final_asked=3.0, scores_asked=2)
    ann.forget_pause()
    assert (ann.scores, ann.transcript, ann.lost, ann.final_asked, ann.scores_asked) == ([], None, False, None, 0)


@pytest.mark.parametrize(("owed_s", "grace_s"), [(0.0, 0.7), (1.2, 1.2)])
def test_who_cuts_an_answer_off_soon_is_owed_his_pause_at_least(owed_s: float, grace_s: float) -> None:
    ann = person(pause_before_s=0.5, grace_s=owed_s)
    ann.interrupt()
    assert ann.interrupted is True
    assert ann.grace_s == pytest.approx(grace_s)


def test_states_move_by_the_tables_alone() -> None:
    ann = person()
    ann.step("voice started")
    assert ann.speech is Speech.SPEAKING
    with pytest.raises(IllegalTransition):
        ann.step("turn committed")
    begun = response(Response.COMMITTED)
    begun.step("first frame")
    assert begun.state is Response.PLAYING


@pytest.mark.parametrize(
    ("state", "active"),
    [
        (Response.SPECULATIVE, False),
        (Response.COMMITTED, True),
        (Response.PLAYING, True),
        (Response.PAUSED, True),
        (Response.ENDED, False),
    ],
)
def test_a_response_is_active_from_its_commit_to_its_end(state: Response, *, active: bool) -> None:
    assert response(state).active is active


def test_nothing_is_known_of_a_new_response() -> None:
    new = response(Response.COMMITTED)
    assert (new.progressed_at, new.voice_since, new.revivals) == (0.0, 0.0, 0)
    assert (new.heard_since, new.awaits_text) == (None, False)
    assert (new.starved_since, new.revived_at) == (None, None)
