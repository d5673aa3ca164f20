"""Who answers whom, and when an agent may sound."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from parley.turns.policies.floor import AddressedFloor, CalledFloor, FloorPolicy, RoundFloor

TABLE = ("Ada", "Ben", "Cem")


def test_the_only_agent_answers_whoever_spoke_and_whatever_was_said() -> None:
    assert list(AddressedFloor().answering("ann", "Ben, are you there?", None)) == ["assistant"]
    assert list(AddressedFloor().answering("dan", "", None)) == ["assistant"]


@pytest.mark.parametrize(
    ("said", "last", "answering"),
    [
        ("What time is it?", None, ["Ada"]),
        ("What time is it?", "Cem", ["Cem"]),
        ("Ben, what time is it?", "Cem", ["Ben"]),
        ("and what does BEN say?", None, ["Ben"]),
        ("Cem first, and then Ada.", "Ben", ["Cem", "Ada"]),
        ("That is a benefit.", None, ["Ada"]),
        ("Adams was a president.", "Ben", ["Ben"]),
        ("", "Ben", ["Ben"]),
        ("What time is it?", "somebody who left", ["Ada"]),
    ],
)
def test_who_is_called_answers_else_who_was_talked_with(said: str, last: str | None, answering: list[str]) -> None:
    assert list(AddressedFloor(TABLE).answering("ann", said, last)) == answering


@pytest.mark.parametrize(
    ("said", "answering"),
    [("What time is it?", []), ("", []), ("Ben, what time is it?", ["Ben"]), ("Cem first, then Ada.", ["Cem", "Ada"])],
)
def test_in_a_meeting_nobody_answers_who_is_not_called(said: str, answering: list[str]) -> None:
    assert list(CalledFloor(TABLE).answering("ann", said, "Ada")) == answering
    assert not CalledFloor(("Ada",)).answering("ann", "What time is it?", "Ada")


def test_in_a_round_all_answer_in_their_order() -> None:
    assert list(RoundFloor(TABLE).answering("ann", "Cem?", "Ben")) == list(TABLE)


@pytest.mark.parametrize("policy", [AddressedFloor(TABLE), CalledFloor(TABLE), RoundFloor(TABLE)])
@pytest.mark.parametrize(
    ("holders", "playing", "may"),
    [([], [], True), (["ann"], [], False), ([], ["Ben"], False), (["ann"], ["Ada"], False)],
)
def test_an_agent_sounds_only_when_nobody_else_does(
    policy: FloorPolicy, holders: Sequence[str], playing: Sequence[str], *, may: bool
) -> None:
    assert policy.may_play("Ada", holders, playing) is may
