"""A server whose every delay is known to the frame: each 20 ms that it receives is its tick."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from parley.audio.pcm import Int16, from_bytes, rms_dbfs, to_bytes, to_float
from parley.models.fakes import tone

RATE = 24000
FRAME = 480
LEAD = 4  # frames sent at once when an answer begins


@dataclass
class KnownServer:
    """Stock protocol. Answers a fixed number of frames after the last loud one; stops after some loud ones."""

    answer_after: int = 20
    answer_frames: int = 100
    gap: tuple[int, int] = (0, 0)
    """Frames of an answer between which nothing is sent, and for how long."""
    stop_after: int = 5
    deaf: bool = False
    """Goes on speaking whatever it hears."""
    refuses: int = 0
    """Connections that are told to come back soon, before the first one is let in."""
    leaves_after: int = 0
    """Answers after which it closes the connection; 0: never."""
    connections: int = field(default=0)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        """Serve; yields the address."""
        async with serve(self._talk, "127.0.0.1", 0) as server:
            yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _talk(self, socket: ServerConnection) -> None:
        self.connections += 1
        call = _Call(self, socket)
        with contextlib.suppress(ConnectionClosed):
            if self.connections <= self.refuses:
                await call.send({"type": "error", "error": {"message": "full", "retry_after_s": 0.02}})
                return
            await call.send({"type": "session.created", "session": {"model": "known"}})
            async for message in socket:
                event = msgspec.json.decode(message)
                if event["type"] == "input_audio_buffer.append":
                    await call.tick(from_bytes(base64.b64decode(event["audio"])))


class _Call:
    def __init__(self, server: KnownServer, socket: ServerConnection) -> None:
        self._server = server
        self._socket = socket
        self._heard = False
        self._quiet = self._loud = 0
        self._response: str | None = None
        self._count = 0
        self._sent = self._held = 0
        self._interrupted: str | None = None

    async def send(self, event: dict[str, Any]) -> None:
        await self._socket.send(msgspec.json.encode(event).decode())

    async def tick(self, frame: Int16) -> None:
        loud = rms_dbfs(to_float(frame)) > -40
        self._loud = self._loud + 1 if loud else 0
        self._quiet = 0 if loud else self._quiet + 1
        self._heard |= loud
        if self._response is None:
            if self._heard and self._quiet == self._server.answer_after:
                await self._begin()
        elif loud and self._loud == self._server.stop_after and not self._server.deaf:
            self._interrupted = f"u{self._count + 1}"
            event = {"type": "input_audio_buffer.speech_started", "item_id": self._interrupted, "audio_start_ms": 0}
            await self.send(event)
            await self._end("cancelled")
        else:
            await self._go_on()

    async def _begin(self) -> None:
        self._heard = False
        self._count += 1
        self._response = f"r{self._count}"
        self._sent = self._held = 0
        if self._interrupted is not None:
            item, self._interrupted = self._interrupted, None
            await self.send({"type": "input_audio_buffer.speech_stopped", "item_id": item, "audio_end_ms": 0})
        await self.send({"type": "input_audio_buffer.committed", "item_id": f"u{self._count}"})
        await self.send({"type": "response.created", "response": {"id": self._response, "status": "in_progress"}})
        await self._sound(LEAD)

    async def _go_on(self) -> None:
        at, length = self._server.gap
        if at and self._sent >= at and self._held < length:
            self._held += 1
        elif self._sent >= self._server.answer_frames:
            await self._end("completed")
        else:
            await self._sound(1)

    async def _sound(self, frames: int) -> None:
        sound = tone(frames * FRAME / RATE, RATE)
        self._sent += frames
        data = base64.b64encode(to_bytes(np.asarray(sound, np.int16))).decode()
        await self.send({"type": "response.output_audio.delta", "response_id": self._response, "delta": data})

    async def _end(self, status: str) -> None:
        response, self._response = self._response, None
        await self.send({"type": "response.done", "response": {"id": response, "status": status}})
        if self._count == self._server.leaves_after:
            await self._socket.close()
