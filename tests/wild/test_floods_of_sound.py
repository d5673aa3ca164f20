"""Much sound at once: the loop stays everybody's."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.stage import RATE, Stage


@pytest.mark.wild(before="0.6 s in which nobody else is heard", case="seven minutes of silence in one message")
async def test_a_backlog_of_silence_lets_others_have_the_loop() -> None:
    async with Stage() as stage:
        turns = 0
        stage.connection.append_audio(np.zeros(416 * RATE, np.int16), RATE)
        while stage.connection.uncommitted_s > 2.5 and turns < 10_000:
            await asyncio.sleep(0)
            turns += 1
    assert turns > 400
