"""The same evidence under other settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.turns import events as ev
from parley.turns.replay import LISTENING, TURN_OVER, Decision, Recorded, replay
from parley.turns.settings import TurnSettings
from tests.turns.harness import World


def decisions(world: World, **changed: object) -> list[Decision]:
    change: Callable[[TurnSettings], TurnSettings] = lambda s: replace(s, **changed)  # type: ignore[arg-type]  # noqa: E731
    return list(replay(world.records, change))


def two_turns(pause_s: float) -> World:
    w = World(asr_s=0.03, length_s=1.0)
    w.listen(1.0, voiced=True)
    w.listen(pause_s, voiced=False)
    w.listen(1.0, voiced=True)
    w.listen(4.0, voiced=False)
    return w


@given(st.lists(st.tuples(st.floats(0.1, 2.0), st.booleans()), max_size=12))
@settings(max_examples=40)
def test_a_log_replays_as_it_was(stretches: list[tuple[float, bool]]) -> None:
    w = World(asr_s=0.05, text="yes and then")
    for seconds, voiced in stretches:
        w.listen(seconds, voiced=voiced)
    assert not [d for d in decisions(w) if d.differs or d.later_s]


def test_a_longer_wait_would_have_ended_the_same_turn_later() -> None:
    w = World(asr_s=0.03)
    w.listen(1.0, voiced=True)
    w.listen(3.0, voiced=False)
    (decision,) = decisions(w, mode="silence", silence_s=0.9)
    assert not decision.differs
    assert decision.later_s == pytest.approx(0.7, abs=0.1)


def test_a_longer_wait_would_have_let_the_user_go_on() -> None:
    first, *_ = decisions(two_turns(0.5), mode="silence", silence_s=0.9)
    assert (first.recorded, first.replayed) == (TURN_OVER, LISTENING)
    assert first.spoke_again_s == pytest.approx(0.5, abs=0.03)
    assert first.words == "What time is it?"


def test_a_shorter_wait_would_have_cut_the_user_off() -> None:
    w = World(asr_s=0.03, text="I would like the", probability=0.1, sentence=0.001)
    w.listen(1.0, voiced=True)
    w.listen(0.8, voiced=False)
    w.listen(1.0, voiced=True)
    w.listen(3.0, voiced=False)
    first, second = decisions(w, mode="silence", silence_s=0.4)
    assert (first.recorded, first.replayed) == (LISTENING, TURN_OVER)
    assert first.spoke_again_s == pytest.approx(0.8, abs=0.03)
    assert not second.differs
    assert second.later_s is not None
    assert second.later_s < 0


def test_another_rule_for_interruptions_shows_what_it_would_have_done() -> None:
    w = World(asr_s=0.03, length_s=10)
    w.listen(1.0, voiced=True)
    w.listen(1.5, voiced=False)
    w.text = "mm-hm"
    w.listen(0.3, voiced=True)
    w.listen(2.0, voiced=False)
    told = {(d.recorded, d.replayed) for d in decisions(w, cancel_at_onset=True) if d.differs}
    assert ("paused", "interrupted") in told


QUESTION = "What time is it?"


def spoken(begin: float, end: float, turn: int = 1, *, revision: int = 0, at: float = 1000.0) -> list[Recorded]:
    """A turn of so many seconds, and its words 0.1 s later."""
    return [
        Recorded(at + begin, ev.VoiceStarted("user", begin)),
        Recorded(at + end, ev.MediaAdvanced("user", end)),
        Recorded(at + end, ev.VoiceStopped("user", end)),
        Recorded(at + end + 0.1, ev.Transcribed("user", turn, revision, QUESTION, True)),
    ]


def silent(*ends: float, at: float = 1000.0) -> list[Recorded]:
    return [Recorded(at + end, ev.MediaAdvanced("user", end)) for end in ends]


SETTINGS = TurnSettings(mode="silence", silence_s=0.5, media_timeout_s=60.0)
BY_SILENCE = Recorded(1000.0, ev.SettingsChanged(SETTINGS))


def compared(*records: Recorded, **changed: object) -> list[Decision]:
    change: Callable[[TurnSettings], TurnSettings] = lambda s: replace(s, **changed)  # type: ignore[arg-type]  # noqa: E731
    return list(replay([BY_SILENCE, *records], change))


def test_nothing_recorded_is_nothing_decided() -> None:
    assert list(replay([], lambda settings: settings)) == []
    assert compared() == []


def test_a_decision_has_its_time_since_the_beginning_its_words_and_how_much_later_it_would_be() -> None:
    (decision,) = compared(*spoken(1.0, 2.0), *silent(2.4, 2.6, 2.8, 3.2), silence_s=0.75)
    assert (decision.recorded, decision.replayed, decision.words) == (TURN_OVER, TURN_OVER, QUESTION)
    assert decision.at_s == pytest.approx(2.6)
    assert decision.later_s == pytest.approx(0.2)
    assert decision.spoke_again_s is None
    assert not decision.differs
    assert (TURN_OVER, LISTENING) == ("turn over", "still listening")


def test_it_would_be_sooner() -> None:
    (decision,) = compared(*spoken(1.0, 2.0), *silent(2.4, 2.6, 2.8, 3.2), silence_s=0.3)
    assert decision.at_s == pytest.approx(2.6)
    assert decision.later_s == pytest.approx(-0.2)


def test_who_goes_on_would_have_been_cut_off_and_nobody_knows_how_much_sooner() -> None:
    first, second = compared(
        *spoken(1.0, 2.0), *silent(2.35, 2.4), *spoken(2.45, 3.0, revision=1), *silent(3.4, 3.6), silence_s=0.3
    )
    assert (first.recorded, first.replayed, first.later_s) == (LISTENING, TURN_OVER, None)
    assert first.at_s == pytest.approx(2.35)
    assert first.words == QUESTION
    assert first.spoke_again_s == pytest.approx(0.45)
    assert first.differs
    assert (second.recorded, second.replayed) == (TURN_OVER, TURN_OVER)


def test_who_went_on_after_his_turn_would_have_been_listened_to() -> None:
    first, *_ = compared(
        *spoken(1.0, 2.0), *silent(2.6), Recorded(1002.7, ev.VoiceStarted("user", 2.7)), *silent(2.9), silence_s=1.5
    )
    assert (first.recorded, first.replayed) == (TURN_OVER, LISTENING)
    assert first.spoke_again_s == pytest.approx(0.7)


def test_after_ten_seconds_without_a_decision_it_would_be_listening_still() -> None:
    ends = [2.6, *(2.6 + step for step in range(1, 15))]
    (late,) = compared(*spoken(1.0, 2.0), *silent(*ends), silence_s=9.5)
    assert (late.recorded, late.replayed) == (TURN_OVER, TURN_OVER)
    assert late.later_s == pytest.approx(9.0)
    never, *_ = compared(*spoken(1.0, 2.0), *silent(*ends), silence_s=10.5)
    assert (never.recorded, never.replayed, never.spoke_again_s) == (TURN_OVER, LISTENING, None)


@pytest.mark.parametrize(
    ("settings", "said", "decided"),
    [
        (TurnSettings(), "But why", ["paused", "interrupted"]),
        (TurnSettings(), "mm-hm", ["paused", "resumed"]),
        (TurnSettings(cancel_at_onset=True), "But why", ["interrupted"]),
        (TurnSettings(interrupt_response=False), "But why", []),
    ],
)
def test_what_becomes_of_an_answer_is_a_decision(settings: TurnSettings, said: str, decided: list[str]) -> None:
    records = [
        Recorded(1000.0, ev.SettingsChanged(settings)),
        Recorded(1000.0, ev.ResponseRequested()),
        Recorded(1000.1, ev.PlayoutStarted("r1")),
        Recorded(1001.0, ev.VoiceStarted("user", 1.0)),
        Recorded(1001.1, ev.MediaAdvanced("user", 1.1)),
        Recorded(1001.1, ev.VoiceStopped("user", 1.1)),
        Recorded(1001.2, ev.Transcribed("user", 1, 0, said, True)),
    ]
    found = list(replay(records, lambda s: s))
    assert [d.recorded for d in found] == [d.replayed for d in found] == decided
    assert all(d.later_s == 0.0 and d.words == "" for d in found)


def test_what_a_client_ends_is_no_decision_and_silence_is_one() -> None:
    idle = TurnSettings(idle_timeout_s=5.0)
    records = [
        Recorded(1000.0, ev.SettingsChanged(idle)),
        Recorded(1000.0, ev.ParticipantEntered("user")),
        Recorded(1000.0, ev.ResponseRequested()),
        Recorded(1001.0, ev.ResponseCancelled()),
        Recorded(1010.0, ev.MediaAdvanced("user", 1.0)),
    ]
    (spoke_up,) = replay(records, lambda s: s)
    assert spoke_up.recorded == "spoke up"
    assert spoke_up.at_s == pytest.approx(6.0), "when it was due, whatever came later"


def test_settings_that_change_in_between_are_changed_too() -> None:
    later = Recorded(1000.5, ev.SettingsChanged(TurnSettings(mode="silence", silence_s=1.0, media_timeout_s=60.0)))
    (decision,) = compared(later, *spoken(1.0, 2.0), *silent(2.4, 2.6, 2.8, 3.2), silence_s=0.75)
    assert decision.at_s == pytest.approx(3.2)
    assert decision.later_s == pytest.approx(-0.4)


def test_every_decision_is_judged_from_what_had_really_happened() -> None:
    unanswered = Recorded(1000.0, ev.SettingsChanged(replace(SETTINGS, create_response=False)))
    turns = [*spoken(1.0, 2.0), *silent(2.6, 2.9), *spoken(4.0, 5.0, 2), *silent(5.6, 5.9)]
    first, second = compared(unanswered, *turns, silence_s=0.8)
    assert [d.later_s for d in (first, second)] == pytest.approx([0.3, 0.3])
