"""The gRPC services of a worker: `Worker`, `Recognition` and `Duplex`, around a `Host`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, NoReturn, TypeVar

import structlog
from grpc.aio import ServicerContext

from parley.audio.pcm import from_bytes, to_bytes, to_float
from parley.errors import ParleyError, UsageError
from parley.models.interfaces import RecognizerStream, Transcript
from parley.v1 import duplex_pb2, duplex_pb2_grpc, recognition_pb2, recognition_pb2_grpc, worker_pb2_grpc
from parley.v1 import worker_pb2 as pb
from parley.workers import faults
from parley.workers.callers import from_wire
from parley.workers.host import Host, Stream

log = structlog.get_logger("worker")

T = TypeVar("T")
HEARTBEAT_S = 0.2
_TELL_EVERY_S = 1.0
_LONGEST_TEXT = 5000
_QUEUE = 16  # frames between the model and the network: what is waiting there was paid for by credit
Context = ServicerContext[Any, Any]


class _Calls:
    """What the services share."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def _answer(self, context: Context, work: Awaitable[T]) -> T:
        """The result, or the fault in the interface's form."""
        try:
            return await work
        except ParleyError as fault:
            await self._fail(context, fault)

    @asynccontextmanager
    async def _failing(self, context: Context) -> AsyncIterator[None]:
        try:
            yield
        except ParleyError as fault:
            await self._fail(context, fault)

    async def _fail(self, context: Context, fault: ParleyError) -> NoReturn:
        self._host.gauges.failures.labels(type(fault).__name__).inc()
        await faults.abort(context, fault)


