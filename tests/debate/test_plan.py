"""Who takes part, with names, sides and voices for those who have none."""

from __future__ import annotations

import pytest

from parley.debate.format import shipped
from parley.debate.plan import Speaker, completed
from parley.errors import ProtocolError

RULES = shipped()


def test_debaters_get_names_sides_and_voices_of_their_own() -> None:
    plan = completed("T", RULES["panel"], [], None, ["a", "b", "c", "d"])
    assert [(d.name, d.side, d.voice) for d in plan.debaters] == [
        ("Ada", "for", "a"), ("Ben", "against", "b"), ("Cleo", "undecided", "c"),
    ]  # fmt: skip
    assert plan.moderator is not None
    assert (plan.moderator.name, plan.moderator.voice) == ("Mona", "d")
    assert [s.name for s in plan.speakers] == ["Ada", "Ben", "Cleo", "Mona"]


def test_voices_are_shared_only_when_there_are_too_few() -> None:
    plan = completed("T", RULES["debate"], [Speaker("X", voice="b"), Speaker("")], None, ["a", "b"])
    assert [s.voice for s in plan.speakers] == ["b", "a", "a"]
    assert [s.voice for s in completed("T", RULES["debate"], [], None, []).speakers] == [None] * 3


def test_a_name_that_is_taken_is_not_given_out() -> None:
    plan = completed("T", RULES["debate"], [Speaker("ada"), Speaker("")], None, ["a"])
    assert [d.name for d in plan.debaters] == ["ada", "Ben"]


def test_a_moderator_leads_only_where_the_format_has_one() -> None:
    assert completed("T", RULES["duel"], [], Speaker("Mo"), ["a"]).moderator is None
    led = completed("T", RULES["debate"], [], Speaker("Mo", instructions="Joke."), ["a"]).moderator
    assert led is not None
    assert (led.name, led.instructions) == ("Mo", "Joke.")


@pytest.mark.parametrize(
    ("topic", "debaters", "field"),
    [
        (" ", [], "debate.topic"),
        ("T", [Speaker("X", "maybe")], "debate.debaters[0].side"),
        ("T", [Speaker("X", "for"), Speaker("Y", "for")], "debate.debaters"),
    ],
)
def test_what_cannot_be_is_named(topic: str, debaters: list[Speaker], field: str) -> None:
    with pytest.raises(ProtocolError) as fault:
        completed(topic, RULES["oxford"], debaters, None, ["a"])
    assert fault.value.field == field
