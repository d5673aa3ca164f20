"""A conversation's sound as a stereo file: agents as everybody hears them, each at a place, people in the middle.

House rules: it is no listener, so nothing waits for it. It mixes by the loop's clock and writes in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import structlog

from parley.audio import files
from parley.audio.pcm import FRAME_MS, Int16, mixed, to_bytes
from parley.audio.places import placed
from parley.conversation.conversation import Conversation
from parley.conversation.output.playout import Playout
from parley.transports.pacing import Ticker
from parley.transports.voices import Voice

log = structlog.get_logger("recording")

RATE_HZ = 24000
_FRAME = RATE_HZ * FRAME_MS // 1000
_FRAME_S = FRAME_MS / 1000
_EAR = ""
"""It is nobody's own."""
_WRITE_EVERY = 50
_MOST_UNWRITTEN = 16 * 1024 * 1024
_MOST_BEHIND = 250
"""Frames that are made up for after the loop stood still."""


class Recorder:
    """Writes one file from `start` to `finish`; while it is paused, time stands still in it."""

    def __init__(
        self, conversation: Conversation, target: Path, place_of: Callable[[str], float], ticker: Ticker,
        broke: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        """`place_of`: where an agent is heard, -1 (left) to 1 (right); `broke` hears that nothing can be written."""
        self.target = target
        self._conversation = conversation
        self._place_of = place_of
        self._ticker = ticker
        self._broke = broke
        self._playout = Playout(lambda _: None)
        self._agents = Voice(RATE_HZ)
        self._sounding = ""
        self._place = 0.0
        self._voices: dict[str, Voice] = {}
        self._frames = self._began_at = 0
        self._began = 0.0
        self._unwritten = bytearray()
        self._writing: asyncio.Task[None] | None = None
        self._runs = False

    @property
    def seconds(self) -> float:
        """How much is recorded."""
        return self._frames * _FRAME_S

    def start(self) -> None:
        """Begin, or go on."""
        if self._runs:
            return
        self._runs, self._began, self._began_at = True, self._now, self._frames
        self._voices.clear()
        self._conversation.context.audience.tap(self._playout)
        self._conversation.ears[_EAR] = self._hear
        self._ticker.add(self._tick, self._fail)

    def pause(self) -> None:
        """Record nothing until it goes on."""
        if not self._runs:
            return
        self._runs = False
        self._ticker.remove(self._tick)
        self._conversation.context.audience.untap(self._playout)
        self._conversation.ears.pop(_EAR, None)
        self._playout = Playout(lambda _: None)  # what was begun is not gone on with

    async def finish(self, *, keep: bool) -> None:
        """End the file, or delete it."""
        self.pause()
        if self._writing is not None:
            await asyncio.wait([self._writing])
        await asyncio.to_thread(self._end, bytes(self._unwritten), keep=keep)
        self._unwritten.clear()

    # -- mixing ---------------------------------------------------------------------------------------

    def _hear(self, name: str, samples: Int16, rate_hz: int) -> None:
        self._voices.setdefault(name, Voice(RATE_HZ)).push(samples, rate_hz)

    def _tick(self, now: float) -> None:
        due = self._began_at + int((now - self._began) / _FRAME_S) - self._frames
        if due > _MOST_BEHIND:
            self._began, self._began_at, due = now, self._frames, 0
        for _ in range(due):
            self._unwritten += to_bytes(self._mixed())
            self._frames += 1
        if len(self._unwritten) > _MOST_UNWRITTEN:
            raise OSError("the disk does not keep up")
        if self._frames % _WRITE_EVERY == 0 and self._unwritten and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._write(), name="recording")

    def _mixed(self) -> Int16:
        """The next 20 ms, shape (frames, 2)."""
        parts = [np.zeros((_FRAME, 2), np.int16)]
        if (frame := self._playout.pull()) is not None:
            if frame.response != self._sounding:
                self._sounding, self._place = frame.response, self._place_in(frame.response)
            self._agents.push(frame.frame.samples, frame.frame.rate_hz)
        said = self._agents.pull() if frame is not None else self._agents.rest()
        if said is not None:
            parts.append(placed(np.pad(said, (0, _FRAME - len(said))), self._place))
        heard = [voice.pull() for voice in self._voices.values()]
        return mixed(*parts, *(placed(words, 0.0) for words in heard if words is not None))

    def _place_in(self, key: str) -> float:
        response = self._conversation.response(key)
        return self._place_of(response.agent) if response is not None else 0.0

    # -- writing --------------------------------------------------------------------------------------

    async def _write(self) -> None:
        data, self._unwritten = bytes(self._unwritten), bytearray()
        try:
            await asyncio.to_thread(self._append, data)
        except OSError as fault:
            self._fail(fault)

    def _append(self, data: bytes) -> None:
        if not self.target.exists():
            self.target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.target.touch(mode=0o600)
            self.target.write_bytes(files.wav_header(None, RATE_HZ, channels=2))
        with self.target.open("ab") as sink:
            sink.write(data)

    def _end(self, data: bytes, *, keep: bool) -> None:
        if not keep:
            self.target.unlink(missing_ok=True)
            return
        self._append(data)
        header = files.wav_header(self._frames * _FRAME, RATE_HZ, channels=2)
        with self.target.open("r+b") as sink:
            sink.write(header)

    def _fail(self, fault: Exception) -> None:
        log.error("a conversation cannot be recorded", session=self._conversation.id, error=str(fault))
        self.pause()
        self._broke(fault)

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()
