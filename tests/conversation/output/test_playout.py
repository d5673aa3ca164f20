"""No frame is played twice or skipped, whatever the order of events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.audio.pcm import Int16
from parley.conversation.output.playout import Playout, PlayoutFrame
from parley.turns import events as ev

RATE = 22050

moves = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 3000)),
    st.tuples(st.sampled_from(["pull", "pull", "pull", "pause", "resume", "release", "complete"]), st.just(0)),
)


@given(st.lists(moves, max_size=80))
def test_every_sample_comes_once_in_order_and_never_while_held(script: list[tuple[str, int]]) -> None:
    events: list[ev.Event] = []
    playout = Playout(events.append)
    appended = 0
    pulled: list[int] = []
    released = paused = complete = False
    fades = 0
    for kind, size in script:
        if kind == "append" and not complete:
            playout.append("r", np.arange(appended, appended + size).astype(np.int16), RATE)
            appended += size
        elif kind == "pull":
            frame = playout.pull()
            if frame is not None:
                assert released
                assert not paused
                assert abs(frame.start_s - len(pulled) / RATE) < 1e-6 or frame.start_s == appended / RATE
                assert len(frame.frame.samples) == 441 or not playout.buffered_s("r") > 1e-9
                pulled += [0] * len(frame.frame.samples)
        elif kind == "pause":
            playout.pause("r")
            paused = paused or "r" in playout._tracks
        elif kind == "resume":
            playout.resume("r")
            paused, fades = False, fades + 1
        elif kind == "release":
            playout.release("r")
            released = True
        elif kind == "complete":
            playout.complete("r")
            complete = True
    assert len(pulled) <= appended
    starts = [e for e in events if isinstance(e, ev.PlayoutStarted)]
    assert len(starts) == (1 if pulled else 0)


def test_samples_are_exactly_those_that_were_appended() -> None:
    playout = Playout(lambda _: None)
    source = np.arange(5000).astype(np.int16)
    for start in range(0, 5000, 700):
        playout.append("r", source[start : start + 700], RATE)
    playout.release("r")
    playout.complete("r")
    found = []
    while (frame := playout.pull()) is not None:
        found.append(frame.frame.samples)
    assert np.array_equal(np.concatenate(found), source)
    assert playout.is_drained("r")


def test_running_dry_is_told_once_and_food_too() -> None:
    events: list[ev.Event] = []
    playout = Playout(events.append)
    playout.append("r", np.zeros(441, np.int16), RATE)
    playout.release("r")
    for _ in range(4):
        playout.pull()
    playout.append("r", np.zeros(441, np.int16), RATE)
    assert [type(e) for e in events] == [ev.PlayoutStarted, ev.PlayoutStarved, ev.PlayoutFed]


HZ = 24000


class Heard:
    """A playout at 24 kHz, what it told, and how often audio may have been waiting."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.playout = Playout(self.events.append)
        self.ready = 0
        self.playout.on_ready = self.wake

    def wake(self) -> None:
        self.ready += 1

    def append(self, samples: int, response: str = "r", *, rate_hz: int = HZ, level: int = 1000) -> float:
        return self.playout.append(response, np.full(samples, level, np.int16), rate_hz)

    def pull(self) -> PlayoutFrame:
        frame = self.playout.pull()
        assert frame is not None
        return frame

    def samples(self) -> Int16:
        return self.pull().frame.samples


def test_audio_is_told_where_it_begins_in_its_response() -> None:
    h = Heard()
    assert [h.append(480), h.append(240), h.append(0), h.append(480)] == [0.0, 0.02, 0.03, 0.03]
    assert h.playout.buffered_s("r") == pytest.approx(0.05)
    assert h.playout.buffered_s("other") == 0.0


def test_frames_are_of_twenty_milliseconds_whatever_came_in_which_pieces() -> None:
    h = Heard()
    for size in (100, 500, 300, 200):
        h.append(size)
    h.playout.release("r")
    h.playout.complete("r")
    frames = [h.pull(), h.pull(), h.pull()]
    assert [len(f.frame.samples) for f in frames] == [480, 480, 140]
    assert [(f.start_s, round(f.end_s, 6)) for f in frames] == [(0.0, 0.02), (0.02, 0.04), (0.04, 0.045833)]
    assert {(f.response, f.frame.rate_hz) for f in frames} == {("r", HZ)}
    assert h.playout.pull() is None


def test_audio_of_two_rates_is_not_joined() -> None:
    h = Heard()
    h.append(100)
    h.append(500, rate_hz=16000)
    h.playout.release("r")
    frames = [h.pull(), h.pull(), h.pull()]
    assert [(len(f.frame.samples), f.frame.rate_hz) for f in frames] == [(100, HZ), (320, 16000), (180, 16000)]


