"""The same evidence under other settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.turns.replay import LISTENING, TURN_OVER, Decision, replay
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
@settings(max_examples=40, deadline=None)
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
