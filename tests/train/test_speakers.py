"""Who is who among clips whose voices are known directions, and who is held out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from parley.audio.pcm import Float32
from parley.train.clips import Clip
from parley.train.settings import Speakers
from parley.train.speakers import HELD_OUT, TRAIN, held, packed, speakers, unpacked

CLIP = Clip(id="", source="s", audio="", digest="", licence="CC0-1.0", consent="given", language="en", end_s=2.0)
RANDOM = np.random.default_rng(3)
PEOPLE = np.linalg.qr(RANDOM.normal(size=(256, 256)))[0].astype(np.float32)
"""Directions at right angles."""


def clip(person: int, recording: str, name: str = "") -> Clip:
    """One of a person, in which the voice is a little different each time."""
    vector: Float32 = (PEOPLE[person] + RANDOM.normal(0, 0.03, 256)).astype(np.float32)
    number = int(RANDOM.integers(1 << 40))
    return replace(CLIP, id=f"{number}", digest=recording, speaker=name, voice=packed(vector / np.linalg.norm(vector)))


async def told(*found: Clip, **settings: Any) -> list[Clip]:
    return [after async for after in speakers(found, Speakers(**settings), None)]


async def names(*found: Clip) -> list[str]:
    return [after.speaker for after in await told(*found)]


async def test_people_are_told_apart_in_a_recording_and_found_again_in_others() -> None:
    found = await names(clip(0, "a"), clip(1, "a"), clip(0, "a"), clip(1, "b"), clip(2, "b"), clip(0, "c"))
    assert found == ["speaker-1", "speaker-2", "speaker-1", "speaker-2", "speaker-3", "speaker-1"]


async def test_a_name_of_the_source_list_stays_and_is_found_in_other_recordings() -> None:
    assert await names(clip(0, "a"), clip(1, "a"), clip(0, "b", "ann")) == ["ann", "speaker-1", "ann"]


async def test_two_names_stay_two_however_alike_they_sound() -> None:
    assert await names(clip(0, "a", "ann"), clip(0, "b", "anna")) == ["ann", "anna"]


async def test_a_stranger_does_not_get_the_name_of_somebody_in_the_list() -> None:
    assert await names(clip(0, "a", "speaker-1"), clip(1, "b")) == ["speaker-1", "speaker-2"]


async def test_voices_are_not_passed_on_and_what_is_refused_has_no_speaker() -> None:
    refused = replace(CLIP, id="x", refused=("too noisy",))
    found = await told(refused, clip(0, "a"), clip(1, "a"), clip(2, "a"))
    assert found[0] == refused
    assert {after.voice for after in found} == {""}
    assert sorted(after.split for after in found[1:]) == [HELD_OUT, TRAIN, TRAIN]


async def test_without_clips_nobody_is_told_apart() -> None:
    assert await told() == []


def test_as_many_are_held_out_as_say_no_more_than_the_share() -> None:
    seconds = {f"speaker-{number}": 10.0 for number in range(40)}
    found = held(seconds, 0.1)
    assert len(found) == 4
    assert held(dict(reversed(seconds.items())), 0.1) == found
    assert held(seconds, 0.0) == set()


def test_one_is_held_out_where_there_are_three_and_none_where_there_are_two() -> None:
    assert held({"ann": 9.0, "bob": 2.0, "eve": 8.0}, 0.05) == {"bob"}
    assert held({"ann": 9.0, "bob": 2.0}, 0.05) == set()


def test_a_vector_comes_back_as_it_was_packed() -> None:
    assert unpacked(packed(PEOPLE[0])) == pytest.approx(PEOPLE[0], abs=1e-3)
