"""The gRPC service `Recognition` of a worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from parley.audio.pcm import from_bytes, to_float
from parley.errors import ParleyError, UsageError
from parley.models.interfaces import RecognizerStream, Transcript
from parley.v1 import recognition_pb2, recognition_pb2_grpc
from parley.workers.caller_codec import from_wire
from parley.workers.host import Host
from parley.workers.service import Calls, Context, with_heartbeats


class RecognitionService(Calls, recognition_pb2_grpc.RecognitionServicer):
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
                async with aclosing(with_heartbeats(answers, beat, asyncio.Event())) as sent:
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
            self._host.metrics.recognition.observe(time.monotonic() - began)
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
