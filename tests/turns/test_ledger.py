"""Heard text is always a prefix of the answer, and a word counts from 60 % of its duration."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parley.turns.ledger import HeardLedger, SpokenWord


def ledger_of(count: int, *listeners: str) -> HeardLedger:
    ledger = HeardLedger()
    for listener in listeners or ("user",):
        ledger.joined(listener)
    ledger.add_words("r", [SpokenWord(5 * (i + 1), i * 0.5, (i + 1) * 0.5) for i in range(count)])
    ledger.sent("r", count * 0.5)
    return ledger


def test_a_word_is_heard_from_sixty_percent() -> None:
    ledger = ledger_of(4)
    ledger.heard("user", "r", 0.29)
    assert ledger.heard_chars("r") == 0
    ledger.heard("user", "r", 0.3)
    assert ledger.heard_chars("r") == 5


def test_a_word_is_begun_as_soon_as_any_of_it_left() -> None:
    ledger = ledger_of(4)
    assert [ledger.begun_chars("r", at) for at in (0.0, 0.02, 0.5, 0.52, 9.0)] == [0, 5, 5, 10, 20]
    assert ledger.begun_chars("other", 1.0) == 0


def test_positions_beyond_what_was_sent_are_not_believed() -> None:
    ledger = ledger_of(4)
    ledger.heard("user", "r", 100.0)
    assert ledger.heard_s("r") == 2.0
    assert ledger.all_heard("r")
    assert not ledger.all_heard("other")


def test_in_a_room_a_word_counts_when_all_heard_it() -> None:
    ledger = ledger_of(4, "a", "b")
    ledger.heard("a", "r", 2.0)
    assert ledger.heard_chars("r") == 0, "who reports nothing is there all the same"
    ledger.heard("b", "r", 1.0)
    assert ledger.heard_chars("r") == 10


def test_who_leaves_is_not_waited_for_and_who_comes_later_counts_for_what_begins_then() -> None:
    ledger = ledger_of(4, "a", "b")
    ledger.heard("a", "r", 2.0)
    ledger.joined("c")
    assert ledger.heard_chars("r") == 0
    ledger.left("b")
    assert ledger.heard_chars("r") == 20
    ledger.heard("c", "r", 0.5)
    assert ledger.heard_chars("r") == 20
    ledger.left("a")
    assert ledger.heard_chars("r") == 20, "where nobody is left, the last word stands"
    ledger.sent("next", 1.0)
    ledger.heard("c", "next", 0.5)
    assert ledger.heard_s("next") == 0.5


@given(st.lists(st.floats(0, 5), max_size=20))
def test_what_was_heard_only_grows(positions: list[float]) -> None:
    ledger = ledger_of(8)
    heard = 0
    for position in positions:
        ledger.heard("user", "r", position)
        assert ledger.heard_chars("r") >= heard
        heard = ledger.heard_chars("r")


def test_each_report_returns_what_is_believed_and_only_a_correction_takes_back() -> None:
    ledger = ledger_of(4)
    assert ledger.heard("user", "r", 1.5) == 1.5
    assert ledger.heard("user", "r", 0.5) == 1.5
    assert ledger.heard("user", "r", 9.0) == 2.0
    assert ledger.heard("user", "r", -1.0) == 2.0
    assert ledger.corrected("user", "r", 0.5) == 0.5
    assert ledger.heard_s("r") == 0.5
    assert ledger.corrected("user", "r", 9.0) == 2.0
    assert ledger.corrected("user", "r", -1.0) == 0.0
    assert ledger.heard_s("r") == 0.0


def test_who_was_not_there_when_it_began_is_answered_and_changes_nothing() -> None:
    ledger = ledger_of(4, "a")
    assert ledger.heard("b", "r", 1.0) == 1.0
    assert ledger.corrected("b", "r", 3.0) == 2.0
    assert ledger.heard_s("r") == 0.0


def test_nothing_is_heard_before_it_was_sent() -> None:
    ledger = HeardLedger()
    ledger.joined("user")
    assert ledger.heard("user", "r", 1.0) == 0.0


def test_what_was_sent_only_grows() -> None:
    ledger = ledger_of(4)
    ledger.sent("r", 1.0)
    assert ledger.heard("user", "r", 9.0) == 2.0


def test_words_are_appended_and_those_with_a_sound_are_spoken() -> None:
    ledger = ledger_of(2)
    ledger.add_words("r", [SpokenWord(20, 1.0, 2.0)])
    assert ledger.spoken_chars("r") == 20
    assert ledger.spoken_chars("other") == 0
    ledger.sent("silent", 1.0)
    assert ledger.spoken_chars("silent") == ledger.heard_chars("silent") == 0
    assert not ledger.all_heard("silent")


def test_an_answer_is_all_heard_when_its_last_word_is() -> None:
    ledger = ledger_of(4)
    ledger.heard("user", "r", 1.79)
    assert not ledger.all_heard("r")
    ledger.heard("user", "r", 1.8)
    assert ledger.all_heard("r")
    assert ledger.heard_chars("r") == 20


def test_of_a_response_that_is_unknown_or_forgotten_nothing_was_heard() -> None:
    ledger = ledger_of(4)
    ledger.heard("user", "r", 2.0)
    ledger.forget("r")
    ledger.forget("never there")
    assert (ledger.heard_s("r"), ledger.heard_chars("r"), ledger.all_heard("r")) == (0.0, 0, False)


def test_where_nobody_listens_nothing_is_heard() -> None:
    ledger = HeardLedger()
    ledger.add_words("r", [SpokenWord(5, 0.0, 0.5)])
    ledger.sent("r", 0.5)
    assert ledger.heard_s("r") == 0.0
    ledger.left("nobody")


def test_a_words_place_is_told_and_its_times_are_its_own_unless_it_says_otherwise() -> None:
    assert SpokenWord(5, 1.0, 2.0).heard_at_s == 1.6
    assert not SpokenWord(5, 1.0, 2.0).estimated
