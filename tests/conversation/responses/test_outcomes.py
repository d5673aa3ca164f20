"""What became of a response: what was heard of it is told at its end, and corrected when it is known better."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.history import History
from parley.conversation.items import Item
from parley.conversation.responses.outcomes import Outcomes
from parley.conversation.responses.response import Response, ResponseOptions
from parley.turns.actions import Ending
from parley.turns.ledger import HeardLedger, SpokenWord

TEXT = "one two three"


class World:
    """What outcomes know of a conversation: its history, its ledger, and whom to tell."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.history = History()
        self.ledger = HeardLedger()
        self.ledger.joined("user")
        context: Any = SimpleNamespace(history=self.history, ledger=self.ledger, emit=self.told.append)
        self.outcomes = Outcomes(context)

    def response(
        self, key: str = "r1", *, speaks: bool = True, produced: bool = True, options: ResponseOptions | None = None
    ) -> Response:
        """An answer of three words, a second each, that were all sent."""
        response = Response(
            key, self.told.append, options or ResponseOptions(), "assistant", "user", 1, "Hi.", True, speaks,
            place=self.history.insert_behind,
        )  # fmt: skip
        response.add_text(TEXT)
        response.marks.produced = 1.0 if produced else None
        self.ledger.add_words(key, [SpokenWord(3, 0, 1), SpokenWord(7, 1, 2), SpokenWord(13, 2, 3)])
        self.ledger.sent(key, 3.0)
        return response

    def finished(self, response: Response, ending: Ending = Ending.CUT, reason: str = "") -> Response:
        response.settle(ending, self.outcomes.heard_chars(response, ending))
        self.outcomes.finish(response, ending, reason)
        return response

    def of(self, kind: type) -> list[Any]:
        return [one for one in self.told if isinstance(one, kind)]


@pytest.mark.parametrize(
    ("ending", "speaks", "produced", "heard_s", "chars"),
    [
        (Ending.CUT, True, True, 2.0, 7),
        (Ending.CUT, True, True, 0.0, 0),
        (Ending.CUT, True, True, 3.0, None),  # all of it
        (Ending.CUT, True, False, 3.0, 13),  # more was to come
        (Ending.FAILED, True, True, 2.0, 7),
        (Ending.FINISHED, True, True, 2.0, None),
        (Ending.CUT, False, True, 2.0, None),  # it is read
    ],
)
def test_of_an_answer_that_was_cut_counts_what_was_heard(
    ending: Ending, heard_s: float, chars: int | None, *, speaks: bool, produced: bool
) -> None:
    w = World()
    response = w.response(speaks=speaks, produced=produced)
    w.ledger.heard("user", "r1", heard_s)
    assert w.outcomes.heard_chars(response, ending) == chars


def test_an_answer_without_words_has_nothing_that_was_heard() -> None:
    w = World()
    response = w.response()
    response.items.clear()
    assert w.outcomes.heard_chars(response, Ending.CUT) is None


def test_words_that_have_no_sound_yet_are_not_all_heard() -> None:
    w = World()
    response = w.response()
    response.add_text(" four")
    w.ledger.heard("user", "r1", 3.0)
    assert w.outcomes.heard_chars(response, Ending.CUT) == 13


def test_its_end_is_told_with_all_that_it_has_and_history_keeps_it() -> None:
    w = World()
    w.ledger.heard("user", "r1", 0.0)
    response = w.response(options=ResponseOptions(metadata={"a": "b"}))
    w.ledger.heard("user", "r1", 2.0)
    w.finished(response, Ending.CUT, "turn_detected")
    (item,) = response.items
    assert w.history.get(item.id) == item
    assert (item.heard_text, item.status) == ("one two", "incomplete")
    assert w.of(nt.ResponseEnded) == [
        nt.ResponseEnded(response.id, Ending.CUT, "turn_detected", (item,), response.usage, {"a": "b"}, False)
    ]
    assert [type(one).__name__ for one in w.told[-2:]] == ["ResponseItemDone", "ResponseEnded"]


@pytest.mark.parametrize(
    ("ending", "cut_short", "reason"),
    [
        (Ending.FINISHED, True, "max_output_tokens"),
        (Ending.FINISHED, False, "given"),
        (Ending.CUT, True, "given"),
    ],
)
def test_one_that_ran_into_its_bound_says_so(ending: Ending, reason: str, *, cut_short: bool) -> None:
    w = World()
    response = w.response()
    response.cut_short = cut_short
    w.finished(response, ending, "given")
    assert [ended.reason for ended in w.of(nt.ResponseEnded)] == [reason]


def test_an_item_that_the_client_deleted_is_told_and_not_remembered() -> None:
    w = World()
    response = w.response()
    w.history.delete(response.items[0].id)
    w.finished(response)
    assert w.history.items == []
    assert len(w.of(nt.ResponseEnded)) == 1


