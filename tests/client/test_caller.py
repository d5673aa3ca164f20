"""A caller who says a recording, and hears what comes of it to the end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

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


@pytest.mark.parametrize(("sounds_at_s", "expected"), [(1.5, 500), (0.9, -100), (None, None)])
async def test_an_answer_that_begins_in_a_voice_that_dies_away_is_one(
    sounds_at_s: float | None, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = RecordedCaller(cast(Any, SimpleNamespace()))
    clip = np.concatenate([tone(1.0, RATE), np.zeros(RATE, np.int16)])
    played = np.zeros(3 * RATE, np.int16)
    if sounds_at_s is not None:
        played[round(sounds_at_s * RATE) :] = 8000
    caller._played = [played]
    monkeypatch.setattr(caller, "_frame_at", lambda at: at)
    response = SimpleNamespace(first_sound_at=sounds_at_s)
    found = caller._voice_to_voice_ms(0.0, clip, cast(Any, response))
    assert found == (expected if expected is None else pytest.approx(expected, abs=20))
