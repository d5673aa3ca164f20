"""A recogniser on a worker, as a `Recognizer`: the utterance is kept here, so that another worker can hear it anew."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from itertools import count
from typing import Any

import structlog
from grpc.aio import AioRpcError

from parley.audio.pcm import Float32, to_bytes, to_int16
from parley.errors import ModelError, Overloaded
from parley.models.interfaces import MODEL_RATE_HZ, UNGUIDED, Caller, Guidance, TimedText, Transcript
from parley.v1 import recognition_pb2 as pb
from parley.workers.caller_codec import to_wire
from parley.workers.failover import Failover
from parley.workers.fleet import STREAM_SILENT_S, Fleet
from parley.workers.routing import Choice, Need

log = structlog.get_logger("worker")

_KEPT_BYTES = 300 * MODEL_RATE_HZ * 2  # five minutes; of a longer utterance the end
_MESSAGE_BYTES = 256 * 1024


class RemoteRecognizer:
    """One model of the fleet; see `Recognizer`. Guidance does not travel to workers, nor what it tells of ends."""

    guided_by: Collection[str] = ()
    tells_ends = False

    def __init__(self, fleet: Fleet, name: str, languages: Sequence[str]) -> None:
        self.name = name
        self.languages = languages
        self.fleet = fleet
        self.asking = 0

    @property
    def idle(self) -> bool:
        """See `Recognizer.idle`: nothing of ours is under way."""
        return not self.asking

    def open(self, language: str | None = None, guidance: Guidance = UNGUIDED) -> RemoteUtterance:
        """See `Recognizer.open`."""
        return RemoteUtterance(self, language)


class RemoteUtterance:
    """One utterance; see `RecognizerStream`."""

    def __init__(self, recognizer: RemoteRecognizer, language: str | None) -> None:
        self._recognizer = recognizer
        self._language = language
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._call: _Call | None = None
        self._closed = False
        self._lock = asyncio.Lock()

    def feed(self, samples: Float32) -> None:
        """See `RecognizerStream.feed`."""
        self._kept.append(to_bytes(to_int16(samples)))
        self._kept_bytes += len(self._kept[-1])
        while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.pop(0))
            if self._call is not None:
                self._call.sent = max(0, self._call.sent - 1)

    async def partial(self, caller: Caller) -> Transcript:
        """See `RecognizerStream.partial`."""
        return await self._ask(caller, final=False)

    async def finish(self, caller: Caller) -> Transcript:
        """See `RecognizerStream.finish`."""
        return await self._ask(caller, final=True)

    def close(self) -> None:
        """See `RecognizerStream.close`."""
        self._closed = True
        if self._call is not None and not self._call.asked:
            self._call.close()

    async def _ask(self, caller: Caller, *, final: bool) -> Transcript:
        recognizer = self._recognizer
        need = Need(recognizer.name, kind="asr", fallback=True)
        failover = Failover(recognizer.fleet, need, caller.owner)
        recognizer.asking += 1
        try:
            while True:
                choice = await failover.choose()
                try:
                    return await self._ask_at(choice, need, caller, final=final)
                except (ModelError, Overloaded) as fault:
                    self._drop()
                    failover.failed(choice, fault)
        finally:
            recognizer.asking -= 1
            if self._closed:
                self.close()

    async def _ask_at(self, choice: Choice, need: Need, caller: Caller, *, final: bool) -> Transcript:
        fleet = self._recognizer.fleet
        async with fleet.calling(choice) as worker:
            async with self._lock:
                if self._call is None or self._call.broken or self._call.choice != choice:
                    self._drop()
                    fleet.bindings.bind(caller.owner, need, choice)
                    self._call = _Call(choice, worker.recognition.Recognize())
                    opening = pb.OpenUtterance(
                        session_id=caller.owner, model_id=choice.model, language=self._language or ""
                    )
                    await self._call.write(pb.RecognizeRequest(open=opening))
                call = self._call
                sound = b"".join(self._kept[call.sent :])
                call.sent = len(self._kept)
                for start in range(0, len(sound), _MESSAGE_BYTES):
                    await call.write(pb.RecognizeRequest(pcm=sound[start : start + _MESSAGE_BYTES]))
            return await call.ask(caller, final=final)

    def _drop(self) -> None:
        if self._call is not None:
            self._call.close()
            self._call = None


class _Call:
    """One `Recognize` call: questions and the answers that come back."""

    def __init__(self, choice: Choice, call: Any) -> None:
        self.choice = choice
        self.sent = 0
        """Parts of the utterance that the worker has."""
        self.asked: dict[int, asyncio.Future[Transcript]] = {}
        self.broken = False
        self._call = call
        self._numbers = count(1)
        self._writing = asyncio.Lock()
        self._reading = asyncio.create_task(self._read(), name="read transcripts")

    async def write(self, request: pb.RecognizeRequest) -> None:
        """Send; one at a time, and not for ever."""
        async with self._writing, asyncio.timeout(STREAM_SILENT_S):
            await self._call.write(request)

    async def ask(self, caller: Caller, *, final: bool) -> Transcript:
        """The words so far; raises `ModelError`, and what the connection raised."""
        number = next(self._numbers)
        answer: asyncio.Future[Transcript] = asyncio.get_running_loop().create_future()
        self.asked[number] = answer
        ask = pb.Ask(id=number, final=final, caller=to_wire(caller))
        try:
            await self.write(pb.RecognizeRequest(ask=ask))
            return await answer
        except asyncio.CancelledError:
            if not self.broken:
                await self.write(pb.RecognizeRequest(cancel=number))
            raise
        finally:
            self.asked.pop(number, None)

    async def _read(self) -> None:
        try:
            while True:
                async with asyncio.timeout(STREAM_SILENT_S):
                    answer = await self._call.read()
                if not isinstance(answer, pb.RecognizeResponse):
                    raise ModelError(f"worker {self.choice.worker} ended an utterance", retryable=True)
                self._take(answer)
        except Exception as fault:
            if not isinstance(fault, AioRpcError | TimeoutError | ModelError):
                log.error("reading transcripts failed", worker=self.choice.worker, exc_info=True)
                fault = ModelError(f"worker {self.choice.worker}: {type(fault).__name__}", retryable=True)
            self.broken = True
            for future in self.asked.values():
                if not future.done():
                    future.set_exception(fault)
        finally:
            self.broken = True

    def _take(self, answer: pb.RecognizeResponse) -> None:
        future = self.asked.get(answer.id)
        if future is None or future.done():
            return
        if answer.error:
            fault = ModelError(f"worker {self.choice.worker}: {answer.error}", retryable=answer.retryable)
            future.set_exception(fault)
            return
        segments = tuple(TimedText(s.text, s.start_s, s.end_s) for s in answer.segments)
        future.set_result(Transcript(answer.text, answer.language, segments, tuple(answer.tokens)))

    def close(self) -> None:
        """End it; nobody waits any more."""
        self.broken = True
        self._reading.cancel()
        self._call.cancel()
