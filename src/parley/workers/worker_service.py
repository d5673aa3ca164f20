"""The gRPC services of a worker: `Worker`, `Recognition` and `Duplex`, around a `Host`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from parley.errors import UsageError
from parley.v1 import worker_pb2 as pb
from parley.v1 import worker_pb2_grpc
from parley.workers.host import Stream
from parley.workers.service import Calls, Context, with_heartbeats

_TELL_EVERY_S = 1.0
_LONGEST_TEXT = 5000


class WorkerService(Calls, worker_pb2_grpc.WorkerServicer):
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
                    async with aclosing(with_heartbeats(frames, _heartbeat(stream), stream.stopped)) as sent:
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
