"""Sockets of ``/v1/realtime`` without any network: the routes with fake models, on a virtual clock."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, Self
from urllib.parse import urlencode

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from parley.server.realtime_routes import realtime
from parley.server.state import ServerState

Event = dict[str, Any]
DROPPED = 1006
"""The code of a connection that was lost."""


class Socket:
    """One client's: use as ``async with``; its end is a client's word unless it was `lost` before."""

    def __init__(self, state: ServerState, *, key: str | None = None, **query: str) -> None:
        self.events: list[Event] = []
        self.closed: tuple[int, str] | None = None
        self._in: asyncio.Queue[Event] = asyncio.Queue()
        self._in.put_nowait({"type": "websocket.connect"})
        headers = [(b"host", b"localhost")] + ([(b"authorization", f"Bearer {key}".encode())] if key else [])
        self._scope: dict[str, Any] = {
            "type": "websocket", "query_string": urlencode(query).encode(), "headers": headers,
            "client": ("127.0.0.1", 1), "subprotocols": [], "path": "/v1/realtime",
            "app": SimpleNamespace(state=SimpleNamespace(parley=state)),
        }  # fmt: skip

    @property
    def request(self) -> HTTPConnection:
        """As it asks to be let in."""
        return HTTPConnection(self._scope)

    async def __aenter__(self) -> Self:
        self.serving = asyncio.create_task(realtime(WebSocket(self._scope, self._in.get, self._take)))
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *fault: Any) -> None:
        await self.leave()

    async def leave(self, code: int = 1000) -> None:
        """The connection ends, by the client's word or (`DROPPED`) without."""
        self._in.put_nowait({"type": "websocket.disconnect", "code": code})
        await self.serving

    async def _take(self, message: Any) -> None:
        await asyncio.sleep(0)
        if message["type"] == "websocket.send" and message.get("text") is not None:
            self.events.append(json.loads(message["text"]))
        elif message["type"] == "websocket.close":
            self.closed = message["code"], message["reason"]

    async def send(self, kind: str, **fields: Any) -> None:
        """One client event."""
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps({"type": kind, **fields})})
        await asyncio.sleep(0.05)

    async def say(self, text: str) -> None:
        """Type a message."""
        content = [{"type": "input_text", "text": text}]
        await self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    async def invite(self, role: str = "speaker") -> str:
        """The token of an invitation."""
        await self.send("parley.room.invite", role=role)
        return str(self.of("parley.room.invitation")[-1]["token"])

    def of(self, kind: str) -> list[Event]:
        """The events of a type."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def token(self) -> str:
        """By which it comes back."""
        return str(self.of("parley.resume")[-1]["token"])

    @property
    def resumed(self) -> bool:
        """Whether it has come back."""
        return bool(self.of("parley.resume") and self.of("parley.resume")[-1]["resumed"])

    @property
    def people(self) -> list[str]:
        """Who is there, as it was last told."""
        return list(self.of("parley.room.updated")[-1]["room"]["people"])
