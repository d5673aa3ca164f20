"""How long is waited, by what was said."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.turns.policies.endpointing import (
    POLICY,
    Evidence,
    Patience,
    Policy,
    Weights,
    features,
    grace_after_s,
    had_not_finished,
    log_odds,
    required_wait_s,
    source,
)
from parley.turns.settings import Eagerness, TurnSettings

TELUGU = TurnSettings(language="te")
SETTINGS = TurnSettings()
WEIGHTS = Weights(
    bias=1.0, sound=-1.0, words=-0.5, comma=0.7, question=-0.9, trailing=0.4, unclosed=0.2, silence=-2.0,
    silence_squared=-1.0, no_sound=0.3, no_words=-1.5,
)  # fmt: skip
PATIENCE = Patience(goes_on=0.5, shortest_s=0.2, longest_s=1.0, unfinished_s=1.6)
SIMPLE = Policy(
    weights={"turn_model": WEIGHTS, "recogniser": msgspec.structs.replace(WEIGHTS, sound=-0.5, words=0.0)},
    patience={"auto": PATIENCE, "low": msgspec.structs.replace(PATIENCE, goes_on=0.1, shortest_s=0.4)},
    unfinished=0.01, verb_final=0.25, before_verb=0.5,
)  # fmt: skip
"""With one log-odd a unit, and a limit at even odds."""


@pytest.mark.parametrize(
    "text",
    ["నాకు ఒక కాఫీ కావాలి", "రేపు వాన పడుతుంది.", "మీరు ఎక్కడ ఉన్నారు?", "నేను ఇంటికి వెళ్తాను", "దీపం ఆపండి", "అది నాకు తెలియదు"],
)
def test_a_telugu_sentence_with_its_verb_is_answered_soon(text: str) -> None:
    assert required_wait_s(Evidence(transcript=text), TELUGU) < 0.4


@pytest.mark.parametrize("text", ["నాకు రేపు సాయంత్రం ఆరు గంటలకు.", "మా ఊరి పెద్ద చెరువు పక్కన", "వాన పడితే కానీ", "నేను మరియు మా అన్న."])
def test_before_its_verb_it_is_given_time_whatever_the_recogniser_closed(text: str) -> None:
    assert required_wait_s(Evidence(transcript=text), TELUGU) > 1.0


@pytest.mark.parametrize("text", ["nenu intiki veltanu", "گوروارم مگی اپنی", "రేపు meeting"])
def test_words_in_a_script_that_tells_nothing_of_verbs_are_no_reason_to_wait(text: str) -> None:
    assert 0.4 < required_wait_s(Evidence(transcript=text), TELUGU) < 0.8


def test_a_turn_model_that_knows_the_language_counts_more() -> None:
    sure = Evidence(probability=0.95, transcript="నాకు రేపు సాయంత్రం")
    assert required_wait_s(sure, TELUGU) < required_wait_s(Evidence(transcript="నాకు రేపు సాయంత్రం"), TELUGU)


@pytest.mark.parametrize(
    ("probability", "text", "wait_s"),
    [
        # bias + words - sound, the log-odds by the verb, - 2 s - s² (no closing mark: + 0.2)
        (0.5, "వెళ్తాను.", 0.3),  # 1.75 - 1.1
        (0.5, "నాకు రేపు.", 0.66),  # 1.75 + 0
        (0.05, "వెళ్తాను.", 1.0),  # 1.75 + 2.9 - 1.1: as long as anybody
        (0.1, "నాకు రేపు.", 1.24),  # 1.75 + 2.2: longer, for its verb has not come
        (0.01, "నాకు రేపు.", 1.6),
    ],
)
def test_the_place_of_the_verb_counts_beside_a_turn_model(probability: float, text: str, wait_s: float) -> None:
    assert required_wait_s(Evidence(probability, text), TELUGU, SIMPLE) == pytest.approx(wait_s)


@pytest.mark.parametrize(("text", "wait_s"), [("వెళ్తాను", 0.55), ("నాకు రేపు", 0.9)])
def test_where_sentences_end_in_their_verb_it_says_how_long(text: str, wait_s: float) -> None:
    assert required_wait_s(Evidence(transcript=text), TELUGU, SIMPLE) == pytest.approx(wait_s)


@pytest.mark.parametrize(
    ("evidence", "wait_s"),
    [
        # bias + sound + words + marks - 2 s - s², even odds; on a grid of 20 ms from 0.2 s on
        (Evidence(0.5, "It is late.", 1.0), 0.42),
        (Evidence(0.9, "It is late.", 1.0), 0.2),
        (Evidence(0.5, "It is late,", 1.0), 0.66),
        (Evidence(0.5, "Is it late?", 1.0), 0.2),
        (Evidence(0.5, "it is late", 1.0), 0.5),
        (Evidence(0.5, "It is late.", 0.1), 0.6),
        (Evidence(0.1, "It is late.", 0.1), 1.0),
        (Evidence(None, "It is late.", 1.0), 0.32),
        (Evidence(0.5, "It is late.", None), 0.66),
    ],
)
def test_sound_words_marks_and_silence_are_weighed_together(evidence: Evidence, wait_s: float) -> None:
    assert required_wait_s(evidence, SETTINGS, SIMPLE) == pytest.approx(wait_s)


@pytest.mark.parametrize(
    ("evidence", "wait_s"),
    [
        # bias + sound / 2 - 2 s - s²
        (Evidence(transcript="It is late.", heard_finished=0.5), 0.42),
        (Evidence(transcript="It is late.", heard_finished=0.9), 0.2),
        (Evidence(transcript="It is late,", heard_finished=0.5), 0.66),
        (Evidence(0.01, "It is late.", 0.1, heard_finished=0.5), 0.42),  # it knows better than both
    ],
)
def test_a_recogniser_that_tells_of_ends_is_believed_before_others(evidence: Evidence, wait_s: float) -> None:
    assert required_wait_s(evidence, SETTINGS, SIMPLE) == pytest.approx(wait_s)
    assert source(evidence) == "recogniser"


def test_a_recogniser_that_tells_of_ends_counts_more_than_the_place_of_the_verb() -> None:
    assert required_wait_s(Evidence(transcript="నాకు రేపు", heard_finished=0.9), TELUGU, SIMPLE) == pytest.approx(0.2)


def test_who_is_more_patient_waits_until_going_on_is_less_likely() -> None:
    evidence = Evidence(0.5, "It is late.", 1.0)
    assert required_wait_s(evidence, TurnSettings(eagerness="low"), SIMPLE) == pytest.approx(1.0)
    assert required_wait_s(Evidence(0.99, "Is it?", 1.0), TurnSettings(eagerness="low"), SIMPLE) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("text", "ends", "wait_s"), [("it is late", 0.01, 1.0), ("it is late", 0.0099, 1.6), ("and then the", 0.5, 1.6)]
)
def test_only_words_that_say_so_are_waited_for_longest(text: str, ends: float, wait_s: float) -> None:
    assert required_wait_s(Evidence(0.01, text, ends), SETTINGS, SIMPLE) == pytest.approx(wait_s)


@pytest.mark.parametrize(("text", "ends", "wait_s"), [("Thunder could.", 0.0099, 1.0), ("and then the", 1.0, 1.0)])
def test_words_that_are_not_finished_are_given_time_however_final_they_sound(
    text: str, ends: float, wait_s: float
) -> None:
    assert required_wait_s(Evidence(0.999, text, ends), SETTINGS, SIMPLE) == pytest.approx(wait_s)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(0.9, "so it is", 0.1), (2.1972, -1.0, 0, 0, 0, 1)),
        (Evidence(0.5, "so it is, ", 1.0), (0.0, 0.0, 1, 0, 0, 0)),
        (Evidence(0.5, " is it so?", 0.01), (0.0, -2.0, 0, 1, 0, 0)),
        (Evidence(0.0, "", 0.0), (-6.9068, -4.0, 0, 0, 0, 0)),
        (Evidence(1.0, "and the.", 2.0), (6.9068, 0.0, 0, 0, 1, 0)),
        (Evidence(None, None, None), (0.3, -1.5, 0, 0, 0, 0)),
    ],
)
def test_what_is_weighed_is_bounded_and_what_is_not_known_is_in_the_middle(
    evidence: Evidence, expected: tuple[float, ...]
) -> None:
    found = features(evidence, "en", WEIGHTS)
    assert list(found) == ["sound", "words", "comma", "question", "trailing", "unclosed"]
    assert tuple(found.values()) == pytest.approx(expected, abs=1e-4)


def test_log_odds_are_the_weighted_sum() -> None:
    evidence = Evidence(0.9, "and the", 0.1)
    assert log_odds(evidence, "en", WEIGHTS) == pytest.approx(1.0 - math.log(9) + 0.5 + 0.4 + 0.2)


def test_silence_alone_decides_in_its_mode() -> None:
    silence = TurnSettings(mode="silence", silence_s=0.7)
    assert required_wait_s(Evidence(1.0, "It is late.", 1.0, 5.0), silence) == 0.7


def test_who_is_owed_patience_is_given_it_whatever_the_rest_says() -> None:
    assert required_wait_s(Evidence(1.0, "Is it late?", 1.0, grace_s=1.1), SETTINGS) == 1.1
    assert required_wait_s(Evidence(0.01, "it is the", 0.0, grace_s=0.9), SETTINGS) == 1.5


def test_patience_is_owed_to_who_goes_on_soon_and_bounded() -> None:
    assert grace_after_s(0.5) == pytest.approx(0.7)
    assert grace_after_s(0.64) == pytest.approx(0.896)
    assert grace_after_s(0.65) == pytest.approx(0.9)
    assert grace_after_s(2.0) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("pause_s", "heard_s", "unfinished"),
    [
        (1.6, 9.0, True),
        (1.61, 9.0, False),
        (1.61, 0.5, True),
        (1.61, 0.51, False),
        (3.0, 0.0, True),
        (3.01, 0.0, False),
    ],
)
def test_who_spoke_so_soon_did_not_react_to_the_answer(pause_s: float, heard_s: float, *, unfinished: bool) -> None:
    assert had_not_finished(pause_s, heard_s) is unfinished


def test_where_it_is_not_known_how_much_was_heard_the_pause_decides() -> None:
    assert had_not_finished(1.6)
    assert not had_not_finished(1.61)


# -- as it is shipped ---------------------------------------------------------------------------------

probabilities = st.floats(0, 1)
texts = st.sampled_from(["What time is it?", "I want to", "It is late.", "so", "Five five five,", ""])
eagernesses: st.SearchStrategy[Eagerness] = st.sampled_from(["low", "medium", "auto", "high"])


@given(st.one_of(st.none(), probabilities), st.one_of(st.none(), probabilities), texts, eagernesses)
def test_nobody_waits_beyond_the_bounds(
    sound: float | None, ends: float | None, text: str, eagerness: Eagerness
) -> None:
    patience = POLICY.patience[eagerness]
    wait = required_wait_s(Evidence(sound, text, ends), TurnSettings(eagerness=eagerness))
    assert patience.shortest_s <= wait <= patience.unfinished_s
    if wait > patience.longest_s:
        assert text == "I want to" or (ends is not None and ends < POLICY.unfinished)


@given(probabilities, probabilities, probabilities, texts)
def test_the_wait_falls_with_what_the_sound_says(a: float, b: float, ends: float, text: str) -> None:
    low, high = sorted((a, b))
    assert required_wait_s(Evidence(low, text, ends), SETTINGS) >= required_wait_s(Evidence(high, text, ends), SETTINGS)


@given(probabilities, probabilities, texts)
def test_the_wait_falls_with_what_the_recogniser_heard(a: float, b: float, text: str) -> None:
    low, high = (Evidence(transcript=text, heard_finished=p) for p in sorted((a, b)))
    assert required_wait_s(low, SETTINGS) >= required_wait_s(high, SETTINGS)


@given(probabilities, probabilities, probabilities, texts)
def test_the_wait_falls_with_what_the_words_say(a: float, b: float, sound: float, text: str) -> None:
    low, high = sorted((a, b))
    assert required_wait_s(Evidence(sound, text, low), SETTINGS) >= required_wait_s(
        Evidence(sound, text, high), SETTINGS
    )


def test_patience_grows_from_high_to_low() -> None:
    high, auto, low = (POLICY.patience[name] for name in ("high", "auto", "low"))
    assert high.goes_on > auto.goes_on > low.goes_on
    assert POLICY.patience["medium"] == auto
    for name in ("shortest_s", "longest_s", "unfinished_s"):
        assert getattr(high, name) < getattr(auto, name) < getattr(low, name)


@pytest.mark.parametrize(
    ("sound", "text", "ends", "at_least_s", "at_most_s"),
    [
        (0.97, "What time is it?", 0.5, 0.2, 0.3),
        (0.95, "Two thirty p.m.", 0.4, 0.2, 0.5),
        (0.9, "Tea or coffee?", 0.1, 0.2, 0.4),
        (0.2, "My number is five five,", 0.01, 0.8, 0.9),
        (0.3, "I would like the", 0.0005, 1.0, 1.5),
        (0.98, "Thunderstorms in the mountains could.", 0.001, 0.9, 0.9),
        (0.5, "Yes.", 0.5, 0.2, 0.9),
    ],
)
def test_what_people_say(sound: float, text: str, ends: float, at_least_s: float, at_most_s: float) -> None:
    assert at_least_s <= required_wait_s(Evidence(sound, text, ends), SETTINGS) <= at_most_s
