"""A speech-to-speech model on a worker, as a `DuplexModel`. Its memory dies with its worker, and that is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from parley.audio.pcm import Float32, from_bytes, to_bytes, to_int16
from parley.errors import ModelError
from parley.models.interfaces import UNTOLD, DuplexFrame, DuplexOpening, DuplexSlot
from parley.v1 import duplex_pb2 as pb
from parley.workers.fleet import Fleet
from parley.workers.routing import Choice, Need

_OPEN_S = 10.0
_FRAME_S = 2.0


class RemoteDuplex:
    """One model of the fleet, with the frames that its worker is known to take; see `DuplexModel`."""

    def __init__(self, fleet: Fleet, name: str, rate_hz: int, frame_samples: int, voices: Sequence[str] = ()) -> None:
        self.name = name
        self.rate_hz = rate_hz
        self.frame_samples = frame_samples
        self.voices = tuple(voices)
        self._fleet = fleet

    @classmethod
    async def find(cls, fleet: Fleet, name: str) -> Self:
        """A model that a worker has in memory, with the frames that it asks for; raises what `open_slot` raises."""
        slot, opened = await _open(fleet, name)
        await slot.aclose()
        return cls(fleet, name, opened.rate_hz, opened.frame_samples, opened.voices)

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        """See `DuplexModel.open_slot`; raises `ModelError` when the worker's frames are others."""
        slot, opened = await _open(self._fleet, self.name, opening)
        if (opened.rate_hz, opened.frame_samples) != (self.rate_hz, self.frame_samples):
            await slot.aclose()
            raise ModelError(
                f"{self.name} on worker {slot.worker} takes {opened.frame_samples} samples at "
                f"{opened.rate_hz} Hz, expected {self.frame_samples} at {self.rate_hz}"
            )
        return slot


async def _open(fleet: Fleet, name: str, opening: DuplexOpening = UNTOLD) -> tuple[_Slot, pb.SlotOpened]:
    """Take a slot on whatever worker has the model, and be told its frames."""
    choice = await fleet.choose(Need(name, kind="duplex", fallback=False), "", set())
    async with fleet.calling(choice) as worker:
        slot = _Slot(fleet, choice, worker.duplex.Converse())
        try:
            told = pb.OpenSlot(model_id=choice.model, role=opening.role, so_far=opening.so_far, voice=opening.voice)
            return slot, (await slot.exchange(pb.DuplexInput(open=told), _OPEN_S)).opened
        except BaseException:
            await slot.aclose()
            raise


class _Slot:
    def __init__(self, fleet: Fleet, choice: Choice, call: Any) -> None:
        self._fleet = fleet
        self._choice = choice
        self._call = call

    @property
    def worker(self) -> str:
        """Whose slot it is."""
        return self._choice.worker

    async def exchange(self, request: pb.DuplexInput, limit_s: float) -> pb.DuplexOutput:
        async with asyncio.timeout(limit_s):
            await self._call.write(request)
            answer = await self._call.read()
        if not isinstance(answer, pb.DuplexOutput):
            raise ModelError(f"worker {self._choice.worker} ended the conversation")
        return answer

    async def step(self, samples: Float32) -> DuplexFrame:
        async with self._fleet.calling(self._choice):
            answer = await self.exchange(pb.DuplexInput(pcm=to_bytes(to_int16(samples))), _FRAME_S)
        return DuplexFrame(from_bytes(answer.pcm), answer.text)

    async def whisper(self, text: str) -> None:
        async with self._fleet.calling(self._choice), asyncio.timeout(_FRAME_S):
            await self._call.write(pb.DuplexInput(whisper=text))

    async def aclose(self) -> None:
        self._call.cancel()
