"""A fault on purpose in each place that sessions share or that calls back: it costs what it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.circle import Place
from parley.conversation.connection import Connection
from parley.conversation.responses.response import ResponseOptions
from parley.turns import actions as act
from parley.turns import events as ev
from tests.stage import Stage
from tests.virtual_time import run_virtual


def fault(*_: Any, **__: Any) -> None:
    raise RuntimeError("made to")


def with_neighbour(arrange: Callable[[Stage], None], check: Callable[[Stage], None]) -> None:
    """Two sessions are asked for an answer; one is arranged to be faulty, the other one must not notice."""

    async def script() -> None:
        async with Stage() as faulty, Stage() as neighbour:
            arrange(faulty)
            for stage in (faulty, neighbour):
                stage.session.request_response(ResponseOptions())
            await neighbour.silence_until(nt.ResponseEnded)
            assert neighbour.endings[0].value == "finished"
            assert not neighbour.session.broken.is_set()
            await neighbour.silence(2.0)
            check(faulty)

    run_virtual(script())


def breaks(stage: Stage) -> None:
    assert stage.session.broken.is_set()


def goes_on(stage: Stage) -> None:
    assert not stage.session.broken.is_set()


def test_a_client_that_cannot_be_told_is_lost_alone() -> None:
    """The others of the conversation, and the conversation itself, do not notice."""

    async def script() -> None:
        async with Stage() as stage:
            told: list[nt.Notification] = []
            async with Connection(stage.session, stage.settings, fault, Place("deaf", speaks=False)) as deaf:
                async with Connection(stage.session, stage.settings, told.append, Place("ann", host=False)):
                    stage.session.request_response(ResponseOptions(say="Still here."))
                    await stage.silence_until(nt.ResponseEnded)
                assert deaf.broken.is_set()
            assert not stage.session.broken.is_set()
            assert any(isinstance(h, nt.ResponseEnded) for h in told)

    run_virtual(script())


@pytest.mark.parametrize(
    ("place", "check"),
    [("_observe", goes_on), ("_driver._perform", breaks), ("_driver._take", breaks)],
)
def test_a_fault_in_a_session_is_its_own(
    place: str, check: Callable[[Stage], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_it(stage: Stage) -> None:
        *way, name = place.split(".")
        monkeypatch.setattr(reduce(getattr, way, stage.session), name, fault)

    with_neighbour(break_it, check)


def test_a_turn_taker_that_breaks_ends_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    with_neighbour(lambda stage: monkeypatch.setattr(stage.session._taker, "handle", fault), breaks)


def test_an_order_about_a_response_that_breaks_ends_that_response() -> None:
    async def script() -> None:
        async with Stage() as stage:
            performed = stage.session._driver._perform

            def faulty(action: act.Action) -> None:
                if isinstance(action, act.PausePlayout):
                    fault()
                performed(action)

            stage.session._driver._perform = faulty
            stage.session.request_response(ResponseOptions(say="This is a long sentence that somebody interrupts."))
            await stage.silence_until(nt.ResponseWords)
            await stage.say(0.5)
            ended = await stage.silence_until(nt.ResponseEnded)
            assert "internal error" in ended.reason
            assert not stage.session.broken.is_set()
            stage.session._driver._perform = performed
            await stage.silence_until(nt.ResponseEnded, 2)

    run_virtual(script())


def test_events_behind_a_fault_are_still_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script() -> None:
        async with Stage() as stage:
            taken: list[ev.Event] = []
            monkeypatch.setattr(
                stage.session._driver, "_take", lambda e: fault() if isinstance(e, ev.Tick) else taken.append(e)
            )
            stage.session.dispatch(ev.Tick())
            stage.session.dispatch(ev.InputCleared("user"))
            assert taken == [ev.InputCleared("user")]

    run_virtual(script())


def test_what_waits_for_a_commit_does_not_end_the_input() -> None:
    async def script() -> None:
        async with Stage() as stage:
            stage.session.people["user"].input.mark("commit")
            stage.session.people["user"].input.after_commit(fault)
            await stage.silence(0.5)
            stage.session.request_response(ResponseOptions(say="Still here."))
            await stage.silence_until(nt.ResponseEnded)
            assert not stage.session.broken.is_set()

    run_virtual(script())
