"""The gRPC service `Duplex` of a worker."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from parley.audio.pcm import from_bytes, to_bytes, to_float
from parley.errors import UsageError
from parley.models.interfaces import DuplexOpening
from parley.v1 import duplex_pb2, duplex_pb2_grpc
from parley.workers.service import Calls, Context


class DuplexService(Calls, duplex_pb2_grpc.DuplexServicer):
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
                slot = await model.open_slot(DuplexOpening(first.open.role, tuple(first.open.so_far), first.open.voice))
                try:
                    yield duplex_pb2.DuplexOutput(
                        opened=duplex_pb2.SlotOpened(
                            rate_hz=model.rate_hz, frame_samples=model.frame_samples, voices=model.voices
                        )
                    )
                    async for request in requests:
                        if request.WhichOneof("kind") == "whisper":
                            await slot.whisper(request.whisper)
                            continue
                        samples = to_float(from_bytes(request.pcm))
                        if len(samples) != model.frame_samples:
                            raise UsageError(f"a frame has {model.frame_samples} samples, got {len(samples)}")
                        frame = await slot.step(samples)
                        yield duplex_pb2.DuplexOutput(pcm=to_bytes(frame.samples), text=frame.text)
                finally:
                    await slot.aclose()
