"""Loops of Whisper, as its alignment shows them, and repetitions that were spoken."""

from __future__ import annotations

import pytest

from parley.adapters.whisper_loops import repeats, without_loops
from parley.models.interfaces import TimedText


def words(*timed: tuple[str, float]) -> list[TimedText]:
    """Words by the moment of their end; each begins where the one before it ends."""
    found, at = list[TimedText](), 0.0
    for text, end_s in timed:
        found.append(TimedText(f" {text}", at, end_s))
        at = end_s
    return found


def spoken(text: str, each_s: float) -> list[TimedText]:
    return words(*((word, each_s * (i + 1)) for i, word in enumerate(text.split())))


def kept(found: list[TimedText], seconds: float) -> str:
    said, sure = without_loops(found, seconds)
    assert sure
    return "".join(word.text for word in said).strip()


@pytest.mark.parametrize(
    ("text", "each_s"),
    [
        ("five five five", 0.3),
        ("Five, five, five, five, five, five, five.", 0.25),
        ("It is very, very good.", 0.2),
        ("No. No. No.", 0.4),
        ("no no no no no no no no", 0.15),
        ("Yes. Yes.", 0.35),
        ("New York, New York.", 0.25),
        ("I see. I see.", 0.2),
        ("5 5 5 1 2 1 2", 0.3),
        ("Never, never, never give up.", 0.3),
        ("that that is is", 0.2),
        ("వద్దు వద్దు వద్దు", 0.3),
    ],
)
def test_repetitions_that_take_their_time_are_kept(text: str, each_s: float) -> None:
    found = spoken(text, each_s)
    assert kept(found, found[-1].end_s) == text


SPEECH = " ".join(
    f"{first}{second}" for first in "aeiou" for second in ("ba", "co", "di", "fe", "gu", "ha", "ko", "lu", "mi")
)
"""45 words, each another."""
LOOPS = [
    (  # a long sentence, and most of it once more in no time
        [*spoken(SPEECH, 0.3), *(TimedText(f" {word}", 13.5, 13.5) for word in SPEECH.split()[:36])], 13.5, SPEECH,
    ),
    (  # a phrase again and again, squeezed behind its first time
        words(("book", 0.24), ("a", 0.4), ("room", 0.84), *[(w, 1.34) for w in ("book", "a", "room") * 4]),
        0.84, "book a room",
    ),
    (  # the first copy takes what is left of the window, behind the end of the sound
        words(("How", 0.22), ("all", 0.54), ("this", 0.78), ("how", 1.78), *[(w, 1.78) for w in ("all", "this")]),
        0.8, "How all this",
    ),
    (  # a sentence, its marks standing alone, and its beginning once more
        words(("and", 0.5), ("so", 0.9), ("Americans", 2.0), (".", 2.02), *[(w, 2.02) for w in ("And", "so")],
              ("Americans", 2.02), (".", 2.74), ("And", 3.48)),
        2.5, "and so Americans .",
    ),
    (words(("Only", 0.3), ("two", 0.5), ("are", 0.7), ("used.", 1.1), ("Only", 1.1), ("two", 1.1)), 1.2,
     "Only two are used."),
    (words(("computer", 0.6), *[("computer", 0.6 + 0.02 * n) for n in range(13)]), 0.8, "computer"),
    (words(("one", 0.24), *[("one", 0.3) for _ in range(12)]), 0.4, "one"),
    (  # what follows a loop stays
        words(("Pick", 0.4), ("it", 0.6), ("up", 0.9), ("Pick", 0.92), ("it", 0.92), ("up", 0.92), ("now", 1.4)), 1.5,
        "Pick it up now",
    ),
    (words(("i", 0.5), ("am", 0.9), ("pardhththththththththt", 1.1)), 1.2, "i am pardht"),
    (  # a phrase that repeats itself in its first time
        words(("Very,", 0.5), ("very", 0.9), ("good.", 1.06), *[(w, 1.06) for w in ("Very,", "very", "good.") * 2],
              ("Very,", 1.06), ("very", 1.06)),
        1.1, "Very, very good.",
    ),
    (  # in the middle
        words(("You", 0.3), ("know.", 0.6), ("You", 0.61), ("know.", 0.62), ("Now", 0.9), ("go.", 1.2)), 1.3,
        "You know. Now go.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("found", "seconds", "text"), LOOPS)
def test_what_was_written_again_and_not_said_again_is_dropped(
    found: list[TimedText], seconds: float, text: str
) -> None:
    assert repeats([w.text for w in found])
    assert kept(found, seconds) == text


@pytest.mark.parametrize(
    "text", ["What time is it?", "It cost 1000000 and she said hmmm.", "", "...", "to be or not to"]
)
def test_a_text_without_repetitions_is_left_alone(text: str) -> None:
    assert not repeats(text.split())
    found = words(*((w, 0.01) for w in text.split()))
    assert kept(found, 5.0) == text
