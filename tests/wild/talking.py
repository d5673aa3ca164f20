"""A plain client of the protocol that types its questions and keeps everything it is told."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from parley.audio.pcm import Int16, from_bytes

RATE_HZ = 24000
_TRIES = 6
Event = dict[str, Any]


@dataclass
class Answer:
    """The events of one response, each with the seconds since it was asked for."""

    events: list[tuple[float, Event]] = field(default_factory=list)

    def of(self, kind: str) -> list[Event]:
        """Events of one type."""
        return [e for _, e in self.events if e["type"] == kind]

    def at(self, kind: str) -> float:
        """When the last event of a type came."""
        return max((at for at, e in self.events if e["type"] == kind), default=float("inf"))

    @property
    def response(self) -> Event:
        """As ``response.done`` has it."""
        found: Event = self.of("response.done")[-1]["response"]
        return found

    @property
    def status(self) -> str:
        """How it ended."""
        return str(self.response["status"])

    @property
    def reason(self) -> str:
        """Why it failed."""
        return str(((self.response["status_details"] or {}).get("error") or {}).get("message"))

    @property
    def text(self) -> str:
        """What counts of it."""
        messages = [i for i in self.response["output"] if i["type"] == "message"]
        return " ".join(str(c.get("transcript") or c.get("text") or "") for i in messages for c in i["content"])

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """Its function calls."""
        calls = [i for i in self.response["output"] if i["type"] == "function_call"]
        return [(i["name"], msgspec.json.decode(i["arguments"])) for i in calls]

    @property
    def sound(self) -> Int16:
        """Everything that was to be heard, 24 kHz."""
        return from_bytes(b"".join(base64.b64decode(e["delta"]) for e in self.of("response.output_audio.delta")))

    @property
    def seconds(self) -> float:
        """How long that is."""
        return len(self.sound) / RATE_HZ


class Talk:
    """One connection. Use as ``async with``."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self._url = url
        self._headers = headers or {}
        self.events: list[Event] = []

    async def __aenter__(self) -> Self:
        """Connect; come back when the server says so, if it is still busy with what another test did to it."""
        for _ in range(_TRIES):
            self.socket: ClientConnection = await connect(f"{self._url}/v1/realtime", additional_headers=self._headers)
            first = await self.receive()
            if first["type"] == "session.created":
                return self
            await self.socket.close()
            assert "retry_after_s" in first["error"], first
            await asyncio.sleep(first["error"]["retry_after_s"])
        raise AssertionError(f"never let in: {first}")

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def send(self, **event: Any) -> None:
        """Send an event."""
        await self.socket.send(msgspec.json.encode(event).decode())

    async def receive(self, limit_s: float = 30) -> Event:
        """The next event."""
        event: Event = msgspec.json.decode(await asyncio.wait_for(self.socket.recv(), limit_s))
        self.events.append(event)
        return event

    async def until(self, kind: str, limit_s: float = 60) -> Event:
        """The next event of a type."""
        async with asyncio.timeout(limit_s):
            while (event := await self.receive(limit_s))["type"] != kind:
                pass
        return event

    async def say(self, text: str) -> None:
        """Type something."""
        content = [{"type": "input_text", "text": text}]
        await self.send(type="conversation.item.create", item={"type": "message", "role": "user", "content": content})

    async def ask(self, text: str, limit_s: float = 90, **how: Any) -> Answer:
        """Type a question and take its answer."""
        await self.say(text)
        await self.send(type="response.create", response=how)
        return await self.answer(limit_s)

    async def answer(self, limit_s: float = 90) -> Answer:
        """The next answer, to its end."""
        loop, found = asyncio.get_running_loop(), Answer()
        began = loop.time()
        async with asyncio.timeout(limit_s):
            while not found.of("response.done"):
                event = await self.receive(limit_s)
                found.events.append((loop.time() - began, event))
        return found
