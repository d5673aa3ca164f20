"""The turn-taker in single situations and in thousands of generated conversations."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from parley.turns.policies.busy_machine import Load
from parley.turns.settings import TurnSettings
from tests.turns.exact import Exact, kinds, only
from tests.turns.harness import World

ANTICIPATING = TurnSettings(anticipate=True)


def endings(world: World) -> list[Ending]:
    return [e.ending for _, e in world.ended]


def test_a_clear_question_is_committed_after_little_more_than_the_shortest_wait() -> None:
    w = World(asr_s=0.03)
    w.listen(1.0, voiced=True)
    w.listen(0.3, voiced=False)
    assert len(w.of(act.CommitTurn)) == 1
    assert [a.speculative for a in w.of(act.StartResponse)] == [True]
    assert len(w.of(act.CommitResponse)) == 1


def test_an_unfinished_sentence_is_given_time() -> None:
    w = World(text="I would like the", probability=0.1, sentence=0.001)
    w.listen(1.0, voiced=True)
    w.listen(1.2, voiced=False)
    assert not w.of(act.CommitTurn)
    w.listen(1.0, voiced=False)
    assert len(w.of(act.CommitTurn)) == 1


def test_words_that_cannot_end_a_sentence_are_given_time_however_final_they_sound() -> None:
    w = World(text="Thunderstorms in the mountains could.", probability=0.98, sentence=0.001)
    w.listen(1.0, voiced=True)
    w.listen(0.85, voiced=False)
    assert not w.of(act.CommitTurn)
    w.listen(0.15, voiced=False)
    assert len(w.of(act.CommitTurn)) == 1


def test_a_verdict_about_the_words_that_never_comes_holds_nobody_up() -> None:
    w = World(silent_sentence_model=True)
    w.listen(1.0, voiced=True)
    w.listen(0.6, voiced=False)
    assert len(w.of(act.CommitTurn)) == 1


@pytest.mark.parametrize(
    ("text", "answers"), [("Stop.", 1), ("Wait, please!", 1), ("Stop the music in the kitchen.", 2)]
)
def test_a_word_that_asks_for_silence_is_not_answered(text: str, answers: int) -> None:
    w = World(asr_s=0.03, length_s=10)
    w.listen(1.0, voiced=True)
    w.listen(1.5, voiced=False)
    w.text = text
    w.listen(0.7, voiced=True)
    w.listen(2.0, voiced=False)
    assert endings(w)[0] is Ending.CUT
    assert len(w.of(act.CommitTurn)) == 2
    assert len(w.of(act.StartResponse)) == answers


@pytest.mark.parametrize(("answer_heard_s", "turns"), [(0.3, 2), (3.0, 3)])
def test_a_speaker_who_was_answered_too_early_is_given_his_pause_the_next_time(
    answer_heard_s: float, turns: int
) -> None:
    w = World(asr_s=0.03, length_s=10, text="And so my fellow Americans.")
    w.listen(1.0, voiced=True)
    w.listen(0.4 + answer_heard_s, voiced=False)
    w.text = "Ask not what your country can do."
    w.listen(1.0, voiced=True)
    w.listen(0.7, voiced=False)
    w.listen(1.0, voiced=True)
    w.listen(2.0, voiced=False)
    assert len(w.of(act.CommitTurn)) == turns


def test_patience_fades_once_it_was_not_needed() -> None:
    w = World(asr_s=0.03, length_s=1.0, text="And so my fellow Americans.")
    w.listen(1.0, voiced=True)
    waits = []
    for silence_s in (0.5, 4.0, 4.0, 4.0, 4.0):
        w.listen(silence_s, voiced=False)
        w.listen(1.0, voiced=True)
        waits.append(w.taker._context.people["user"].grace_s)
    assert waits[0] > waits[1] > waits[2] > waits[3]


def test_going_on_with_other_words_drops_the_speculation_before_anything_left() -> None:
    w = World(ANTICIPATING, asr_s=0.03, probability=0.5, sentence=0.5, text="tell me about it")
    w.listen(1.0, voiced=True)
    w.listen(0.3, voiced=False)
    w.text = "tell me about it when"
    w.listen(0.5, voiced=True)
    assert endings(w) == [Ending.DROPPED]
    assert not w.of(act.CommitTurn)


def test_without_anticipation_going_on_drops_the_speculation_whatever_the_words() -> None:
    w = World(asr_s=0.03, probability=0.5, sentence=0.5, text="tell me about it")
    w.listen(1.0, voiced=True)
    w.fade()
    assert not w.of(act.StartResponse)
    w.listen(0.3, voiced=False)
    w.send(ev.VoiceStarted("user", w.media))
    assert endings(w) == [Ending.DROPPED]


def test_an_answer_to_words_that_could_be_all_is_prepared_while_the_voice_sounds() -> None:
    w = World(ANTICIPATING, asr_s=0.05)
    w.listen(1.0, voiced=True)
    assert not w.of(act.StartResponse), "in the middle of a word everything may be understood"
    w.fade()
    assert [(a.speculative, a.transcript) for a in w.of(act.StartResponse)] == [(True, w.text)]
    assert not w.of(act.CommitTurn)
    w.text = "what time is it"
    w.listen(0.3, voiced=False)
    assert [a.response for a in w.of(act.CommitResponse)] == [w.of(act.StartResponse)[0].response]
    assert len(w.of(act.StartResponse)) == len(w.of(act.ScoreEndOfSentence)) == 1


def test_an_answer_that_fails_while_the_voice_sounds_is_tried_again_at_the_commit_alone() -> None:
    w = World(ANTICIPATING, asr_s=0.05)
    w.listen(1.0, voiced=True)
    w.fade()
    w.send(ev.ResponseFailed(w.of(act.StartResponse)[0].response, "made to"))
    w.listen(1.0, voiced=True)
    w.fade()
    assert len(w.of(act.StartResponse)) == 1
    w.listen(0.5, voiced=False)
    assert [a.speculative for a in w.of(act.StartResponse)] == [True, False]


def test_nothing_is_prepared_for_words_that_cannot_be_all() -> None:
    w = World(ANTICIPATING, asr_s=0.05, text="What time is", sentence=0.001)
    w.listen(1.0, voiced=True)
    w.fade()
    assert w.of(act.ScoreEndOfSentence)
    assert not w.of(act.StartResponse)


def test_an_answer_that_was_prepared_for_other_words_is_never_given() -> None:
    w = World(ANTICIPATING, asr_s=0.05, text="Turn on the light.")
    w.listen(1.0, voiced=True)
    w.fade()
    assert w.of(act.StartResponse)
    w.text = "Turn on the light in the kitchen."
    w.listen(0.5, voiced=False)
    (committed,) = w.of(act.CommitResponse)
    said = {a.response: a.transcript for a in w.of(act.StartResponse)}
    assert said[committed.response] == w.text
    assert endings(w)[0] is Ending.DROPPED


def test_a_verdict_about_other_words_does_not_count() -> None:
    w = World(ANTICIPATING, asr_s=0.05, silent_sentence_model=True)
    w.listen(1.0, voiced=True)
    w.fade()
    w.send(ev.EndOfSentenceScored("user", 1, "What time", 0.9))
    w.listen(0.04, voiced=True)
    assert not w.of(act.StartResponse)
    w.send(ev.EndOfSentenceScored("user", 1, w.text, 0.9))
    assert len(w.of(act.StartResponse)) == 1


def test_what_was_asked_about_a_pause_is_not_awaited_once_the_voice_goes_on() -> None:
    w = World(asr_s=0.5)
    w.listen(1.0, voiced=True)
    w.listen(0.2, voiced=False)
    asked: list[act.Question] = [*w.of(act.FinalizeTranscript), *w.of(act.ScoreEndOfTurn)]
    assert len(asked) == 2
    assert all(w.taker.awaited.awaits(order) for order in asked)
    w.listen(0.04, voiced=True)
    assert not any(w.taker.awaited.awaits(order) for order in asked)


def test_a_verdict_is_not_awaited_once_other_words_were_understood() -> None:
    w = World(asr_s=0.03, silent_sentence_model=True)
    w.listen(1.0, voiced=True)
    w.listen(0.12, voiced=False)
    (asked,) = w.of(act.ScoreEndOfSentence)
    assert w.taker.awaited.awaits(asked)
    w.text = "What time is it in Rome?"
    w.listen(0.7, voiced=True)
    assert not w.taker.awaited.awaits(asked)


def test_results_of_an_older_pause_are_ignored() -> None:
    w = World(asr_s=0.5)
    w.listen(1.0, voiced=True)
    w.listen(0.2, voiced=False)
    w.listen(0.2, voiced=True)
    w.listen(0.32, voiced=False)
    assert not w.of(act.CommitTurn)


def test_speech_over_an_unheard_answer_takes_the_turn_back() -> None:
    w = World(answer_s=1.0)
    w.listen(1.0, voiced=True)
    w.listen(0.5, voiced=False)
    w.listen(1.0, voiced=True)
    assert endings(w)[-1] is Ending.CUT
    w.listen(3.5, voiced=False)
    assert len(w.of(act.CommitTurn)) == 2
    assert endings(w)[-1] is Ending.FINISHED


def test_a_pause_is_ordered_at_the_onset_itself() -> None:
    w = World(length_s=10)
    w.listen(1.0, voiced=True)
    w.listen(1.5, voiced=False)
    w.send(ev.VoiceStarted("user", w.media))
    assert isinstance(w.actions[-1], act.PausePlayout)


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        ({}, None),
        ({"below_own_db": 11.0, "echo_likeness": 0.4}, None),
        ({"below_own_db": 13.0}, "far away"),
        ({"echo_likeness": 0.5}, "echo"),
        ({"echo_likeness": 0.5, "usual_likeness": 0.9}, None),
        ({"below_own_db": 13.0, "echo_likeness": 0.5}, "echo"),
    ],
)
def test_a_voice_over_an_answer_that_is_its_echo_or_far_away_is_disregarded(
    evidence: dict[str, float], why: str | None
) -> None:
    w = World(length_s=10)
    w.listen(1.0, voiced=True)
    w.listen(1.5, voiced=False)
    w.send(ev.VoiceStarted("user", w.media, **evidence))
    assert [a.why for a in w.of(act.DisregardVoice)] == ([why] if why else [])
    assert bool(w.of(act.PausePlayout)) is (why is None)
    assert len(w.of(act.AnnounceSpeechStarted)) == 1


@pytest.mark.parametrize(("text", "again"), [("Say that again.", True), ("Say that again in French.", False)])
def test_who_only_wants_the_last_answer_again_is_given_that(text: str, *, again: bool) -> None:
    w = World(text=text, asr_s=0.03)
    w.listen(1.0, voiced=True)
    w.listen(1.0, voiced=False)
    assert [a.again for a in w.of(act.StartResponse)] == [again]
    w.send(ev.ResponseRequested())
    w.wait(4.0)
    assert w.of(act.StartResponse)[-1].again is False, "a request answers no turn"


def test_a_quiet_voice_counts_where_nothing_sounds() -> None:
    w = World()
    w.send(ev.VoiceStarted("user", 0.0, below_own_db=30.0))
    assert not w.of(act.DisregardVoice)
    assert w.taker.view == "USER_SPEAKING"


def test_a_paused_answer_never_waits_longer_than_a_second_after_the_voice() -> None:
    w = World(length_s=10, asr_s=30.0)
    w.due.clear()
    w.send(ev.ResponseRequested())
    w.wait(1.0)
    w.listen(0.2, voiced=True)
    w.listen(0.98, voiced=False)
    assert not w.of(act.ResumePlayout)
    w.listen(0.06, voiced=False)
    assert len(w.of(act.ResumePlayout)) == 1


def test_a_microphone_that_stops_closes_the_turn() -> None:
    w = World()
    w.listen(1.0, voiced=True)
    w.wait(0.9)
    assert not w.of(act.CommitTurn)
    w.wait(0.4)
    assert len(w.of(act.CommitTurn)) == 1


def test_starvation_while_playing_is_answered_by_a_new_beginning_and_then_by_failure() -> None:
    w = World(length_s=100)
    w.send(ev.ResponseRequested())
    w.wait(1.0)
    w.send(ev.PlayoutStarved("r1"))
    w.wait(1.4)
    assert not w.of(act.ReviveResponse)
    w.wait(0.2)
    assert len(w.of(act.ReviveResponse)) == 1
    w.wait(3.8)
    assert not w.ended
    w.wait(0.2)
    assert endings(w) == [Ending.FAILED]


def test_a_response_is_not_revived_for_ever() -> None:
    w = World(length_s=100)
    w.send(ev.ResponseRequested())
    w.wait(1.0)
    for _ in range(3):
        w.send(ev.PlayoutStarved("r1"))
        w.wait(1.6)
        w.send(ev.PlayoutFed("r1"))
    assert len(w.of(act.ReviveResponse)) == 2
    assert endings(w) == [Ending.FAILED]


def test_without_interruption_the_answer_plays_on_and_the_next_waits_for_the_floor() -> None:
    w = World(settings=TurnSettings(interrupt_response=False), length_s=3)
    w.send(ev.ResponseRequested())
    w.wait(0.5)
    w.listen(0.5, voiced=True)
    w.listen(0.6, voiced=False)
    assert not w.of(act.PausePlayout)
    w.listen(6.0, voiced=False)
    assert endings(w) == [Ending.FINISHED, Ending.FINISHED]


EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "80"))
"""Generated conversations; `just accept` asks for thousands."""

moves = st.one_of(
    st.tuples(st.just("voice"), st.floats(0.04, 1.5)),
    st.tuples(st.just("silence"), st.floats(0.04, 2.5)),
    st.tuples(st.just("gap"), st.floats(0.1, 2.0)),
    st.tuples(
        st.sampled_from(["request", "cancel", "commit", "clear", "starve", "fail", "fade", "manual", "semantic"]),
        st.just(0.0),
    ),
)
texts = st.sampled_from(["What time is it?", "mm-hm", "", "and", "stop that now", "you"])


@settings(max_examples=EXAMPLES)
@given(
    st.lists(st.tuples(moves, texts, st.floats(0, 1)), min_size=1, max_size=25),
    st.floats(0.02, 0.6),
    st.floats(0.05, 1.0),
    st.sampled_from(
        [
            TurnSettings(),
            TurnSettings(mode="silence", cancel_at_onset=True),
            TurnSettings(interrupt_response=False),
            TurnSettings(create_response=False),
            TurnSettings(eagerness="high"),
            TurnSettings(anticipate=True),
        ]
    ),
)
def test_whatever_happens_the_invariants_hold(
    script: list[tuple[tuple[str, float], str, float]], asr_s: float, answer_s: float, turns: TurnSettings
) -> None:
    w = World(settings=turns, asr_s=asr_s, answer_s=answer_s)
    for (kind, seconds), text, probability in script:
        w.text, w.probability = text, probability
        act_out(w, kind, seconds)
    w.listen(0.04, voiced=False)
    w.send(ev.SettingsChanged(turns))
    for _ in range(4):
        w.listen(9.0, voiced=False)
    started = {a.response for a in w.of(act.StartResponse)}
    assert sorted(r for r, _ in w.ended) == sorted(started), "every response ends exactly once"
    assert w.played_while_floor_held == 0, "nothing plays while the user holds the floor"
    assert w.taker.view == "LISTENING"


def act_out(w: World, kind: str, seconds: float) -> None:
    running = [r for r, s in w.state.items() if s in ("playing", "committed", "ready", "paused")]
    match kind:
        case "voice" | "silence":
            w.listen(seconds, voiced=kind == "voice")
        case "gap":
            w.wait(seconds)
        case "request":
            w.send(ev.ResponseRequested())
        case "cancel":
            w.send(ev.ResponseCancelled())
        case "commit":
            w.send(ev.InputCommitted("user"))
        case "clear":
            w.send(ev.InputCleared("user"))
        case "fade":
            w.send(ev.VoiceFaded("user"))
        case "starve" if running:
            w.send(ev.PlayoutStarved(running[0]))
        case "fail" if running:
            w.send(ev.ResponseFailed(running[0], "made to"))
        case "manual":
            w.send(ev.SettingsChanged(TurnSettings(mode="manual")))
        case "semantic":
            w.send(ev.SettingsChanged(w.settings))
        case _:
            pass


@pytest.mark.parametrize(
    ("turn_s", "asr_s", "lost"), [(1.0, 5.0, False), (1.0, 8.0, True), (60.0, 50.0, False), (60.0, 70.0, True)]
)
def test_the_words_of_a_long_turn_are_waited_for_as_long_as_it_takes(turn_s: float, asr_s: float, lost: bool) -> None:
    w = World(settings=TurnSettings(mode="manual"), asr_s=asr_s)
    w.listen(turn_s, voiced=True)
    w.send(ev.InputCommitted("user"))
    for _ in range(80):
        w.wait(1.0)
    (turn,) = w.of(act.CommitTurn)
    assert turn.lost is lost
    assert (turn.transcript == "") is lost


def test_a_turn_whose_words_are_lost_is_answered_so_that_the_user_knows() -> None:
    w = World(asr_s=100.0)
    w.listen(1.0, voiced=True)
    w.listen(20.0, voiced=False)
    assert [t.lost for t in w.of(act.CommitTurn)] == [True]
    assert len(w.of(act.StartResponse)) == 1


@pytest.mark.parametrize(("load", "looks"), [("free", 4), ("others speak", 2), ("others wait", 0)])
def test_where_others_speak_words_that_nobody_waits_for_are_looked_at_less_often(load: Load, looks: int) -> None:
    w = World(ANTICIPATING, asr_s=0.03, load=load)
    for _ in range(4):
        w.listen(ANTICIPATING.follow_every_s / 2, voiced=True)
        w.send(ev.VoiceFaded("user"))
    assert len([a for a in w.of(act.TranscribePartial) if not a.urgent]) == looks


def test_a_machine_that_is_busy_still_looks_at_what_a_decision_waits_for() -> None:
    w = World(asr_s=0.03, length_s=10, load="others wait")
    w.listen(1.0, voiced=True)
    w.listen(2.0, voiced=False)
    w.listen(0.5, voiced=True)
    assert [a for a in w.of(act.TranscribePartial) if a.urgent]
    assert w.of(act.CommitTurn)


# -- exact rules --------------------------------------------------------------------------------------


def test_time_does_not_go_back() -> None:
    t = Exact()
    t.tell(5.0, ev.ResponseRequested())
    t.tell(1.0, ev.Tick())
    assert t.due == 35.0
    t.tell(1.0, ev.ResponseProgressed("r1"))
    assert t.due == 35.0, "it is the fifth second still"


def test_whoever_pauses_awaits_a_verdict_and_whoever_speaks_is_heard() -> None:
    t = Exact()
    assert (t.taker.awaits_verdict, t.taker.hears_voice) == (False, False)
    t.tell(0.0, ev.VoiceStarted("ann", 0.0))
    assert (t.taker.awaits_verdict, t.taker.hears_voice) == (False, True)
    t.tell(0.1, ev.VoiceStarted("ben", 0.0), ev.VoiceStopped("ann", 0.1))
    assert (t.taker.awaits_verdict, t.taker.hears_voice) == (True, True)
    t.tell(0.2, ev.VoiceStopped("ben", 0.2), ev.InputCleared("ann"))
    assert (t.taker.awaits_verdict, t.taker.hears_voice) == (True, False)


def awaits(t: Exact, turn: int, revision: int, who: str = "user") -> bool:
    return t.taker.awaited.awaits(act.ScoreEndOfTurn(who, turn, revision))


def test_answers_are_awaited_about_the_turn_and_pause_that_is_running() -> None:
    t = Exact()
    assert not awaits(t, 0, 0), "nobody has come"
    t.speak(0.0, 1.0)
    assert awaits(t, 1, 0)
    assert not awaits(t, 2, 0)
    assert not awaits(t, 1, 1)
    assert not awaits(t, 1, 0, "ann")
    t.tell(1.1, ev.InputCleared("user"))
    assert not awaits(t, 1, 0), "the turn is over"


def test_a_verdict_about_words_is_awaited_for_these_words() -> None:
    t = Exact()
    t.speak(0.0, 1.0)
    t.tell(1.1, ev.Transcribed("user", 1, 0, "So it is", True))
    assert t.taker.awaited.awaits(act.ScoreEndOfSentence("user", 1, "So it is", urgent=False))
    assert not t.taker.awaited.awaits(act.ScoreEndOfSentence("user", 1, "So it was", urgent=True))
    assert not t.taker.awaited.awaits(act.ScoreEndOfSentence("user", 2, "So it is", urgent=True))


def test_what_is_awaited_is_of_the_last_event_and_does_not_change() -> None:
    t = Exact()
    before = t.taker.awaited
    t.speak(0.0, 1.0)
    assert not before.awaits(act.ScoreEndOfTurn("user", 1, 0))
    assert t.taker.awaited is not before


SILENCE = TurnSettings(mode="silence", silence_s=0.3)
MANUAL = TurnSettings(mode="manual")


def test_settings_are_everybodys_and_of_those_who_come_later() -> None:
    t = Exact()
    t.hear(0.0, "ann")
    t.tell(0.0, ev.SettingsChanged(SILENCE))
    t.hear(0.0, "ben")
    assert [p.settings for p in t.taker._context.people.values()] == [SILENCE, SILENCE]


def test_or_of_one_person_alone() -> None:
    t = Exact()
    t.hear(0.0, "ann")
    t.tell(0.0, ev.SettingsChanged(SILENCE, "ben"))
    t.hear(0.0, "cem")
    assert {p.name: p.settings.mode for p in t.taker._context.people.values()} == {
        "ann": "semantic", "ben": "silence", "cem": "semantic"
    }  # fmt: skip


def test_who_takes_over_the_ends_of_turns_throws_away_the_one_that_forms() -> None:
    t = Exact()
    t.speak(0.0, 1.0, "ann")
    t.hear(1.0, "ben")
    assert t.tell(1.1, ev.SettingsChanged(SILENCE)) == []
    assert t.tell(1.2, ev.SettingsChanged(MANUAL)) == [act.DiscardTurn("ann", 1)]


def test_but_not_one_that_he_has_ended() -> None:
    t = Exact()
    t.speak(0.0, 1.0)
    t.tell(1.0, ev.InputCommitted("user"))
    assert t.tell(1.1, ev.SettingsChanged(MANUAL)) == []
    assert t.taker.awaits_verdict


def test_settings_of_everybody_are_changed_without_consequence_for_a_replay() -> None:
    t = Exact()
    t.speak(0.0, 1.0)
    t.taker.adjust(lambda settings: replace(settings, language="te"))
    assert t.taker._context.settings.language == "te"
    assert t.taker._context.people["user"].settings == TurnSettings(language="te")
    assert t.taker.hears_voice is False
    assert t.taker.awaits_verdict


@pytest.mark.parametrize(("share", "due"), [(0.5, 8.5), (1.0, 9.5), (0.0, 7.5)])
def test_long_turns_are_given_longer_for_their_words(share: float, due: float) -> None:
    t = Exact(TurnSettings(transcript_share=share, media_timeout_s=60.0))
    t.speak(0.0, 2.0)
    t.tell(1.5, ev.MediaAdvanced("user", 2.5))
    assert t.due == round(2.0 + due - 1.5, 6)


@pytest.mark.parametrize(("ended_at", "due"), [(2.0, 7.0), (3.0, 8.0)])
def test_silence_begins_when_the_last_response_has_ended(ended_at: float, due: float) -> None:
    t = Exact(TurnSettings(idle_timeout_s=5.0))
    t.tell(0.0, ev.ParticipantEntered("ann"), ev.ResponseRequested("ann"))
    assert t.due == 30.0
    t.tell(ended_at, ev.ResponseFailed("r1", "broken"))
    assert t.due == due
    assert kinds(t.tick(due)) == ["AnnounceIdle", "StartResponse"]


def test_a_response_that_ends_leaves_who_spoke_over_it_his_turn() -> None:
    t = Exact()
    response = t.answering()
    t.tell(1.0, ev.VoiceStarted("user", 1.0))
    assert only(act.AnnounceSpeechStarted, t.tell(1.1, ev.ResponseCompleted(response)))


def test_all_that_waits_is_cancelled_with_everything_and_not_with_one() -> None:
    for cancelled, begins in ((ev.ResponseCancelled(), 0), (ev.ResponseCancelled("r9"), 1)):
        t = Exact()
        t.tell(0.0, ev.VoiceStarted("ann", 0.0), ev.ResponseRequested("ben"), cancelled)
        assert len(only(act.StartResponse, t.tell(0.1, ev.InputCleared("ann")))) == begins


def test_nothing_is_due_where_nothing_is_awaited() -> None:
    assert Exact().due is None


def test_a_response_is_cancelled_by_its_name() -> None:
    t = Exact()
    response = t.answering()
    assert t.tell(1.0, ev.ResponseCancelled(response)) == [act.EndResponse(response, Ending.CUT, "client_cancelled")]


def test_one_word_says_who_does_what() -> None:
    t = Exact()
    views = [t.taker.view]
    response = t.answering(playing=False)
    views.append(t.taker.view)
    t.tell(0.1, ev.PlayoutStarted(response))
    views.append(t.taker.view)
    t.tell(1.0, ev.VoiceStarted("user", 1.0))
    views.append(t.taker.view)
    t.tell(1.1, ev.ResponseCancelled())
    views.append(t.taker.view)
    assert views == ["LISTENING", "THINKING", "SPEAKING", "BARGED_IN", "USER_SPEAKING"]
