"""Where an answer's time went, as it is told."""

from __future__ import annotations

import pytest

from parley.conversation import notifications as nt
from parley.conversation.responses.latency import LatencyMarks
from tests.stage import Stage
from tests.virtual_time import run_virtual

WAY_S = 0.08


async def told(*, reports: bool, way_s: float | None = None) -> nt.Waterfall:
    """Of one answer; a listener who reports hears every frame `WAY_S` after it left."""
    async with Stage() as s:
        s.pacer.exact, s.pacer.delay_s = reports, way_s
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        while not s.frames:
            await s.silence(0.02)
        left, frame = s.frames[0]
        if reports:
            assert not s.of(nt.Waterfall)
            while s.now < left + WAY_S + 0.02:
                await s.silence(0.02)
            s.pacer.report(frame.response, s.now - left - WAY_S)
            s.pacer.report(frame.response, s.now - left)
        await s.silence_until(nt.ResponseEnded)
        (waterfall,) = s.of(nt.Waterfall)
        return waterfall


def test_a_listener_who_reports_has_the_network_in_it() -> None:
    waterfall = run_virtual(told(reports=True))
    assert waterfall.parts_ms["network"] == pytest.approx(WAY_S * 1000, abs=1)
    assert sum(waterfall.parts_ms.values()) == waterfall.total_ms
    assert 0 <= waterfall.parts_ms["capture"] <= 20  # the user's sound comes 20 ms at a time
    assert next(iter(waterfall.parts_ms)) == "capture"
    assert list(waterfall.parts_ms)[-2:] == ["playout", "network"]


def test_one_who_tells_nothing_has_not() -> None:
    waterfall = run_virtual(told(reports=False))
    assert "network" not in waterfall.parts_ms
    assert sum(waterfall.parts_ms.values()) == waterfall.total_ms


def test_a_transport_that_knows_the_way_tells_it() -> None:
    assert run_virtual(told(reports=False, way_s=0.05)).parts_ms["network"] == 50


def test_it_is_told_once_and_sums_up_whatever_the_order_of_its_stages() -> None:
    marks = LatencyMarks(
        10.0, 10.02, 10.1, 10.15, first_token=10.3, committed=10.25, first_clause=10.35, first_audio=10.4,
        first_frame=10.4, network_s=0.0333,
    )  # fmt: skip
    waterfall = marks.waterfall("resp")
    assert waterfall is not None
    assert waterfall.parts_ms == {
        "capture": 20, "detection": 80, "recognition": 50, "endpointing": 100, "first_token": 50, "first_clause": 50,
        "first_audio": 50, "playout": 0, "network": 33,
    }  # fmt: skip
    assert waterfall.total_ms == 433
    assert marks.waterfall("resp") is None


@pytest.mark.parametrize("missing", ["speech_ended", "first_frame"])
def test_without_its_ends_there_is_none(missing: str) -> None:
    marks = LatencyMarks(speech_ended=1.0, first_frame=2.0)
    setattr(marks, missing, None)
    assert marks.waterfall("resp") is None


def test_what_is_not_known_is_no_stage() -> None:
    waterfall = LatencyMarks(speech_ended=1.0, first_frame=2.0).waterfall("resp")
    assert waterfall is not None
    assert (waterfall.response, waterfall.total_ms, waterfall.parts_ms) == ("resp", 1000, {"playout": 1000})


def test_stages_that_were_over_before_the_voice_ended_took_no_time() -> None:
    marks = LatencyMarks(speech_ended=1.0, captured=0.9, first_token=1.2, first_frame=1.5)
    waterfall = marks.waterfall("resp")
    assert waterfall is not None
    assert waterfall.parts_ms == {"capture": 0, "first_token": 200, "playout": 300}


def test_thousandths_that_are_rounded_away_are_in_the_last_stage() -> None:
    marks = LatencyMarks(speech_ended=0.0, captured=0.0004, detected=0.0008, first_frame=0.0012)
    waterfall = marks.waterfall("resp")
    assert waterfall is not None
    assert waterfall.parts_ms == {"capture": 0, "detection": 1, "playout": 0}
    assert waterfall.total_ms == 1
