"""What is written in an answer, what is heard of it, and the silence that it asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from parley.conversation import notifications as nt
from parley.models.fakes import FakeChat
from parley.turns.actions import Ending
from tests.stage import Stage
from tests.virtual_time import run_virtual


def play(answer: str, script: Callable[[Stage], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Stage(chat=FakeChat([answer])) as s:
            await s.silence(0.3)
            await s.say(1.0)
            await script(s)

    run_virtual(run())


def test_a_pause_in_an_answer_is_silence_of_that_length() -> None:
    async def script(s: Stage) -> None:
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.ending is Ending.FINISHED
        assert [text.strip() for text in s.voice.said] == ["Wait", "now."]
        loud = [(frame.start_s, frame.end_s) for _, frame in s.frames if frame.frame.samples.any()]
        hole = max(begin - end for (_, end), (begin, _) in pairwise(loud))
        assert hole == pytest.approx(1.0, abs=0.05)

    play('Wait <break time="1s"/> now.', script)


def test_half_of_a_sum_is_not_heard() -> None:
    async def script(s: Stage) -> None:
        await s.silence_until(nt.ResponseEnded)
        ended = s.of(nt.ResponseEnded)[0]
        written = ended.items[0].text
        assert " ".join(text.strip() for text in s.voice.said) == "You pay twelve dollars and fifty cents, then go."
        s.session.correct_heard(ended.response, 1.0)  # of three words
        assert s.session.history.items[-1].heard_text.strip() == "You pay"
        s.session.correct_heard(ended.response, 2.05)
        assert s.session.history.items[-1].heard_text.strip() == "You pay $12.50,"
        s.session.correct_heard(ended.response, 60.0)
        assert s.session.history.items[-1].heard_text == written

    play("You pay $12.50, then go.", script)


@pytest.mark.parametrize(
    "answer", ["That is all. 😀", "It is this:\n```\nx = 1\n```\n", "So it is [1].\n\n---", "Right. <!-- note -->"]
)
def test_what_has_no_sound_was_heard_with_what_stands_before_it(answer: str) -> None:
    async def script(s: Stage) -> None:
        ended = await s.silence_until(nt.ResponseEnded)
        s.session.correct_heard(ended.response, 60.0)
        assert s.session.history.items[-1].heard_text.rstrip() == ended.items[0].text.rstrip()

    play(answer, script)
