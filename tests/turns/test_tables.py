"""The tables of turn-taking: every state can be reached and left, and nothing else is legal."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from parley.turns.tables import FLOOR, RESPONSE, SPEECH, Holder, IllegalTransition, Response, Speech, step

Table = dict[tuple[Enum, str], Any]
TABLES: list[tuple[Table, type[Enum]]] = [(SPEECH, Speech), (RESPONSE, Response), (FLOOR, Holder)]


@pytest.mark.parametrize(("table", "states"), TABLES)
def test_every_state_can_be_reached_or_left(table: Table, states: type[Enum]) -> None:
    assert {state for state, _ in table} | set(table.values()) == set(states)


def test_an_ended_response_stays_ended() -> None:
    assert not [cause for state, cause in RESPONSE if state is Response.ENDED]


def test_who_contests_the_floor_gets_it_or_not() -> None:
    assert {FLOOR[Holder.CONTESTED, cause] for state, cause in FLOOR if state is Holder.CONTESTED} == {
        Holder.PERSON, Holder.AGENT, Holder.NOBODY,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "state", "cause"),
    [
        (SPEECH, Speech.SILENT, "turn committed"),
        (RESPONSE, Response.SPECULATIVE, "first frame"),
        (RESPONSE, Response.ENDED, "cut"),
        (FLOOR, Holder.NOBODY, "spoken over"),
    ],
)
def test_an_unlisted_transition_raises_and_names_both_sides(table: Table, state: Enum, cause: str) -> None:
    with pytest.raises(IllegalTransition, match=f"{state.value}.*{cause}"):
        step(table, state, cause)


@pytest.mark.parametrize(("table", "states"), TABLES)
def test_every_step_leads_where_the_table_says(table: Table, states: type[Enum]) -> None:
    for (state, cause), follows in table.items():
        assert isinstance(state, states)
        assert step(table, state, cause) is follows
        assert isinstance(follows, states)


def causes(table: Table) -> set[str]:
    return {f"{state.value}: {cause}: {follows.value}" for (state, cause), follows in table.items()}


def test_speech_begins_pauses_and_ends_in_these_steps_alone() -> None:
    assert causes(SPEECH) == {
        "silent: voice started: speaking", "speaking: voice stopped: pausing", "pausing: voice started: speaking",
        "pausing: turn committed: silent", "pausing: turn discarded: silent", "speaking: turn discarded: silent",
        *(f"{s}: input committed: closed" for s in ("silent", "speaking", "pausing")),
        "speaking: media lost: closed", "pausing: media lost: closed",
        "closed: turn committed: silent", "closed: turn discarded: silent",
    }  # fmt: skip


def test_responses_go_on_and_end_in_these_steps_alone() -> None:
    assert causes(RESPONSE) == {
        "speculative: turn committed: committed", "speculative: user went on: ended", "speculative: failed: ended",
        "committed: first frame: playing", "committed: voice over it: paused", "playing: voice over it: paused",
        "paused: resumed audible: playing", "paused: resumed unheard: committed",
        *(f"{s}: {c}: ended" for s in ("committed", "playing", "paused") for c in ("completed", "cut", "failed")),
    }  # fmt: skip


def test_the_floor_changes_hands_in_these_steps_alone() -> None:
    assert causes(FLOOR) == {
        "nobody: person speaks: person", "nobody: agent answers: agent", "person: agent answers: agent",
        "person: spoken over: contested", "person: all silent: nobody", "agent: person speaks: person",
        "agent: spoken over: contested", "agent: all silent: nobody", "contested: person speaks: person",
        "contested: agent answers: agent", "contested: all silent: nobody",
    }  # fmt: skip
