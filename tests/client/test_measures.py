"""The instrument's own parts: audibility, the player, statistics, word errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.client.address import realtime_url
from parley.client.audibility import first_audible_s, last_audible_s, speech_ends_s, speech_starts_s
from parley.client.player import Player
from parley.client.statistics import summary
from parley.client.word_errors import character_distance, distance, rate, words, words_reached
from parley.models.fakes import tone

RATE = 24000


def sound(*parts: tuple[float, bool]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    noise = np.random.default_rng(0)
    made = [
        tone(s, RATE) if loud else (noise.standard_normal(round(s * RATE)) * 30).astype(np.int16) for s, loud in parts
    ]
    return np.concatenate(made)


def test_edges_are_found_within_five_milliseconds_of_their_hop() -> None:
    x = sound((0.5, False), (0.4, True), (0.6, False), (0.3, True), (0.5, False))
    assert first_audible_s(x, RATE) == pytest.approx(0.5, abs=0.011)
    assert first_audible_s(x, RATE, since_s=1.0) == pytest.approx(1.5, abs=0.011)
    assert last_audible_s(x, RATE) == pytest.approx(1.8, abs=0.011)
    assert speech_starts_s(x, RATE) == pytest.approx(0.5, abs=0.021)
    assert speech_ends_s(x, RATE) == pytest.approx([0.9, 1.8], abs=0.021)
    assert first_audible_s(np.zeros(RATE, np.int16), RATE) is None


def test_the_player_pauses_flushes_and_counts() -> None:
    player = Player(RATE)
    player.push("r", tone(0.1, RATE))
    assert np.abs(player.take(1200)).max() > 0
    assert player.playing == "r"
    player.pause()
    assert np.abs(player.take(1200)).max() == 0
    assert player.position_s("r") == pytest.approx(0.05)
    player.resume()
    player.end("r")
    assert player.finished() == []
    player.take(2400)
    assert player.finished() == ["r"]
    assert player.finished() == []
    player.push("s", tone(0.1, RATE))
    player.flush()
    assert np.abs(player.take(480)).max() == 0


def test_percentiles_come_with_an_interval_by_clip() -> None:
    values = [(f"clip{i % 10}", 100.0 + i) for i in range(60)]
    figures = summary(values)
    assert (figures["n"], figures["clips"]) == (60, 10)
    assert figures["p50_interval"][0] <= figures["p50"] <= figures["p50_interval"][1]
    assert summary([]) == {"n": 0}


@pytest.mark.parametrize(
    ("reference", "heard", "errors"),
    [("One, two, three.", "1 2 3", 0.0), ("turn on the lamp", "turn on a lamp", 0.25), ("a b", "", 1.0)],
)
def test_word_error_rate(reference: str, heard: str, errors: float) -> None:
    assert rate(reference, heard) == errors


@pytest.mark.parametrize(
    ("told", "rest", "heard"),
    [
        ("Both were a man", "named Alex and a woman named Emily.", "both were men"),
        ("It is 12:59 PM (GMT-8)", "in a world that's yours.", "it is 1259 PMGMT-8"),
        ("The bridge is approximately 178", "feet long.", "the bridge is approximately 100"),
        ("", "Nothing of this.", ""),
    ],
)
def test_the_place_that_was_reached_is_found_behind_a_recognisers_guesses(told: str, rest: str, heard: str) -> None:
    assert words_reached(f"{told} {rest}", heard) == len(told.split())


@given(st.lists(st.sampled_from("the old bridge is in new york and has tall towers".split()), max_size=30), st.data())
def test_the_place_that_was_reached_is_exact_for_what_was_understood(written: list[str], data: st.DataObject) -> None:
    reached = data.draw(st.integers(0, len(written)))
    assert words_reached(" ".join(written), "".join(written[:reached])) == reached


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("localhost:8000", "ws://localhost:8000/v1/realtime?parley=1"),
        ("http://h:1/", "ws://h:1/v1/realtime?parley=1"),
        ("wss://h/v1/realtime?model=x", "wss://h/v1/realtime?model=x&parley=1"),
    ],
)
def test_addresses_are_understood_as_people_type_them(typed: str, url: str) -> None:
    assert realtime_url(typed, exact=True) == url


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It's three, OK?", ["it's", "3", "ok"]),
        ("a\u0308rger", ["ärger"]),
        ("నమస్కారం, మీరు?", ["నమస్కారం", "మీరు"]),
        ("ఒక్క\u200cటి ౧౨", ["ఒక్కటి", "1", "2"]),
        ("ठीक है।", ["ठीक", "है"]),
        ("AI గురించి", ["ai", "గురించి"]),
    ],
)
def test_words_of_any_script_are_whole_and_in_one_form(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_errors_are_counted_in_words_and_in_characters() -> None:
    assert distance("మీరు ఎలా ఉన్నారు", "మీరు ఎలావున్నారు") == (2, 3)
    assert character_distance("మీరు ఎలా ఉన్నారు", "మీరు ఎలావున్నారు") == (2, 16)
    assert character_distance("Hello, you.", "hello you") == (0, 9)
