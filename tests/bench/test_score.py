"""Judging words: each answer by its own sound, whatever its server says of it."""

from __future__ import annotations

import numpy as np
import pytest

from parley.audio.pcm import Float32
from parley.bench import scenario as scenarios
from parley.bench.caller import Call
from parley.bench.scenario import ClipEntry
from parley.bench.score import RECOGNISER_RATE_HZ, Result, score_words
from parley.client.connection import RATE_HZ, Response, Talk

FRAME = RATE_HZ // 50
WORD_FRAMES = 10
WRITTEN = {"a": "This is the first answer of them all", "b": "And another one follows right behind that"}


def call_of(heard: list[tuple[str, int]], told: dict[str, str]) -> Call:
    """What was played (answer, or "" for silence; frames), and what of cancelled answers the server says was heard."""
    clip = ClipEntry(file="x.wav", transcript="", language="en")
    text = "[{name: q, title: Q, about: '', steps: [{say: clip}]}]"
    call = Call(scenarios.cases(scenarios.parse(text, "test"), [(clip, 1.0)])[0], Talk(), exact=True)
    for name, written in WRITTEN.items():
        status = "cancelled" if name in told else "completed"
        call.talk.responses.append(Response(name, text=written, status=status, heard=told.get(name)))
    call.sounding = [name for name, frames in heard for _ in range(frames)]
    levels = {"": 0, "a": 10_000, "b": 20_000}
    call.played = np.repeat([levels[name] for name in call.sounding], FRAME).astype(np.int16)
    return call


async def listener(sound: Float32) -> str:
    """Understands a word of 0.2 s at a time, and knows the answers by their level."""
    written = WRITTEN["a" if sound.max(initial=0) < 0.45 else "b"].split()
    return " ".join(written[: round(len(sound) / RECOGNISER_RATE_HZ / (WORD_FRAMES / 50))])


@pytest.mark.parametrize(("told", "right"), [(4, True), (5, True), (3, True), (6, False), (8, False), (0, False)])
async def test_a_history_is_right_when_it_is_what_was_played(told: int, right: bool) -> None:
    of_a = " ".join(WRITTEN["a"].split()[:told])
    call, result = call_of([("a", 4 * WORD_FRAMES)], {"a": of_a}), Result("c", "q", {})
    await score_words(call, result, listener)
    assert result.history_right == [right]
    assert bool(result.history_wrong) is not right
    assert all(w == {"written": WRITTEN["a"], "told": of_a, "heard": "This is the first"} for w in result.history_wrong)


async def test_answers_close_together_or_with_holes_are_judged_by_their_own_sound() -> None:
    heard = [("a", 2 * WORD_FRAMES), ("", 100), ("a", 6 * WORD_FRAMES), ("", 5), ("b", 3 * WORD_FRAMES)]
    call, result = call_of(heard, {"b": "And another one"}), Result("c", "q", {})
    await score_words(call, result, listener)
    assert result.spoken == (0, 8)
    assert result.history_right == [True]
