"""What turn-taking was decided on, written and read again."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from parley.conversation import evidence
from parley.conversation.evidence import EvidenceLog
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
    log = EvidenceLog(tmp_path / "new" / "s.jsonl")
    for at, event in enumerate(EVENTS):
        log.add(float(at), event)
    await log.aclose()
    assert evidence.read(log.path) == [Recorded(float(at), event) for at, event in enumerate(EVENTS)]
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


async def test_a_long_log_is_written_in_order(tmp_path: Path) -> None:
    log = EvidenceLog(tmp_path / "s.jsonl")
    for at in range(5000):
        log.add(float(at), ev.MediaAdvanced("user", at / 50))
    await log.aclose()
    assert [r.at for r in evidence.read(log.path)] == [float(at) for at in range(5000)]


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a full disk at hand")
async def test_on_a_full_disk_the_loss_is_told_at_the_end_and_nothing_piles_up() -> None:
    log = EvidenceLog(FULL)
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
        evidence.read(path)


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.jsonl"):
        evidence.read(tmp_path / "none.jsonl")
