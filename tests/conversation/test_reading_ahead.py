"""Work that may be thrown away is done with what nobody needs: not while another session's user waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from parley.conversation import happenings as hp
from parley.models.fakes import FakeChat
from parley.models.interfaces import Caller, ChatOptions, Message
from tests.stage import Stage
from tests.virtual_time import run_virtual


class Noting(FakeChat):
    """Remembers what it was given to read ahead."""

    def __init__(self, answer: str = "It is noon.") -> None:
        super().__init__([answer])
        self.read_ahead: list[str] = []

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        self.read_ahead.append(str(messages[-1]["content"]))


async def conversing(own: Noting, *, beside: bool) -> None:
    """Speak for three seconds, while another session's user waits for an answer that does not come, or alone."""
    stalled = FakeChat(["…"])
    async with Stage(chat=own) as speaking, Stage(chat=stalled) as waiting:
        if beside:
            await waiting.silence(0.3)
            await waiting.say(1.0)
            await waiting.silence(0.8)
            assert stalled.open_streams
        await speaking.silence(0.3)
        await asyncio.gather(speaking.say(3.0), waiting.silence(3.0))
        heard = len(own.read_ahead)
        await speaking.silence_until(hp.ResponseEnded)
        assert (heard == 0) == beside


def test_a_prompt_is_read_while_its_user_still_speaks() -> None:
    run_virtual(conversing(Noting(), beside=False))


def test_it_is_not_while_the_user_of_another_session_waits() -> None:
    run_virtual(conversing(Noting(), beside=True))
