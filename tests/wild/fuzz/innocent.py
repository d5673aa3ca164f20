"""``python -m tests.wild.fuzz.innocent URL CLIP --seconds N``: a spoken conversation, as JSON what became of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from parley.client.caller import RecordedCaller
from parley.client.connection import RATE_HZ, Connection
from parley.errors import Overloaded

_FRAME_S = 0.02
_FRAME = round(RATE_HZ * _FRAME_S)
_TRIES = 12


@dataclass
class Talked:
    """What one caller experienced."""

    transcripts: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    voice_to_voice_ms: list[int] = field(default_factory=list)
    gaps_s: list[float] = field(default_factory=list)
    """Silences within answers, because their sound came too late; the longest first."""
    errors: list[str] = field(default_factory=list)
    closed: str | None = None


async def talk(url: str, clip: Path, seconds: float) -> Talked:
    """The conversation; a busy server says when to come back. Raises `Overloaded` when it says so all the time."""
    for _ in range(_TRIES):
        try:
            return await _talk(url, clip, seconds)
        except Overloaded as fault:
            await asyncio.sleep(fault.retry_after_s)
    return await _talk(url, clip, seconds)


async def _talk(url: str, clip: Path, seconds: float) -> Talked:
    """Ask the same question aloud, hear the answer to its end, and again until the time is over."""
    found, ends = Talked(), time.monotonic() + seconds
    async with Connection(url) as connection, RecordedCaller(connection) as caller:
        while connection.closed is None:
            async for turn in caller.exchange(clip):
                found.transcripts.append(turn.transcript)
                found.replies.append(turn.reply)
                found.statuses.append(turn.status)
                found.voice_to_voice_ms += [turn.voice_to_voice_ms] if turn.voice_to_voice_ms is not None else []
            if time.monotonic() > ends:
                break
        found.gaps_s = gaps_s(caller.fed, caller.sounding)
        found.errors, found.closed = connection.talk.errors, connection.closed
    return found


def gaps_s(fed: list[int], sounding: list[str]) -> list[float]:
    """Silences between the first and the last frame of each answer, the longest first."""
    found: list[float] = []
    for response in dict.fromkeys(s for s in sounding if s):
        frames = [i for i, s in enumerate(sounding) if s == response]
        missing = [fed[i] < _FRAME and i != frames[-1] for i in range(frames[0], frames[-1] + 1)]
        run = 0
        for empty in missing:
            if not empty and run:
                found.append(round(run * _FRAME_S, 2))
            run = run + 1 if empty else 0
    return sorted(found, reverse=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("clip", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    print(json.dumps(asdict(asyncio.run(talk(given.url, given.clip, given.seconds)))))  # noqa: T201


if __name__ == "__main__":
    main()
