"""``parley talk`` when the server goes in the middle of it: what is there counts, and it is no success."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from parley.audio import files
from parley.cli.talk import How, _connect
from parley.client.trust import Trust
from parley.errors import UnavailableError, UsageError
from parley.models.fakes import tone
from tests.bench.known_server import KnownServer

HOW = How(as_json=True, stock=True, api_key=None, trust=Trust(), quiet=True)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "said.wav"
    files.write(path, np.concatenate([tone(0.5, 24000), np.zeros(12000, np.int16)]), 24000)
    return path


async def test_a_server_that_leaves_after_one_of_three_recordings_is_a_fault_and_what_was_said_is_told(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with KnownServer(answer_frames=5, leaves_after=1).run() as url:
        with pytest.raises(UnavailableError, match=r"the connection was lost after . of 3 recordings: "):
            await _connect(url, [clip] * 3, tmp_path / "answer.wav", HOW)
    *_, last = capsys.readouterr().out.splitlines()
    (fault,) = json.loads(last)["summary"]["errors"]
    assert "the connection was lost" in fault
    assert (tmp_path / "answer.wav").exists()


async def test_a_server_that_stays_and_writes_no_words_down_took_no_turn(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with KnownServer(answer_frames=5).run() as url:
        with pytest.raises(UsageError, match="the server took no turn"):
            await _connect(url, [clip] * 2, None, HOW)
    *_, last = capsys.readouterr().out.splitlines()
    assert json.loads(last)["summary"]["errors"] == []
