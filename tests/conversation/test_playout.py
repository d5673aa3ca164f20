"""No frame is played twice or skipped, whatever the order of events."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from parley.conversation.playout import Playout
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