def test_nothing_leaves_before_its_release_or_in_a_pause() -> None:
    h = Heard()
    h.append(480)
    assert (h.playout.pull(), h.playout.current) == (None, None)
    h.playout.release("r")
    assert h.playout.current == "r"
    h.playout.pause("r")
    assert (h.playout.pull(), h.playout.current) == (None, "r")
    h.playout.resume("r")
    assert len(h.samples()) == 480
    assert h.events == [ev.PlayoutStarted("r")]


def test_a_response_may_be_released_or_complete_before_it_has_a_sound() -> None:
    h = Heard()
    h.playout.release("r")
    assert h.playout.pull() is None
    assert h.events == [], "it has not begun: nothing runs dry"
    h.append(480)
    assert len(h.samples()) == 480
    h.playout.complete("other")
    assert h.playout.is_drained("other")


def test_responses_are_heard_in_the_order_of_their_beginning() -> None:
    h = Heard()
    for name in ("a", "b"):
        h.append(480, name)
        h.playout.release(name)
    assert h.pull().response == "a"
    assert h.playout.pull() is None, "the first is not over"
    h.playout.flush("a")
    assert h.pull().response == "b"


def test_a_pause_before_the_first_sound_fades_nothing_in_and_one_behind_it_does_once() -> None:
    h = Heard()
    h.append(1440)
    h.playout.release("r")
    h.playout.pause("r")
    h.playout.resume("r")
    assert (h.samples() == 1000).all()
    h.playout.pause("r")
    h.playout.resume("r")
    faded = h.samples()
    assert faded[0] == 0
    assert (np.diff(faded[:240]) >= 0).all()
    assert (faded[240:] == 1000).all()
    assert (faded[:239] < 1000).all()
    assert (h.samples() == 1000).all()


def test_a_puller_is_woken_when_something_may_be_waiting() -> None:
    h = Heard()
    h.append(480)
    assert h.ready == 0, "it is not released"
    h.playout.release("r")
    assert h.ready == 1
    h.append(480)
    h.append(0)
    assert h.ready == 2
    h.playout.pause("r")
    assert h.ready == 2
    h.playout.resume("r")
    assert h.ready == 3
    h.playout.pause("other")
    h.playout.resume("other")
    assert h.ready == 3


def test_one_that_is_complete_does_not_run_dry_and_is_drained_when_all_was_pulled() -> None:
    h = Heard()
    assert h.playout.is_drained("r"), "it never had a sound"
    h.append(480)
    h.playout.release("r")
    h.playout.complete("r")
    assert not h.playout.is_drained("r")
    h.pull()
    assert h.playout.is_drained("r")
    assert h.playout.pull() is None
    assert h.events == [ev.PlayoutStarted("r")]


def test_one_that_is_not_complete_is_not_drained() -> None:
    h = Heard()
    h.append(480)
    h.playout.release("r")
    h.pull()
    assert not h.playout.is_drained("r")
    h.playout.pull()
    h.playout.pull()
    h.append(480)
    h.pull()
    h.playout.pull()
    assert h.events == [
        ev.PlayoutStarted("r"), ev.PlayoutStarved("r"), ev.PlayoutFed("r"), ev.PlayoutStarved("r")
    ]  # fmt: skip


def test_what_is_thrown_away_is_gone_and_it_is_told_whether_anything_was_left() -> None:
    h = Heard()
    h.append(480)
    h.playout.release("r")
    assert h.playout.flush("r") is True
    assert h.playout.flush("r") is False
    assert h.playout.current is None
    assert h.append(480) == 0.0


def test_without_anybody_to_wake_audio_waits() -> None:
    playout = Playout(lambda _: None)
    playout.release("r")
    assert playout.append("r", np.zeros(480, np.int16), HZ) == 0.0


@pytest.mark.parametrize(
    ("sound", "left_ms"),
    [
        ([("voice", 100), ("quiet", 250)], 130),  # the voice dies away
        ([("voice", 100), ("quiet", 100), ("quiet", 150)], 130),  # in chunks
        ([("quiet", 100), ("voice", 100), ("quiet", 20)], 220),
        ([("voice", 100), ("quiet", 2000)], 2100),  # what was asked for
        ([("voice", 100)], 100),
        ([("quiet", 250)], 250),
        ([], 0),
    ],
)
def test_nobody_waits_for_the_silence_behind_the_last_word(sound: list[tuple[str, int]], left_ms: int) -> None:
    playout = Playout(lambda _: None)
    for kind, ms in sound:
        playout.append("r", np.full(RATE * ms // 1000, 9000 if kind == "voice" else 30, np.int16), RATE)
    playout.complete("r")
    assert playout.buffered_s("r") * 1000 == pytest.approx(left_ms, abs=1)
    playout.release("r")
    heard = sum(len(frame.frame.samples) for frame in iter(playout.pull, None)) / RATE
    assert heard * 1000 == pytest.approx(left_ms, abs=1)
    assert playout.is_drained("r")
