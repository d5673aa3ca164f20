"""Many conversations on one network that goes forward frame by frame: what has a frame ready is stepped together.

The network has a fixed number of slots and steps all of them at once; a mask says which of them go forward. A step
begins as soon as one slot has a frame and takes every frame that is ready by then. So a frame waits at most for the
step under way, and the network keeps up with all slots as long as one step is shorter than one frame.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from parley.audio.pcm import Float32, Int16
from parley.errors import ModelError, Overloaded, UsageError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import UNTOLD, Caller, DuplexFrame, DuplexOpening, DuplexSlot, Priority

log = structlog.get_logger("model")

Mask = NDArray[np.bool_]
_ENDS_S = 10.0


class SlotNetwork(Protocol):
    """A network with a memory for each slot. All calls come from one thread, the one that made it."""

    slots: int
    rate_hz: int
    frame_samples: int
    voices: Sequence[str]
    """See `DuplexModel.voices`."""
    late_s: float
    """So far behind its speaker, a conversation leaves frames out."""

    def reset(self, which: Mask) -> None:
        """Give the slots of `which`, shape (slots,), the memory of a conversation that begins; touch no other."""

    def lead(self, slot: int, opening: DuplexOpening) -> None:
        """Let a slot that was just reset begin behind what it is told; see `DuplexModel.open_slot`."""

    def whisper(self, slot: int, text: str) -> None:
        """See `DuplexSlot.whisper`."""

    def step(self, frames: Float32, ready: Mask) -> tuple[Int16, Sequence[str]]:
        """Take a frame for each slot of `ready`, shape (slots,), and leave the memory of all others as it is.

        `frames` has the shape (slots, frame_samples) and is zero where nothing is ready. Returns sound of the same
        shape and what each slot says; what stands there for slots that are not ready counts for nothing.
        """

    def close(self) -> None:
        """Give the memory back."""


@dataclass(slots=True)
class _Waiting:
    """A frame that is to be stepped, and what came of it."""

    samples: Float32
    out: DuplexFrame | None = None
    fault: str = ""
    """Why nothing comes of this slot alone."""


class SlotBatch:
    """The slots of one network; see `DuplexModel`. Slots are opened, stepped and closed from one event loop.

    Owns the network and the thread that works for it.
    """

    def __init__(
        self,
        name: str,
        network: SlotNetwork,
        executor: ModelExecutor,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`executor`: the one thread in which the network was made."""
        self.name = name
        self.rate_hz = network.rate_hz
        self.frame_samples = network.frame_samples
        self.slots = network.slots
        self.voices = network.voices
        self.late_s = network.late_s
        self.steps = 0
        """How often the network was stepped."""
        self.skipped = 0
        """Frames that were left out because they came to their turn too late."""
        self.clock = clock
        self._network = network
        self._executor = executor
        self._free = list(range(network.slots))
        self._lock = threading.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._beginning: dict[int, DuplexOpening] = {}
        """Slots that have to forget before their next frame, and what they are told then."""
        self._whispers: dict[int, list[str]] = {}
        self._fault = ""
        self._closed = False

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        """See `DuplexModel.open_slot`; raises `ModelError` when the network has failed or was unloaded.

        So it does for a voice that it does not have.
        """
        if self._fault:
            raise ModelError(self._fault)
        if opening.voice and opening.voice not in self.voices:
            there = ", ".join(self.voices) or "none"
            raise ModelError(f"{self.name} has no voice '{opening.voice}'; there are {there}")
        if not self._free:
            raise Overloaded(f"all {self.slots} conversations that {self.name} can carry are under way")
        index = self._free.pop(0)
        with self._lock:
            self._beginning[index] = opening
        return _Slot(self, index)

    async def step(self, index: int, samples: Float32) -> DuplexFrame:
        """Step a slot, together with all others that are ready; for `_Slot`."""
        if self._fault:
            raise ModelError(self._fault)
        frame = _Waiting(samples)
        with self._lock:
            if index in self._waiting:
                raise UsageError(f"{self.name}: a conversation gives one frame at a time")
            self._waiting[index] = frame
        try:
            return await self._executor.run(lambda: self._stepped(frame), Caller(f"{self.name}/{index}"))
        finally:
            self._withdraw(index, frame)

    def whisper(self, index: int, text: str) -> None:
        """Before the next frame of a slot; for `_Slot`."""
        with self._lock:
            self._whispers.setdefault(index, []).append(text)

    def leave(self, index: int) -> None:
        """Free a slot; a frame of it that still waits is not stepped. For `_Slot`."""
        with self._lock:
            self._waiting.pop(index, None)
            self._whispers.pop(index, None)
        self._free.append(index)
        self._free.sort()

    async def aclose(self) -> None:
        """Unload: what is being stepped comes to its end, everything after that fails. Once more does nothing."""
        if self._closed:
            return
        self._closed = True
        self._fault = self._fault or f"{self.name} was unloaded"
        try:
            async with asyncio.timeout(_ENDS_S):
                await self._executor.run(self._network.close, Caller(priority=Priority.BACKGROUND))
        except TimeoutError:
            log.error("duplex network does not end", model=self.name, seconds=_ENDS_S)
        self._executor.close()
        await asyncio.to_thread(self._executor.join, _ENDS_S)

    def _withdraw(self, index: int, frame: _Waiting) -> None:
        with self._lock:
            if self._waiting.get(index) is frame:  # nobody waits for it any more
                del self._waiting[index]

    def _stepped(self, frame: _Waiting) -> DuplexFrame:
        """In the thread: what came of a frame, stepped with all others unless one of them has done so already."""
        if frame.out is None and not self._fault:
            with self._lock:
                taken, self._waiting = self._waiting, {}
                beginning = {i: self._beginning.pop(i) for i in taken.keys() & self._beginning.keys()}
                whispers = [(i, text) for i in taken.keys() & self._whispers.keys() for text in self._whispers.pop(i)]
            try:
                if taken:
                    self._prepare(taken, beginning, whispers)
                    self._step(taken)
            except Exception as fault:
                self._fault = f"{self.name} failed and has to be loaded anew: {type(fault).__name__}: {fault}"
                log.error("duplex network failed", model=self.name, exc_info=True)
                raise ModelError(self._fault) from fault
        if frame.out is None:
            raise ModelError(frame.fault or self._fault or f"this conversation with {self.name} is over")
        return frame.out

    def _prepare(
        self, taken: dict[int, _Waiting], beginning: Mapping[int, DuplexOpening], whispers: Sequence[tuple[int, str]]
    ) -> None:
        """Tell slots what they are to know; one that cannot take it leaves `taken`, and the others go on."""
        if beginning:
            self._network.reset(self._mask(beginning))
        told = [
            *((i, partial(self._network.lead, i, opening)) for i, opening in beginning.items() if opening != UNTOLD),
            *((i, partial(self._network.whisper, i, text)) for i, text in whispers),
        ]
        for index, tell in told:
            if index not in taken:
                continue
            try:
                tell()
            except Exception as fault:
                log.error("a conversation cannot take what it is told", model=self.name, exc_info=True)
                taken.pop(index).fault = f"{self.name} cannot take what it is told: {type(fault).__name__}: {fault}"

    def _step(self, taken: Mapping[int, _Waiting]) -> None:
        if not taken:
            return
        frames = np.zeros((self.slots, self.frame_samples), np.float32)
        for index, frame in taken.items():
            frames[index] = frame.samples
        sound, said = self._network.step(frames, self._mask(taken))
        self.steps += 1
        for index, frame in taken.items():
            frame.out = DuplexFrame(sound[index].copy(), said[index])

    def _mask(self, which: Iterable[int]) -> Mask:
        mask = np.zeros(self.slots, np.bool_)
        mask[list(which)] = True
        return mask