def test_one_beside_the_conversation_changes_no_history() -> None:
    w = World()
    response = w.response(options=ResponseOptions(out_of_band=True))
    w.finished(response)
    assert w.history.get(response.items[0].id).status == "in_progress"
    assert w.of(nt.ResponseEnded)[0].out_of_band


def test_a_spoken_answer_is_found_by_its_item() -> None:
    w = World()
    spoken, written = w.finished(w.response()), w.finished(w.response("r2", speaks=False))
    assert w.outcomes.speaking(spoken.items[0].id) == spoken.id
    assert w.outcomes.speaking(written.items[0].id) is None
    assert w.outcomes.speaking("other") is None


def test_what_was_heard_is_corrected_in_both_directions_and_told() -> None:
    w = World()
    response = w.response()
    w.ledger.heard("user", "r1", 2.0)
    w.finished(response)
    (item,) = response.items
    w.outcomes.correct(response.id, 1.0, "user")
    assert w.history.get(item.id).heard_text == "one"
    assert response.items == [w.history.get(item.id)]
    w.outcomes.correct(response.id, 9.0, "user")
    assert w.history.get(item.id).heard == 13
    assert w.of(nt.HeardChanged) == [
        nt.HeardChanged(response.id, item.id, TEXT, "one", 1000),
        nt.HeardChanged(response.id, item.id, TEXT, TEXT, 3000),
    ]


def test_a_finished_answer_that_was_not_heard_to_its_end_is_corrected_once() -> None:
    w = World()
    response = w.finished(w.response(), Ending.FINISHED)
    w.outcomes.correct(response.id, 3.0, "user")
    assert w.of(nt.HeardChanged) == [], "all of it counts already"
    w.outcomes.correct(response.id, 2.0, "user")
    w.outcomes.correct(response.id, 2.0, "user")
    assert [changed.heard_text for changed in w.of(nt.HeardChanged)] == ["one two"]


def test_an_end_that_makes_no_sound_is_heard_with_the_words_before_it() -> None:
    w = World()
    response = w.response()
    response.add_text(" )")
    w.finished(response, Ending.FINISHED)
    w.outcomes.correct(response.id, 3.0, "user")
    assert w.of(nt.HeardChanged) == [], "all that has a sound was heard"
    cut = w.response("r2")
    cut.add_text(" )")
    w.ledger.heard("user", "r2", 3.0)
    assert w.outcomes.heard_chars(cut, Ending.CUT) is None
    w.outcomes.correct(response.id, 2.0, "user")
    assert [changed.heard_text for changed in w.of(nt.HeardChanged)] == ["one two"]


def test_nothing_is_corrected_where_there_is_nothing_to() -> None:
    w = World()
    w.outcomes.correct("unknown", 1.0, "user")
    written = w.finished(w.response("r2", speaks=False))
    w.outcomes.correct(written.id, 1.0, "user")
    beside = w.finished(w.response("r3", options=ResponseOptions(out_of_band=True)))
    w.outcomes.correct(beside.id, 1.0, "user")
    silent = w.response("r4")
    w.history.delete(silent.items[0].id)
    silent.items.clear()
    w.outcomes.correct(w.finished(silent).id, 1.0, "user")
    deleted = w.finished(w.response("r5"))
    w.history.delete(deleted.items[0].id)
    w.outcomes.correct(deleted.id, 1.0, "user")
    assert w.of(nt.HeardChanged) == []


def test_what_was_answered_to_a_turn_may_never_have_been_but_for_calls_that_were_made() -> None:
    w = World()
    response = w.response()
    for made in ("completed", "incomplete"):
        call = Item(made, "function_call", call_id=made, name="look", status=made)
        response.items.append(call)
    response.done.add("completed")
    w.finished(response)
    assert w.outcomes.forget_answers("user", 2) == []
    assert w.outcomes.forget_answers("ann", 1) == []
    assert w.outcomes.forget_answers("user", 1) == [response.items[0].id, "incomplete"]
    w.outcomes.correct(response.id, 1.0, "user")
    assert not w.of(nt.HeardChanged)
    assert w.outcomes.forget_answers("user", 1) == []


def test_the_last_sixteen_may_be_corrected() -> None:
    w = World()
    responses = [w.finished(w.response(f"r{number}")) for number in range(17)]
    for response in responses:
        w.outcomes.correct(response.id, 1.0, "user")
    assert [changed.response for changed in w.of(nt.HeardChanged)] == [r.id for r in responses[1:]]
    assert w.ledger.spoken_chars("r0") == 0, "what nobody can ask for is forgotten"
    assert w.ledger.spoken_chars("r1") == 13


def test_other_items_of_the_answer_stay_as_they_are() -> None:
    w = World()
    response = w.response()
    response.items.append(Item("call", "function_call", name="f"))
    w.finished(response)
    w.outcomes.correct(response.id, 1.0, "user")
    assert [(i.kind, i.heard_text) for i in response.items] == [("message", "one"), ("function_call", "")]
