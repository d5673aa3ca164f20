"""A simulated caller: streams recordings in real time, hears the answers, measures what a person would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from parley.audio import files
from parley.audio.pcm import Int16, frame_samples, mixed, silence, to_float, to_int16
from parley.audio.resample import resample
from parley.client.audibility import first_audible_s, speech_ends_s
from parley.client.connection import RATE_HZ, Connection, Response

_FRAME = frame_samples(RATE_HZ)
_SILENCE = silence(0.02, RATE_HZ)
_REPORT_EVERY = 5
_ANSWER_WITHIN_S = 15.0
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One exchange as the caller experienced it."""

    file: str
    transcript: str
    reply: str
    heard: str
    status: str
    voice_to_voice_ms: int | None
    """Last voiced sample sent to first audible sample played, below zero where that came first; None when not
    answered."""
    server_ms: dict[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """A line of ``--json``."""
        return {
            "file": self.file, "transcript": self.transcript, "reply": self.reply, "heard": self.heard,
            "status": self.status, "voice_to_voice_ms": self.voice_to_voice_ms, "server_ms": self.server_ms,
        }  # fmt: skip


def load_clip(path: Path) -> Int16:
    """A recording at the caller's rate; raises `AudioError`."""
    samples, rate_hz = files.read(path)
    return to_int16(resample(to_float(samples), rate_hz, RATE_HZ))


class Devices(Protocol):
    """A microphone and a loudspeaker that are there."""

    def heard(self) -> Int16:
        """The microphone's next 20 ms; shorter or empty where they are not there yet."""

    def play(self, frame: Int16) -> None:
        """Let 20 ms be heard."""


class RecordedCaller:
    """Sends a microphone's stream (recordings, silence between them) and records what it plays."""

    def __init__(self, connection: Connection, devices: Devices | None = None) -> None:
        """`devices`: real ones beside the recordings."""
        self._connection = connection
        self._devices = devices
        self._sent: list[Int16] = []
        self._played: list[Int16] = []
        self._voices: list[Int16] = []
        self._fed: list[int] = []
        self._sounding: list[str] = []
        self.late_s: list[float] = []
        """How late each frame was sent."""
        self._frames = 0
        self._queue: list[Int16] = []
        self._clock: asyncio.Task[None] | None = None
        self.began = 0.0
        """Loop time of the first frame."""

    async def __aenter__(self) -> Self:
        """Start the microphone."""
        self._clock = asyncio.create_task(self._run(), name="caller-clock")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it."""
        if self._clock is not None:
            self._clock.cancel()

    @property
    def played(self) -> Int16:
        """Everything that was played so far, on the same time line as what was sent."""
        return np.concatenate(self._played) if self._played else np.empty(0, np.int16)

    def played_since(self, seconds: float) -> Int16:
        """The same from a position on."""
        frames = self._played[max(0, int(seconds * RATE_HZ / _FRAME)) :]
        return np.concatenate(frames) if frames else np.empty(0, np.int16)

    @property
    def voices(self) -> Int16:
        """What other people said, on the same time line."""
        return np.concatenate(self._voices) if self._voices else np.empty(0, np.int16)

    @property
    def sent(self) -> Int16:
        """Everything that was sent."""
        return np.concatenate(self._sent) if self._sent else np.empty(0, np.int16)

    @property
    def fed(self) -> list[int]:
        """Samples of an answer in each 20 ms that was played; fewer than a frame's is silence of the player's own."""
        return self._fed

    @property
    def sounding(self) -> list[str]:
        """The answer that was heard in each 20 ms, "" while none was."""
        return self._sounding

    @property
    def now_s(self) -> float:
        """Position on that time line."""
        return self._frames * _FRAME / RATE_HZ

    async def _run(self) -> None:
        """Every 20 ms one frame out of the microphone and one into the loudspeaker, on an absolute schedule."""
        loop = asyncio.get_running_loop()
        self.began = loop.time()
        while self._connection.closed is None:
            self.late_s.append(loop.time() - self.began - self._frames * 0.02)
            player = self._connection.player
            before = player.total
            self._played.append(player.take(_FRAME))
            voices = player.voices.take(_FRAME)
            self._voices.append(_SILENCE if voices is None else voices)
            if self._devices is not None:
                self._devices.play(mixed(self._played[-1], self._voices[-1]))
            self._fed.append(player.total - before)
            self._sounding.append(player.playing if player.total > before else "")
            frame = self._next_input()
            self._sent.append(frame)
            self._frames += 1
            await self._send(frame)
            await self._connection.report_played()
            if self._frames % _REPORT_EVERY == 0:
                await self._report()
            await asyncio.sleep(max(0.0, self.began + self._frames * 0.02 - loop.time()))

    async def _send(self, frame: Int16) -> None:
        await self._connection.send_audio(frame)

    async def _report(self) -> None:
        running = [r for r in self._connection.talk.responses[-2:] if r.status == "in_progress" and r.first_sound_at]
        for response in running if self._connection.exact else ():
            await self._connection._position("position", response.id)

    def _next_input(self) -> Int16:
        said = self._devices.heard() if self._devices is not None else np.empty(0, np.int16)
        if not self._queue:
            return np.pad(said, (0, _FRAME - len(said)))
        clip = self._queue[0]
        frame = clip[:_FRAME]
        if len(clip) <= _FRAME:
            self._queue.pop(0)
            frame = np.pad(frame, (0, _FRAME - len(frame)))
        else:
            self._queue[0] = clip[_FRAME:]
        return frame

    def speak(self, clip: Int16) -> float:
        """Say a recording after whatever is queued; returns where it begins on the time line, seconds."""
        begins = self.now_s + sum(map(len, self._queue)) / RATE_HZ
        self._queue.append(clip)
        return begins

    async def wait_for(self, condition: Any, timeout_s: float) -> bool:
        """Wait until `condition()` holds after some event; False after the time."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not condition():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or self._connection.closed is not None:
                return False
            self._connection.changed.clear()
            try:
                await asyncio.wait_for(self._connection.changed.wait(), min(left, 0.25))
            except TimeoutError:
                continue
        return True

    async def exchange(self, path: Path) -> AsyncIterator[TurnReport]:
        """Say a recording, hear the answers to the end, report each turn of it."""
        talk, clip = self._connection.talk, load_clip(path)
        first_turn, first_response = len(talk.turns), len(talk.responses)
        begins = self.speak(clip)
        ends = begins + len(clip) / RATE_HZ
        await self.wait_for(lambda: self.now_s > ends, len(clip) / RATE_HZ + 5)
        answered = lambda: len(talk.responses) > first_response and not talk.sounding  # noqa: E731
        await self.wait_for(answered, _ANSWER_WITHIN_S)
        await self.wait_for(self._quiet_since(first_response), 60.0)
        for turn in talk.turns[first_turn:]:
            response = next((r for r in talk.responses[first_response:] if r.turn_item == turn.item), None)
            if not turn.transcript and response is None:
                continue
            yield TurnReport(
                path.name, turn.transcript, response.text.strip() if response else "",
                (response.heard or "").strip() if response else "", response.status if response else "unanswered",
                self._voice_to_voice_ms(begins, clip, response), response.waterfall if response else None,
            )  # fmt: skip

    def _quiet_since(self, first: int) -> Any:
        """Everything ended, and nothing new for half a second."""
        quiet_from: list[float] = []

        def holds() -> bool:
            busy = any(r.status == "in_progress" for r in self._connection.talk.responses[first:])
            if busy or self._connection.state not in ("LISTENING",):
                quiet_from.clear()
                return False
            quiet_from.append(self.now_s)
            return self.now_s - quiet_from[0] > _SETTLE_S

        return holds

    def _voice_to_voice_ms(self, begins: float, clip: Int16, response: Response | None) -> int | None:
        if response is None or response.first_sound_at is None:
            return None
        heard_from = self._frame_at(response.first_sound_at)
        audible = first_audible_s(self.played, RATE_HZ, max(0.0, heard_from - 0.1))
        if audible is None:
            return None
        ends = [begins + end for end in speech_ends_s(clip, RATE_HZ)]
        said = [end for end in ends if end <= audible] or ends[:1]  # an answer may begin in a voice that dies away
        return round((audible - said[-1]) * 1000) if said else None

    def _frame_at(self, loop_time: float) -> float:
        """Position on the time line at a loop time (the microphone keeps to the clock)."""
        return self.now_s - (asyncio.get_running_loop().time() - loop_time)
