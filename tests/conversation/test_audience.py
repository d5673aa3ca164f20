"""Several listeners: each hears the sound by his own clock, and what one of them tells is told once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from parley.audio.pcm import FRAME_MS
from parley.conversation.audience import Audience
from parley.conversation.listener import Outlet
from parley.conversation.output.playout import Playout
from parley.models.fakes import tone
from parley.turns import events as ev
from parley.turns.ledger import HeardLedger, SpokenWord

RATE = 24000


@dataclass
class Ear:
    """A listener that plays whatever it pulls, at once."""

    outlet: Outlet
    exact: bool = False
    there: bool = True
    delay_s: float | None = None
    played_s: dict[str, float] = field(default_factory=dict)
    flushed: list[str] = field(default_factory=list)
    woken: int = 0

    def position(self, response: str) -> float:
        return self.played_s.get(response, 0.0)

    def wake(self) -> None:
        self.woken += 1

    def flush(self, response: str) -> None:
        self.flushed.append(response)

    def play(self, seconds: float) -> None:
        """So much, as far as there is any."""
        for _ in range(round(seconds * 1000 / FRAME_MS)):
            if (frame := self.outlet.playout.pull()) is not None:
                self.played_s[frame.response] = frame.end_s
                self.outlet.sent(frame.response, frame.frame, frame.end_s, 0.0)


class Room:
    """An audience and what the turn-taker hears of it."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.ledger = HeardLedger()
        self.audience = Audience(self.ledger, self.events.append)

    def join(self, name: str) -> Ear:
        nothing: Callable[..., Any] = lambda *_: None  # noqa: E731
        return self.audience.join(name, Ear, lambda: None, made_room=nothing, heard_first=nothing, broke=nothing)

    def answer(self, response: str = "r", seconds: float = 1.0) -> None:
        self.audience.append(response, tone(seconds, RATE), RATE)
        self.ledger.add_words(response, [SpokenWord(5 * n, 0.1 * n - 0.1, 0.1 * n) for n in range(1, 11)])
        self.audience.release(response)

    def of(self, kind: type[ev.Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)


def test_each_listener_hears_everything_and_the_beginning_is_told_once() -> None:
    room = Room()
    left, right = room.join("left"), room.join("right")
    room.answer()
    assert left.woken == right.woken == 1
    left.play(0.5)
    right.play(0.2)
    assert room.events == [ev.PlayoutStarted("r")]
    assert (room.audience.buffered_s("r"), room.audience.left_s("r")) == pytest.approx((0.8, 0.5))


def test_sound_that_runs_out_for_one_runs_out_and_more_of_it_is_told_once() -> None:
    room = Room()
    left, right = room.join("left"), room.join("right")
    room.answer(seconds=0.4)
    left.play(0.5)
    right.play(0.5)
    room.audience.append("r", tone(0.2, RATE), RATE)
    assert room.events[1:] == [ev.PlayoutStarved("r"), ev.PlayoutFed("r")]


def test_sound_that_ran_out_for_one_who_left_has_not_run_out_for_the_others() -> None:
    room = Room()
    left, right = room.join("left"), room.join("right")
    room.answer(seconds=0.4)
    left.play(0.5)
    right.play(0.2)
    room.audience.leave("left")
    assert room.events[1:] == [ev.PlayoutStarved("r"), ev.PlayoutFed("r")]
    right.play(0.3)
    assert room.events[3:] == [ev.PlayoutStarved("r")]


def test_an_answer_is_over_when_all_have_heard_it() -> None:
    room = Room()
    left, right = room.join("left"), room.join("right")
    room.answer()
    for ear in (left, right):
        ear.play(1.0)
        assert not room.of(ev.ResponseCompleted)
        ear.outlet.played_out("r")
    assert room.of(ev.ResponseCompleted) == 1
    assert room.ledger.all_heard("r")


def test_who_leaves_before_the_end_holds_nobody_up() -> None:
    room = Room()
    left, right = room.join("left"), room.join("right")
    room.answer()
    left.play(1.0)
    left.outlet.played_out("r")
    right.play(0.2)
    room.audience.leave("right")
    assert room.of(ev.ResponseCompleted) == 1
    assert room.ledger.all_heard("r")


def test_who_comes_later_hears_the_next_answer_and_is_not_waited_for() -> None:
    room = Room()
    left = room.join("left")
    room.answer()
    left.play(0.2)
    late = room.join("late")
    room.audience.append("r", tone(0.2, RATE), RATE)
    late.play(0.5)
    assert not late.played_s
    left.play(1.0)
    left.outlet.played_out("r")
    assert room.of(ev.ResponseCompleted) == 1
    room.audience.flush("r")
    room.answer("s")
    late.play(0.5)
    assert late.position("s") == pytest.approx(0.5)


def test_who_comes_while_an_answer_is_made_ahead_hears_it_from_its_first_sample() -> None:
    room = Room()
    left, gone = room.join("left"), room.join("gone")
    room.audience.append("r", tone(0.6, RATE), RATE)
    room.ledger.add_words("r", [SpokenWord(5, 0.0, 0.5)])
    late = room.join("late")
    recorder = Playout(lambda _: None)
    room.audience.tap(recorder)
    room.audience.leave("gone")
    room.audience.append("r", tone(0.4, RATE), RATE)
    room.audience.complete("r")
    assert room.audience.buffered_s("r") == pytest.approx(1.0)
    for ear in (left, late, gone):
        ear.play(0.2)
        assert not ear.played_s, "nobody hears it before its turn"
    room.audience.release("r")
    room.audience.release("r")
    for ear in (left, late):
        ear.play(1.0)
        assert ear.position("r") == pytest.approx(1.0)
        ear.outlet.played_out("r")
        assert room.ledger.all_heard("r") == (ear is late), "who came later counts, who left does not"
    assert recorder.buffered_s("r") == pytest.approx(1.0)
    assert room.of(ev.ResponseCompleted) == 1


def test_what_was_made_ahead_is_dropped_when_the_last_one_leaves() -> None:
    room = Room()
    room.join("left")
    room.join("right")
    room.audience.append("r", tone(0.6, RATE), RATE)
    room.audience.leave("right")
    assert not room.events
    room.audience.leave("left")
    assert room.events == [ev.ResponseCancelled("r")]


def test_who_cannot_be_reached_yet_holds_nobody_up() -> None:
    room = Room()
    left, coming = room.join("left"), room.join("coming")
    coming.there = False
    room.answer()
    assert room.audience.names == ("left",)
    left.play(1.0)
    assert room.audience.buffered_s("r") == pytest.approx(0)
    left.outlet.played_out("r")
    assert room.of(ev.ResponseCompleted) == 1
    assert room.ledger.all_heard("r")
    room.audience.flush("r")
    coming.there = True
    room.answer("s")
    coming.play(0.5)
    assert coming.position("s") == pytest.approx(0.5)


def test_an_answer_waits_for_the_first_who_comes_where_nobody_is_there() -> None:
    room = Room()
    coming = room.join("coming")
    coming.there = False
    room.answer()
    coming.there = True
    coming.play(1.0)
    coming.outlet.played_out("r")
    assert room.of(ev.ResponseCompleted) == 1


def test_a_pause_stops_all_and_each_goes_on_where_he_was() -> None:
    room = Room()
    left, right = room.join("left"), room.join("right")
    room.answer()
    left.play(0.4)
    right.play(0.2)
    room.audience.pause("r")
    for ear in (left, right):
        ear.play(0.5)
    assert (left.position("r"), right.position("r")) == pytest.approx((0.4, 0.2))
    room.audience.resume("r")
    right.play(0.2)
    assert right.position("r") == pytest.approx(0.4)


def test_of_an_answer_that_is_cut_counts_what_all_have_heard() -> None:
    room = Room()
    left, right = room.join("left"), room.join("right")
    room.answer()
    left.play(0.8)
    right.play(0.3)
    room.audience.settle("r")
    room.audience.cut("r")
    assert left.flushed == right.flushed == ["r"]
    assert room.ledger.heard_chars("r") == 15
    left.play(0.2)
    assert left.position("r") == pytest.approx(0.8), "nothing of it is left"


def test_a_name_is_taken_once() -> None:
    room = Room()
    room.join("left")
    with pytest.raises(ValueError, match="left"):
        room.join("left")


def test_nothing_is_remembered_of_an_answer_that_is_over() -> None:
    room = Room()
    room.join("left")
    room.answer()
    room.audience.flush("r")
    room.audience.pause("r")
    assert room.audience.buffered_s("r") == 0
    assert not room.audience._responses


def test_without_any_listener_an_answer_has_its_length_and_nobody_pulls() -> None:
    room = Room()
    assert room.audience.append("r", tone(1.0, RATE), RATE) == 0.0
    assert room.audience.append("r", tone(1.0, RATE), RATE) == pytest.approx(1.0)
    assert not room.events