class _Slot:
    """One conversation; see `DuplexSlot`."""

    def __init__(self, batch: SlotBatch, index: int) -> None:
        self._batch = batch
        self._index = index
        self._frame_s = batch.frame_samples / batch.rate_hz
        self._answered: float | None = None
        """When the last frame was given back."""
        self._said = 0.0
        """When, at the earliest, the last frame was spoken."""
        self._skipped = 0
        self._closed = False

    async def step(self, samples: Float32) -> DuplexFrame:
        """See `DuplexSlot.step`. A frame of a conversation that is too far behind is left out and silence given."""
        batch = self._batch
        if self._closed:
            raise ModelError(f"this conversation with {batch.name} is over")
        if samples.shape != (batch.frame_samples,):
            raise UsageError(f"a frame has {batch.frame_samples} samples, got {len(samples)}")
        try:
            if self._is_late():
                self._skip()
                await asyncio.sleep(0)
                return DuplexFrame(np.zeros(batch.frame_samples, np.int16))
            return await batch.step(self._index, samples)
        finally:
            self._answered = batch.clock()

    async def whisper(self, text: str) -> None:
        """See `DuplexSlot.whisper`."""
        if not self._closed:
            self._batch.whisper(self._index, text)

    def _is_late(self) -> bool:
        """Whether this frame has waited too long.

        One that comes soon after the answer to the last has waited for it: it was spoken one frame after the last.
        One that comes later has not, so it was spoken just now.
        """
        now = self._batch.clock()
        waited = self._answered is not None and now - self._answered < self._frame_s / 2
        self._said = self._said + self._frame_s if waited else now
        return now - self._said > self._batch.late_s

    def _skip(self) -> None:
        self._skipped += 1
        self._batch.skipped += 1
        if self._skipped == 1:
            log.warning("the model is slower than speech: frames are left out", model=self._batch.name)

    async def aclose(self) -> None:
        """See `DuplexSlot.aclose`."""
        if not self._closed:
            self._closed = True
            self._batch.leave(self._index)
            if self._skipped:
                log.info("frames left out", model=self._batch.name, frames=self._skipped)
