"""A caller who says a recording, and hears what comes of it to the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from parley.audio import files
from parley.client.caller import RecordedCaller
from parley.client.connection import Connection
from parley.models.fakes import tone
from tests.bench.known_server import KnownServer

RATE = 24000


async def test_a_turn_that_is_over_late_is_answered_before_the_caller_hangs_up(tmp_path: Path) -> None:
    pause = np.zeros(2 * RATE, np.int16)
    files.write(tmp_path / "two.wav", np.concatenate([tone(0.5, RATE), pause, tone(0.5, RATE)]), RATE)
    async with KnownServer(answer_after=60, answer_frames=70).run() as url:
        connection = Connection(url, exact=False)
        async with connection, RecordedCaller(connection) as caller:
            async for _ in caller.exchange(tmp_path / "two.wav"):
                pass
            assert [r.status for r in connection.talk.responses] == ["cancelled", "completed"]
