"""Heard text is always a prefix of the answer, and a word counts from 60 % of its duration."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parley.turns.endpointing import Evidence, required_wait_s
from parley.turns.ledger import HeardLedger, SpokenWord
from parley.turns.settings import TurnSettings


def ledger_of(count: int) -> HeardLedger:
    ledger = HeardLedger()
    ledger.add_words("r", [SpokenWord(5 * (i + 1), i * 0.5, (i + 1) * 0.5) for i in range(count)])
    ledger.sent("r", count * 0.5)
    return ledger


def test_a_word_is_heard_from_sixty_percent() -> None:
    ledger = ledger_of(4)
    ledger.heard("user", "r", 0.29)
    assert ledger.heard_chars("r") == 0
    ledger.heard("user", "r", 0.3)
    assert ledger.heard_chars("r") == 5


def test_positions_beyond_what_was_sent_are_not_believed() -> None:
    ledger = ledger_of(4)
    ledger.heard("user", "r", 100.0)
    assert ledger.heard_s("r") == 2.0
    assert ledger.all_heard("r")
    assert not ledger.all_heard("other")


def test_in_a_room_a_word_counts_when_all_heard_it() -> None:
    ledger = ledger_of(4)
    ledger.heard("a", "r", 2.0)
    ledger.heard("b", "r", 1.0)
    assert ledger.heard_chars("r") == 10


@given(st.lists(st.floats(0, 5), max_size=20))
def test_what_was_heard_only_grows(positions: list[float]) -> None:
    ledger = ledger_of(8)
    heard = 0
    for position in positions:
        ledger.heard("user", "r", position)
        assert ledger.heard_chars("r") >= heard
        heard = ledger.heard_chars("r")


probabilities = st.floats(0, 1)


@given(probabilities, probabilities, st.sampled_from(["What time is it?", "I want to", "It is late.", "so"]))
def test_the_wait_falls_with_the_evidence_and_never_in_a_step(a: float, b: float, text: str) -> None:
    low, high = sorted((a, b))
    settings = TurnSettings()
    waits = [required_wait_s(Evidence(p, text), settings) for p in (low, high)]
    assert waits[0] >= waits[1] - 1e-9
    assert settings.waits_s[0] <= waits[1] <= waits[0] <= settings.waits_s[1]
    assert waits[0] - waits[1] <= 4.0 * (high - low) + 1e-9


def test_an_unfinished_sentence_waits_longer_than_a_question() -> None:
    settings = TurnSettings()
    question = required_wait_s(Evidence(0.5, "What time is it?"), settings)
    unfinished = required_wait_s(Evidence(0.5, "I would like the"), settings)
    assert unfinished > 2 * question


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_wait_falls_with_the_probability_that_the_sentence_ends(sound: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    waits = [required_wait_s(Evidence(sound, "so it is", p), TurnSettings()) for p in (low, high)]
    assert waits[0] >= waits[1]
    assert 0.2 <= waits[1] <= 2.0
