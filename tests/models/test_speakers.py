"""Voices by name: models, their speakers, and what is said of names that nobody has."""

from __future__ import annotations

import pytest

from parley.models.speakers import grouped, unknown_voice, voice_named

KNOWN = {"joe": (), "kokoro": ("af_heart", "am_heart", "am_puck"), "vctk": ("p1", "p2"), "libri": ("p1",)}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("joe", ("joe", "")),
        ("kokoro", ("kokoro", "")),
        ("kokoro/af_heart", ("kokoro", "af_heart")),
        (" Kokoro/AF_Heart ", ("kokoro", "af_heart")),
        ("kokoro/puck", ("kokoro", "am_puck")),
        ("kokoro-puck", ("kokoro", "am_puck")),
        ("am_puck", ("kokoro", "am_puck")),
        ("vctk/p1", ("vctk", "p1")),
        ("p2", ("vctk", "p2")),
        ("puck", None),
        ("kokoro/heart", None),
        ("p1", None),
        ("kokoro/", None),
        ("joe/joe", None),
        ("", None),
    ],
)
def test_a_name_means_a_model_or_a_speaker_of_one(name: str, meant: tuple[str, str] | None) -> None:
    assert voice_named(KNOWN, name) == meant


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kokoro/foo", "no voice is called 'kokoro/foo'; the model 'kokoro' has af_heart, am_heart, am_puck"),
        ("joe/bob", "no voice is called 'joe/bob'; the model 'joe' has one voice, which is called 'joe'"),
        ("p1", "several voices are called 'p1'; say which: vctk/p1, libri/p1"),
        ("carl", "no voice is called 'carl'; there are joe, kokoro/af_heart, kokoro/am_heart, kokoro/am_puck, "
                 "vctk/p1, vctk/p2, libri/p1"),
    ],
)  # fmt: skip
def test_of_a_name_that_nobody_has_it_is_said_what_there_is(name: str, said: str) -> None:
    assert unknown_voice(KNOWN, name) == said


def test_speakers_are_found_by_the_names_that_are_listed() -> None:
    assert grouped(["joe", "kokoro/af_heart", "kokoro/am_puck"]) == {"joe": [], "kokoro": ["af_heart", "am_puck"]}
