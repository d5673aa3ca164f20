"""Who is here as what, whatever order they come, go, are muted and raise hands in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.conversation.circle import Circle, Member, Place
from parley.errors import ProtocolError


def circle_of(*places: Place) -> tuple[Circle, list[str]]:
    """And the names of those who were sent away."""
    circle, gone = Circle(), []
    for place in places:
        circle.enter(place, lambda name=place.name: gone.append(name))  # type: ignore[misc]
    return circle, gone


ANN, BEN = Place("Ann"), Place("Ben", host=False)


def test_members_are_shown_as_they_are_in_the_order_in_which_they_came() -> None:
    circle, _ = circle_of(ANN, BEN, Place("Cem", speaks=False, host=False))
    circle.mute("Ben", muted=True)
    circle.raise_hand("Cem", up=True)
    assert circle.members == (
        Member("Ann", "host"), Member("Ben", "speaker", muted=True), Member("Cem", "listener", hand=True),
    )  # fmt: skip


def test_who_is_muted_stays_so_when_it_comes_back_in_whatever_case() -> None:
    circle, _ = circle_of(ANN, BEN)
    circle.mute("Ben", muted=True)
    circle.leave("Ben")
    circle.enter(Place("BEN", host=False), lambda: None)
    assert circle.is_muted("BEN")
    circle.mute("BEN", muted=False)
    assert not circle.is_muted("Ben")


def test_hands_are_seen_in_the_order_in_which_they_were_raised_and_go_with_who_goes() -> None:
    circle, _ = circle_of(ANN, BEN)
    assert [circle.raise_hand(name, up=True) for name in ("Ben", "Ann", "Ben")] == [True, True, False]
    assert list(circle.hands) == ["Ben", "Ann"]
    circle.leave("Ben")
    assert list(circle.hands) == ["Ann"]
    assert not circle.raise_hand("Ben", up=False)


def test_a_guest_is_sent_away_and_a_host_is_not() -> None:
    circle, gone = circle_of(ANN, BEN)
    circle.send_away("Ben")
    for name in ("Ann", "Zoe"):
        with pytest.raises(ProtocolError):
            circle.send_away(name)
    assert gone == ["Ben"]


STEPS = st.lists(st.tuples(st.sampled_from(["enter", "leave", "up", "down"]), st.sampled_from(["Ann", "Ben", "Cem"])))


@given(STEPS)
def test_only_who_is_here_is_shown_and_at_most_once(steps: list[tuple[str, str]]) -> None:
    circle, here = Circle(), {}
    for what, name in steps:
        match what:
            case "enter" if name not in here:
                circle.enter(Place(name, host=False), lambda: None)
                here[name] = False
            case "leave":
                circle.leave(name)
                here.pop(name, None)
            case "up" | "down" if name in here:
                circle.raise_hand(name, up=what == "up")
                here[name] = what == "up"
        assert {m.name: m.hand for m in circle.members} == here
