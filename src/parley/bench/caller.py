"""A simulated caller: its room, its loudspeaker's echo, its network; and what it sent, played and was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parley.audio.pcm import Float32, Int16, to_float, to_int16
from parley.bench import sound
from parley.bench.scenario import Case
from parley.client.caller import RecordedCaller
from parley.client.connection import RATE_HZ, Connection, Talk

_FRAME = RATE_HZ // 50
EARLIEST_S = 0.5  # before the caller's own end of speech: noise and weak sounds make that uncertain
_STALL_EVERY = 20


@dataclass(frozen=True, slots=True)
class Said:
    """Something that the caller let be heard, on the time line of the call, seconds."""

    meant: str
    transcript: str
    begins: float
    """First voiced sample (of a noise: its first)."""
    ends: float
    """Last voiced sample."""
    pause: tuple[float, float] | None = None
    """The pause that was put in."""
    goes_on: bool = False
    """It went on what was said before: no answer was due between them."""


@dataclass(slots=True)
class Call:
    """One conversation as the caller experienced it; audio at 24 kHz, times on its time line, seconds."""

    case: Case
    talk: Talk
    exact: bool
    webrtc: bool = False
    said: list[Said] = field(default_factory=list)
    asked_s: float | None = None
    """When text was typed."""
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    sent: Int16 = field(default_factory=lambda: np.empty(0, np.int16))
    played: Int16 = field(default_factory=lambda: np.empty(0, np.int16))
    fed: list[int] = field(default_factory=list)
    sounding: list[str] = field(default_factory=list)
    """The answer that was heard in each 20 ms."""
    late_s: list[float] = field(default_factory=list)
    void: str = ""
    """Why the case says nothing: the answer was over before it could be interrupted, the connection was refused."""


class SimulatedCaller(RecordedCaller):
    """The caller's clock with its room, its loudspeaker's echo and its network."""

    def __init__(self, connection: Connection, case: Case, room: Float32 | None) -> None:
        super().__init__(connection)
        self._case = case
        self._room = room
        self._rng = np.random.default_rng(case.seed)
        self._bundle: list[Int16] = []
        self._blocked_until = 0.0

    def _next_input(self) -> Int16:
        frame = to_float(super()._next_input())
        if self._room is not None:
            frame = frame + np.take(self._room, np.arange(_FRAME) + self._frames * _FRAME, mode="wrap")
        if self._case.echo is not None:
            frame = frame + self._echo(self._case.echo.gain_db, self._case.echo.delay_ms / 1000)
        return to_int16(np.clip(frame, -1.0, 1.0).astype(np.float32))

    def _echo(self, gain_db: float, delay_s: float) -> Float32:
        late = round(delay_s * RATE_HZ)
        frames = self._played[-(late // _FRAME + 2) :]
        tail = to_float(np.concatenate(frames)) if frames else np.empty(0, np.float32)
        tail = np.pad(tail, (max(0, late + _FRAME - len(tail)), 0))
        return sound.echo(tail, gain_db, delay_s, RATE_HZ)[-_FRAME:]

    async def _send(self, frame: Int16) -> None:
        network = self._case.scenario.network
        self._bundle.append(frame)
        if network == "bursty" and len(self._bundle) < 10:
            return
        if network == "stalls" and self._rng.integers(_STALL_EVERY) == 0 and self.now_s > self._blocked_until:
            self._blocked_until = self.now_s + float(self._rng.uniform(0.15, 0.4))
        if self.now_s < self._blocked_until:
            return
        bundle, self._bundle = self._bundle, []
        for held in bundle:
            await self._connection.send_audio(held)
