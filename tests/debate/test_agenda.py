"""Who speaks next, whatever happens."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from parley.debate.agenda import Agenda, Debater, Slot
from parley.debate.format import MODERATOR, PEOPLE, Format, parse, shipped
from tests.debate.test_format import GOOD

TWO = [Debater("Ada", "for"), Debater("Ben", "against")]
THREE = [*TWO, Debater("Cleo", "for")]


def rules(order: str, *, repeat: int = 1) -> Format:
    return parse(GOOD.replace("order: [each]", f"order: [{order}]\n    repeat: {repeat}"), "x")


def taken(agenda: Agenda, most: int = 20) -> list[str]:
    found: list[str] = []
    while len(found) < most and (slot := agenda.take()) is not None:
        found.append(slot.speaker)
    return found


def test_each_speaks_in_the_order_of_the_debaters_and_a_side_by_all_who_are_on_it() -> None:
    assert taken(Agenda(rules("each"), THREE)) == ["Ada", "Ben", "Cleo"]
    assert taken(Agenda(rules("against, for"), THREE)) == ["Ben", "Ada", "Cleo"]
    assert taken(Agenda(rules("moderator, for, people"), TWO)) == [MODERATOR, "Ada", PEOPLE]


def test_a_round_is_held_as_often_as_it_says_or_without_an_end() -> None:
    assert taken(Agenda(rules("each", repeat=2), TWO)) == ["Ada", "Ben"] * 2
    assert taken(Agenda(rules("each", repeat=0), TWO), 7) == ["Ada", "Ben", "Ada", "Ben", "Ada", "Ben", "Ada"]


def test_looking_at_the_next_place_takes_nothing() -> None:
    agenda = Agenda(rules("each"), TWO)
    assert agenda.next == agenda.next == agenda.take()
    assert agenda.next == Slot("Only", 1, "Ben", "Speak.", 25.0)


def test_who_is_muted_is_passed_over_and_the_round_still_opens_once() -> None:
    agenda = Agenda(rules("each", repeat=2), TWO)
    agenda.mute("Ada", muted=True)
    first = agenda.take()
    assert first is not None
    assert (first.speaker, first.opens_round) == ("Ben", True)
    agenda.mute("Ada", muted=False)
    assert taken(agenda) == ["Ada", "Ben"]


def test_who_has_raised_a_hand_is_next_and_the_order_goes_on_behind() -> None:
    agenda = Agenda(rules("each"), TWO)
    agenda.call("Zoe", 12.0)
    agenda.call("Yan", 12.0)
    agenda.uncall("Yan")
    called = agenda.take()
    assert called == Slot("Only", 1, PEOPLE, "", 12.0, whom="Zoe")
    assert taken(agenda) == ["Ada", "Ben"]


def test_when_nobody_may_speak_the_order_is_at_its_end_also_without_one() -> None:
    agenda = Agenda(rules("each", repeat=0), TWO)
    for debater in TWO:
        agenda.mute(debater.name, muted=True)
    assert agenda.next is None


def test_who_fails_twice_in_a_row_is_waited_for_no_more() -> None:
    agenda = Agenda(rules("each", repeat=0), TWO)
    assert not agenda.failed("Ada")
    agenda.spoke("Ada")
    assert [agenda.failed("Ada"), agenda.failed("Ada"), agenda.failed("Ada")] == [False, True, False]
    assert taken(agenda, 3) == ["Ben"] * 3


def test_an_extension_comes_before_the_order_which_goes_on_behind_it() -> None:
    agenda = Agenda(rules("each"), TWO)
    agenda.take()
    agenda.extend("Ada", "Finish.", 10)
    assert agenda.next == Slot("Only", 1, "Ada", "Finish.", 10)
    assert taken(agenda) == ["Ada", "Ben"]


def test_one_that_is_closed_gives_nobody_the_floor() -> None:
    agenda = Agenda(rules("each"), TWO)
    agenda.extend("Ada", "Finish.", 10)
    agenda.close()
    assert (agenda.next, agenda.take()) == (None, None)


EVENTS = st.one_of(
    st.just(("take", "")),
    st.tuples(st.sampled_from(["mute", "unmute", "fail", "spoke", "extend"]), st.sampled_from(["Ada", "Ben", "Cleo"])),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(shipped())), st.lists(EVENTS, max_size=60))
def test_nobody_starves_and_nobody_speaks_who_may_not(name: str, events: list[tuple[str, str]]) -> None:
    chosen = shipped()[name]
    agenda = Agenda(
        chosen, [Debater(n, chosen.sides[i % len(chosen.sides)]) for i, n in enumerate(("Ada", "Ben", "Cleo"))]
    )
    muted: set[str] = set()
    waited = dict.fromkeys(agenda.debaters, 0)
    for what, who in events:
        if what == "take":
            slot = agenda.take()
            if slot is None:
                break
            assert slot.speaker not in muted
            assert not agenda.unavailable(slot.speaker)
            for one in waited:
                waited[one] = 0 if one == slot.speaker or not agenda.speaks(one) else waited[one] + 1
        elif what == "fail":
            agenda.failed(who)
        elif what == "spoke":
            agenda.spoke(who)
        elif what == "extend":
            waited = {one: max(0, count - 1) for one, count in waited.items()}
        else:
            agenda.mute(who, muted=what == "mute")
            (muted.add if what == "mute" else muted.discard)(who)
            waited[who] = 0
        shares = {d.side for d in agenda.debaters.values()} & {p for r in chosen.rounds for p in r.order}
        least = 2 * (len(agenda.debaters) + sum(len(r.order) for r in chosen.rounds)) + len(shares)
        assert max(waited.values()) <= least, "somebody who may speak never does"
