"""What turn-taking was decided on, written and read again."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from parley.conversation import turn_log
from parley.conversation.turn_log import TurnLog
from parley.errors import UsageError
from parley.turns import events as ev
from parley.turns.replay import Recorded
from parley.turns.settings import TurnSettings

FULL = Path("/dev/full")
EVENTS: list[ev.Event] = [
    ev.SettingsChanged(TurnSettings(mode="silence", silence_s=0.7)),
    ev.VoiceStarted("user", 0.5),
    ev.Transcribed("user", 1, 0, "నమస్కారం", True),
    ev.EndOfSentenceScored("user", 1, "What time is it?", None),
    ev.ResponseCancelled(None),
    ev.Tick(),
]


async def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    log = TurnLog(tmp_path / "new" / "s.jsonl")
    for at, event in enumerate(EVENTS):
        log.add(float(at), event)
    await log.aclose()
    assert turn_log.read(log.path) == [Recorded(float(at), event) for at, event in enumerate(EVENTS)]
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


async def test_a_long_log_is_written_in_order(tmp_path: Path) -> None:
    log = TurnLog(tmp_path / "s.jsonl")
    for at in range(5000):
        log.add(float(at), ev.MediaAdvanced("user", at / 50))
    await log.aclose()
    assert [r.at for r in turn_log.read(log.path)] == [float(at) for at in range(5000)]


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a full disk at hand")
async def test_on_a_full_disk_the_loss_is_told_at_the_end_and_nothing_piles_up() -> None:
    log = TurnLog(FULL)
    event = ev.Transcribed("user", 1, 0, "word " * 1000, True)
    for at in range(1000):
        log.add(float(at), event)
        await asyncio.sleep(0)
    while not log._failed:  # noqa: ASYNC110 - a thread finds it out
        await asyncio.sleep(0.001)
    held = len(log._buffer)
    log.add(1.0, event)
    assert len(log._buffer) == held
    with pytest.raises(OSError, match="No space left"):
        await log.aclose()


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", '{"now": 1, "event": "Nothing"}', '{"now": 1, "event": "VoiceStarted"}']
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('{"now": 0, "event": "Tick"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        turn_log.read(path)


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.jsonl"):
        turn_log.read(tmp_path / "none.jsonl")


async def size_of_one(path: Path) -> int:
    log = TurnLog(path)
    log.add(0.0, ev.Tick())
    await log.aclose()
    return path.stat().st_size


@pytest.mark.parametrize(("less", "kept"), [(0, 2), (1, 1)])
async def test_what_comes_after_the_bound_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, less: int, kept: int
) -> None:
    monkeypatch.setattr(turn_log, "_MOST_BYTES", 2 * await size_of_one(tmp_path / "one.jsonl") - less)
    log = TurnLog(tmp_path / "s.jsonl")
    for _ in range(3):
        log.add(0.0, ev.Tick())
    await log.aclose()
    assert len(turn_log.read(log.path)) == kept


async def test_a_log_is_written_line_by_line_with_the_time_and_the_name_of_each_event(tmp_path: Path) -> None:
    log = TurnLog(tmp_path / "s.jsonl")
    log.add(1.23456789, ev.VoiceStopped("ann", 0.5))
    await log.aclose()
    assert log.path.read_text() == '{"now":1.2346,"event":"VoiceStopped","participant":"ann","at":0.5}\n'


async def test_a_log_that_is_there_is_gone_on_with(tmp_path: Path) -> None:
    for _ in range(2):
        log = TurnLog(tmp_path / "s.jsonl")
        log.add(0.0, ev.Tick())
        await log.aclose()
    assert len(turn_log.read(tmp_path / "s.jsonl")) == 2


async def test_little_is_written_at_once_and_much_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_log, "_FLUSH_BYTES", 2 * await size_of_one(tmp_path / "one.jsonl"))
    log = TurnLog(tmp_path / "s.jsonl")
    log.add(0.0, ev.Tick())
    assert log._writing is None
    log.add(0.0, ev.Tick())
    assert log._writing is not None
    await log._writing
    assert len(turn_log.read(log.path)) == 2
    log.add(0.0, ev.Tick())
    await log.aclose()
    assert len(turn_log.read(log.path)) == 3


async def test_a_log_cannot_be_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError):  # noqa: PT011 - whichever the system says
        TurnLog(tmp_path / "file" / "s.jsonl")
