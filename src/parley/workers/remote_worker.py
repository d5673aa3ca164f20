"""One worker as a server sees it: its address, its channel, how it does."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

import grpc

from parley.v1 import duplex_pb2_grpc, recognition_pb2_grpc, worker_pb2_grpc
from parley.workers.announcement import Announcement

_SILENT_S = 2.5


@dataclass(slots=True)
class RemoteWorker:
    """One worker as this side sees it."""

    address: str
    channel: grpc.aio.Channel
    listed: bool
    """Named by the operator: watched for ever."""
    certificates: tuple[int, ...] = ()
    """When the files were changed that the channel was made with."""
    announcement: Announcement | None = None
    heard_at: float = 0.0
    broken: bool = True
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    busy: int = 0
    watch: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Its own name, its address until it has said it."""
        return self.announcement.name if self.announcement else self.address

    @property
    def healthy(self) -> bool:
        """Whether it has been heard lately."""
        return not self.broken and time.monotonic() - self.heard_at < _SILENT_S

    @property
    def worker(self) -> worker_pb2_grpc.WorkerAsyncStub:
        """Its main service."""
        return worker_pb2_grpc.WorkerStub(self.channel)

    @property
    def recognition(self) -> recognition_pb2_grpc.RecognitionAsyncStub:
        """Its recognisers."""
        return recognition_pb2_grpc.RecognitionStub(self.channel)

    @property
    def duplex(self) -> duplex_pb2_grpc.DuplexAsyncStub:
        """Its speech-to-speech models."""
        return duplex_pb2_grpc.DuplexStub(self.channel)
