"""A worker without its network: its models, the sessions that hold them, the streams under way, and its figures."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import structlog

from parley.errors import UsageError
from parley.models.interfaces import Pronunciation, SpeakingStyle, SpeechChunk, Synthesizer
from parley.models.manager import ModelManager
from parley.models.word_times import timed_speech
from parley.v1 import worker_pb2 as pb
from parley.workers.announcement import ABI_VERSION, Features, Offer
from parley.workers.caller_codec import from_wire
from parley.workers.framing import PieceFramer
from parley.workers.grpc_errors import Draining
from parley.workers.metrics import WorkerMetrics, gpu_memory

log = structlog.get_logger("worker")

_STATES = {
    "absent": pb.Model.ABSENT,
    "loading": pb.Model.LOADING,
    "resident": pb.Model.RESIDENT,
    "failed": pb.Model.FAILED,
}
_FRAME_MS = 20
_PIECES_WAITING = 64


@dataclass(slots=True)
class Stream:
    """One `Synthesize` call: its text, what it may still spend, and whether it is paused."""

    id: str
    session: str
    pieces: asyncio.Queue[pb.TextChunk | None] = field(default_factory=lambda: asyncio.Queue(_PIECES_WAITING))
    credit_ms: int = 0
    paused: bool = False
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def grant(self, milliseconds: int) -> None:
        """More may be spent."""
        self.credit_ms += milliseconds
        self.changed.set()

    def set_paused(self, paused: bool) -> None:
        """PAUSE and RESUME."""
        self.paused = paused
        self.changed.set()

    async def may_send(self) -> None:
        """Wait for the credit of one frame and spend it."""
        while self.paused or self.credit_ms < _FRAME_MS:
            self.changed.clear()
            await self.changed.wait()
        self.credit_ms -= _FRAME_MS


class Host:
    """What a worker does; the servicers translate."""

    def __init__(self, name: str, manager: ModelManager, offers: Mapping[str, Offer], features: Features) -> None:
        self.name = name
        self.manager = manager
        self.offers = offers
        self.features = features
        self.metrics = WorkerMetrics()
        self.streams: dict[str, Stream] = {}
        self.waiting = 0
        """Requests without a first answer."""
        self.draining = False
        self.over = False
        """Nothing is left to be told to who watches."""
        self.quiet = asyncio.Event()
        """Set while no stream is under way."""
        self.quiet.set()
        self._held: dict[tuple[str, str], Any] = {}
        self._voices: dict[str, Sequence[str]] = {}
        self._rtf: deque[tuple[float, float]] = deque(maxlen=64)
        self._watchers: set[asyncio.Event] = set()
        self._process = psutil.Process()
        manager.on_change = self.changed

    # -- sessions -------------------------------------------------------------------------------------

    def admit(self) -> None:
        """Whether something new may begin; raises `Draining`."""
        if self.draining:
            raise Draining(f"{self.name} is about to stop")

    async def start_session(self, session: str, model: str) -> str:
        """Hold a model for a session; returns its id. Raises `ModelNotFound`, `ModelError`, `Overloaded`."""
        self.admit()
        if not session:
            raise UsageError("session_id is empty")
        name = self.manager.get(model).spec.id
        if (session, name) not in self._held:
            held = await self.manager.acquire(name)
            if (session, name) in self._held:  # the same was asked twice at once
                await self.manager.release(name, held)
            self._held.setdefault((session, name), held)
        return name

    async def end_session(self, session: str, model: str = "") -> None:
        """Let go of its model, or of all of them, and end its streams. An unknown session is over already."""
        for key in [k for k in self._held if k[0] == session and model in ("", k[1])]:
            await self.manager.release(key[1], self._held.pop(key))
        for stream in list(self.streams.values()):
            if stream.session == session:
                stream.stopped.set()

    @property
    def sessions(self) -> int:
        """How many hold a model."""
        return len({session for session, _ in self._held})

    # -- speech ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def stream(self, stream: Stream) -> AsyncIterator[Stream]:
        """Register a stream while it goes on; raises `UsageError` for a name that is taken."""
        self.admit()
        if not stream.id or stream.id in self.streams:
            raise UsageError(f"stream_id '{stream.id}' is {'taken' if stream.id else 'empty'}")
        self.streams[stream.id] = stream
        self.quiet.clear()
        self.metrics.streams.inc()
        try:
            yield stream
        finally:
            del self.streams[stream.id]
            self.metrics.streams.dec()
            if not self.streams:
                self.quiet.set()

    async def speak(self, stream: Stream, model_id: str) -> AsyncGenerator[pb.AudioFrame, None]:
        """Frames of a stream, piece after piece, never beyond its credit."""
        async with self.manager.holding(model_id) as model:
            while (chunk := await stream.pieces.get()) is not None:
                async with aclosing(self._speak_piece(stream, chunk, model)) as frames:
                    async for frame in frames:
                        yield frame

    async def _speak_piece(
        self, stream: Stream, chunk: pb.TextChunk, model: Any
    ) -> AsyncGenerator[pb.AudioFrame, None]:
        framer = PieceFramer(stream.id, chunk.generation, chunk.piece, model.rate_hz)
        style = style_of(chunk, model)
        caller = from_wire(chunk.caller, stream.session)
        began = time.monotonic()
        first = True
        async with aclosing(self._measured(timed_speech(model, chunk.text, style, caller), model.rate_hz)) as made:
            async for part in made:
                for frame in framer.push(part):
                    if first:
                        self.metrics.first_audio.observe(time.monotonic() - began)
                        first = False
                    await stream.may_send()
                    yield frame
        for frame in framer.flush():
            await stream.may_send()
            yield frame

    async def _measured(
        self, chunks: AsyncGenerator[SpeechChunk, None], rate_hz: int
    ) -> AsyncGenerator[SpeechChunk, None]:
        """Measure how long the model works; while it makes the first chunk, the request counts as waiting."""
        spent = sound = 0.0
        self.waiting += 1
        waits = True
        try:
            async with aclosing(chunks):
                began = time.monotonic()
                async for chunk in chunks:
                    spent += time.monotonic() - began
                    sound += len(chunk.samples) / rate_hz
                    if waits:
                        self.waiting, waits = self.waiting - 1, False
                    yield chunk
                    began = time.monotonic()
        finally:
            self.waiting -= waits
            if sound:
                self._rtf.append((spent, sound))
                self.metrics.rtf.observe(spent / sound)

    def control(self, action: pb.ControlRequest.Action.ValueType, session: str, stream_id: str) -> int:
        """PAUSE, RESUME or STOP; returns on how many streams it acted."""
        chosen = [
            s for s in self.streams.values() if s.session == session and (not stream_id or s.id == stream_id)
        ]  # fmt: skip
        for stream in chosen:
            if action == pb.ControlRequest.STOP:
                stream.stopped.set()
            else:
                stream.set_paused(action == pb.ControlRequest.PAUSE)
        return len(chosen)

    # -- what it says of itself -----------------------------------------------------------------------

    def changed(self) -> None:
        """Tell who watches."""
        for watcher in self._watchers:
            watcher.set()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set at every change."""
        event = asyncio.Event()
        self._watchers.add(event)
        try:
            yield event
        finally:
            self._watchers.discard(event)

    def drain(self) -> None:
        """Take nothing new."""
        self.draining = True
        self.changed()

    def end(self) -> None:
        """Let who watches go."""
        self.over = True
        self.changed()

    async def aclose(self) -> None:
        """Let go of everything."""
        for session in {session for session, _ in self._held}:
            await self.end_session(session)

    def model(self, name: str) -> pb.Model:
        """A model's state."""
        resident, offer = self.manager.get(name), self.offers[name]
        now = asyncio.get_running_loop().time()
        is_there = resident.state == "resident"
        return pb.Model(
            id=name, kind=offer.kind, family=resident.spec.family, languages=offer.languages,
            voices=self._speakers(name), state=_STATES[resident.state],
            references=resident.references, error=resident.error, tags=offer.tags,
            rate_hz=getattr(resident.model, "rate_hz", offer.rate_hz),
            fixed_speed=getattr(resident.model, "fixed_speed", offer.fixed_speed),
            emotions=getattr(resident.model, "emotions", offer.emotions) if offer.kind == "tts" else (),
            idle_ms=round((now - resident.used_at) * 1000) if is_there else 0,
            resident_ms=round((now - resident.loaded_at) * 1000) if is_there else 0,
            load_ms=round(resident.load_s * 1000),
            memory_bytes=round(resident.took.memory_mb * 2**20), gpu_memory_bytes=round(resident.took.gpu_mb * 2**20),
            peak_memory_bytes=round(resident.took.peak_mb * 2**20),
        )  # fmt: skip

    def _speakers(self, name: str) -> Sequence[str]:
        """As its model says, also after it has left the memory."""
        model = self.manager.get(name).model
        self._voices[name] = getattr(model, "voices", self._voices.get(name, self.offers[name].voices))
        return self._voices[name]

    def capabilities(self) -> pb.Capabilities:
        """Everything that routing needs to know."""
        models = [self.model(name) for name in self.manager.models]
        used, total = gpu_memory()
        spent, sound = (sum(column) for column in zip(*self._rtf, strict=True)) if self._rtf else (0.0, 0.0)
        features = self.features
        return pb.Capabilities(
            name=self.name, abi_version=ABI_VERSION, streaming=features.streaming, zero_shot=features.zero_shot,
            lora=features.lora, cpu_ok=features.cpu_ok, emotive_zero_prompt=features.emotive_zero_prompt,
            languages=sorted({language for m in models for language in m.languages}),
            kinds=sorted({m.kind for m in models}),
            default_model_id=self.manager.settings.default_model_id, models=models, draining=self.draining,
            load=pb.Load(
                queue_depth=self.waiting, sessions=self.sessions, streams=len(self.streams),
                rtf=spent / sound if sound else 0.0, memory_bytes=self._process.memory_info().rss,
                gpu_memory_bytes=used, gpu_memory_total_bytes=total,
            ),
        )  # fmt: skip


def style_of(chunk: pb.TextChunk, voice: Synthesizer) -> SpeakingStyle:
    """As it was asked for; an emotion that this voice has not (another one was meant to speak) is left out."""
    given = chunk.style
    emotion = given.emotion if given.emotion in voice.emotions else "neutral"
    return SpeakingStyle(
        given.voice or None, given.speed or 1.0, given.language or None, emotion, given.intensity,
        tuple(Pronunciation(p.start, p.end, p.ipa) for p in chunk.pronounced),
    )  # fmt: skip