async def _with_heartbeats(
    work: AsyncGenerator[T, None], heartbeat: Callable[[], T], stopped: asyncio.Event
) -> AsyncGenerator[T, None]:
    """What `work` gives, and a heartbeat whenever it gave nothing for a while; ends early once `stopped`."""
    queue: asyncio.Queue[tuple[T | None, BaseException | None]] = asyncio.Queue(_QUEUE)

    async def move() -> None:
        fault: BaseException | None = None
        try:
            async with aclosing(work):
                async for item in work:
                    await queue.put((item, None))
        except Exception as error:  # noqa: BLE001 - raised again on the other side of the queue
            fault = error
        await queue.put((None, fault))

    moving = asyncio.create_task(move())
    stopping = asyncio.create_task(stopped.wait())
    getting: asyncio.Task[tuple[T | None, BaseException | None]] | None = None
    try:
        while not stopped.is_set():
            if not queue.empty():
                item, fault = queue.get_nowait()
            else:
                getting = getting or asyncio.create_task(queue.get())
                done, _ = await asyncio.wait({getting, stopping}, timeout=HEARTBEAT_S, return_when="FIRST_COMPLETED")
                if getting not in done:
                    if not done:
                        yield heartbeat()
                    continue
                item, fault = getting.result()
                getting = None
            if fault is not None:
                raise fault
            if item is None:
                return
            yield item
    finally:
        tasks = [t for t in (moving, stopping, getting) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class WorkerService(_Calls, worker_pb2_grpc.WorkerServicer):
    """Sessions, models and speech."""

    async def StartSession(self, request: pb.StartSessionRequest, context: Context) -> pb.StartSessionResponse:
        """See the interface."""
        work = self._host.start_session(request.session_id, request.model_id)
        return pb.StartSessionResponse(model_id=await self._answer(context, work))

    async def EndSession(self, request: pb.EndSessionRequest, context: Context) -> pb.EndSessionResponse:
        """See the interface."""
        await self._host.end_session(request.session_id, request.model_id)
        return pb.EndSessionResponse()

    async def Synthesize(
        self, request_iterator: AsyncIterator[pb.TextChunk], context: Context
    ) -> AsyncGenerator[pb.AudioFrame, None]:
        """See the interface."""
        async with self._failing(context):
            first = await anext(aiter(request_iterator), None)
            if first is None:
                return
            stream = Stream(first.stream_id, first.session_id)
            async with self._host.stream(stream):
                await _take(stream, first)
                reading = asyncio.create_task(_read(stream, request_iterator))
                frames = self._host.speak(stream, first.model_id)
                try:
                    async with aclosing(_with_heartbeats(frames, _heartbeat(stream), stream.stopped)) as sent:
                        async for frame in sent:
                            yield frame
                            if reading.done() and (fault := reading.exception()):
                                raise fault
                finally:
                    reading.cancel()

    async def Control(self, request: pb.ControlRequest, context: Context) -> pb.ControlResponse:
        """See the interface."""
        async with self._failing(context):
            if request.action == pb.ControlRequest.ACTION_UNSPECIFIED:
                raise UsageError("action is not set: PAUSE, RESUME, STOP or RELOAD")
            if request.action == pb.ControlRequest.RELOAD:
                await self._host.manager.reload(request.model_id)
                return pb.ControlResponse()
            return pb.ControlResponse(streams=self._host.control(request.action, request.session_id, request.stream_id))

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """See the interface."""
        return pb.ListModelsResponse(models=[self._host.model(name) for name in self._host.manager.models])

    async def LoadModel(self, request: pb.LoadModelRequest, context: Context) -> pb.LoadModelResponse:
        """See the interface."""
        async with self._failing(context):
            self._host.admit()
            if request.background:
                self._host.manager.load_in_background(request.model_id)
            else:
                await self._host.manager.load(request.model_id)
            return pb.LoadModelResponse(model=self._host.model(request.model_id))

    async def UnloadModel(self, request: pb.UnloadModelRequest, context: Context) -> pb.UnloadModelResponse:
        """See the interface."""
        await self._answer(context, self._host.manager.unload(request.model_id))
        return pb.UnloadModelResponse()

    async def GetCapabilities(self, request: pb.GetCapabilitiesRequest, context: Context) -> pb.Capabilities:
        """See the interface."""
        return self._host.capabilities()

    async def Watch(
        self, request: pb.GetCapabilitiesRequest, context: Context
    ) -> AsyncGenerator[pb.Capabilities, None]:
        """See the interface."""
        async with self._host.watching() as changed:
            while not self._host.over:
                changed.clear()
                yield self._host.capabilities()
                waiting = asyncio.create_task(changed.wait())
                await asyncio.wait({waiting}, timeout=_TELL_EVERY_S)
                waiting.cancel()


def _heartbeat(stream: Stream) -> Callable[[], pb.AudioFrame]:
    return lambda: pb.AudioFrame(stream_id=stream.id)


async def _read(stream: Stream, requests: AsyncIterator[pb.TextChunk]) -> None:
    """Text and credit as they come; the end of the requests is the end of the text."""
    async for chunk in requests:
        await _take(stream, chunk)
    await stream.pieces.put(None)


async def _take(stream: Stream, chunk: pb.TextChunk) -> None:
    if len(chunk.text) > _LONGEST_TEXT:
        raise UsageError(f"text has {len(chunk.text)} characters, a piece may have {_LONGEST_TEXT}")
    if chunk.credit_ms:
        stream.grant(chunk.credit_ms)
    if chunk.text:
        await stream.pieces.put(chunk)
    if chunk.last:
        await stream.pieces.put(None)


class RecognitionService(_Calls, recognition_pb2_grpc.RecognitionServicer):
    """Speech to words."""

    async def Recognize(
        self, request_iterator: AsyncIterator[recognition_pb2.RecognizeRequest], context: Context
    ) -> AsyncGenerator[recognition_pb2.RecognizeResponse, None]:
        """See the interface."""
        async with self._failing(context):
            first = await anext(aiter(request_iterator), None)
            if first is None:
                return
            if first.WhichOneof("kind") != "open":
                raise UsageError("the first message of an utterance must be 'open'")
            self._host.admit()
            async with self._host.manager.holding(first.open.model_id) as model:
                stream = model.open(first.open.language or None)
                answers = _Utterance(self._host, stream).answers(request_iterator)
                beat = recognition_pb2.RecognizeResponse
                async with aclosing(_with_heartbeats(answers, beat, asyncio.Event())) as sent:
                    async for answer in sent:
                        yield answer


class _Utterance:
    """One utterance: sound goes in, questions are answered beside each other."""

    def __init__(self, host: Host, stream: RecognizerStream) -> None:
        self._host = host
        self._stream = stream
        self._asked: dict[int, asyncio.Task[None]] = {}
        self._answers: asyncio.Queue[recognition_pb2.RecognizeResponse | None] = asyncio.Queue()

    async def answers(
        self, requests: AsyncIterator[recognition_pb2.RecognizeRequest]
    ) -> AsyncGenerator[recognition_pb2.RecognizeResponse, None]:
        """Until the requests end and everything is answered."""
        reading = asyncio.create_task(self._read(requests))
        try:
            while (answer := await self._answers.get()) is not None:
                yield answer
            reading.result()
        finally:
            tasks = [reading, *self._asked.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[recognition_pb2.RecognizeRequest]) -> None:
        try:
            async for request in requests:
                match request.WhichOneof("kind"):
                    case "pcm":
                        self._stream.feed(to_float(from_bytes(request.pcm)))
                    case "ask":
                        self._asked[request.ask.id] = asyncio.create_task(self._answer(request.ask))
                    case "cancel" if (task := self._asked.get(request.cancel)) is not None:
                        task.cancel()
            await asyncio.gather(*self._asked.values(), return_exceptions=True)
        finally:
            await self._answers.put(None)

    async def _answer(self, ask: recognition_pb2.Ask) -> None:
        caller = from_wire(ask.caller)
        began = time.monotonic()
        self._host.waiting += 1
        try:
            words = await (self._stream.finish(caller) if ask.final else self._stream.partial(caller))
            self._host.gauges.recognition.observe(time.monotonic() - began)
            self._answers.put_nowait(_response(ask.id, words))
        except ParleyError as fault:
            retryable = bool(getattr(fault, "retryable", True))
            self._answers.put_nowait(
                recognition_pb2.RecognizeResponse(id=ask.id, error=str(fault), retryable=retryable)
            )
        finally:
            self._host.waiting -= 1
            self._asked.pop(ask.id, None)


def _response(number: int, words: Transcript) -> recognition_pb2.RecognizeResponse:
    segments = [recognition_pb2.Segment(text=s.text, start_s=s.start_s, end_s=s.end_s) for s in words.segments]
    return recognition_pb2.RecognizeResponse(
        id=number, text=words.text, language=words.language, segments=segments, tokens=words.tokens
    )


class DuplexService(_Calls, duplex_pb2_grpc.DuplexServicer):
    """Native speech-to-speech."""

    async def Converse(
        self, request_iterator: AsyncIterator[duplex_pb2.DuplexInput], context: Context
    ) -> AsyncGenerator[duplex_pb2.DuplexOutput, None]:
        """See the interface."""
        async with self._failing(context):
            requests = aiter(request_iterator)
            first = await anext(requests, None)
            if first is None:
                return
            if first.WhichOneof("kind") != "open":
                raise UsageError("the first message of a conversation must be 'open'")
            self._host.admit()
            async with self._host.manager.holding(first.open.model_id) as model:
                slot = await model.open_slot()
                try:
                    yield duplex_pb2.DuplexOutput(
                        opened=duplex_pb2.SlotOpened(rate_hz=model.rate_hz, frame_samples=model.frame_samples)
                    )
                    async for request in requests:
                        samples = to_float(from_bytes(request.pcm))
                        if len(samples) != model.frame_samples:
                            raise UsageError(f"a frame has {model.frame_samples} samples, got {len(samples)}")
                        frame = await slot.step(samples)
                        yield duplex_pb2.DuplexOutput(pcm=to_bytes(frame.samples), text=frame.text)
                finally:
                    await slot.aclose()
