"""A language model's server that misbehaves as it is told: what the user's last words name is what it does."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Script = Callable[["Reply"], Awaitable[None]]


@dataclass
class Reply:
    """One request and the way to answer it, as bytes or in the usual form."""

    request: dict[str, Any]
    writer: asyncio.StreamWriter
    tries: int
    """Which request of its case this is, from 1."""
    _begun: bool = False

    @property
    def prefix(self) -> str:
        """What the model is to go on with; empty when it is to begin."""
        last = self.request["messages"][-1]
        return str(last["content"]) if last["role"] == "assistant" else ""

    async def head(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        """Begin to answer."""
        self._begun = True
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def raw(self, data: bytes | str) -> None:
        """Send bytes."""
        self.writer.write(data if isinstance(data, bytes) else data.encode())
        await self.writer.drain()

    async def event(self, event: Any) -> None:
        """Send one event of the stream."""
        if not self._begun:
            await self.head()
        await self.raw(f"data: {event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)}\n\n")

    async def delta(self, **delta: Any) -> None:
        """Send one delta."""
        await self.event({"choices": [{"index": 0, "delta": delta}]})

    async def say(self, text: str, tokens_a_second: float = 200.0) -> None:
        """Send a text word by word (about a token and a third each)."""
        for index, word in enumerate(text.split(" ")):
            await asyncio.sleep(1.33 / tokens_a_second)
            await self.delta(content=word if index == 0 else f" {word}")

    async def done(self, reason: str = "stop", usage: Any = None) -> None:
        """End the answer."""
        await self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage})
        await self.event("[DONE]")

    async def json(self, body: Any, status: int = 200, **headers: str) -> None:
        """Answer with one JSON object."""
        await self.head(status, "application/json", **headers)
        await self.raw(json.dumps(body))

    def drop(self) -> None:
        """Break the connection, as a dying process does."""
        self.writer.transport.abort()


def says(text: str) -> Script:
    """Answers with this text, whatever was asked."""

    async def script(reply: Reply) -> None:
        await reply.say(text)
        await reply.done()

    return script


@dataclass
class ScriptedServer:
    """Runs in a thread of its own, so that tests and servers may be anywhere."""

    scripts: dict[str, Script] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Case and body of every request."""
    url: str = ""

    def of(self, case: str) -> list[dict[str, Any]]:
        """The requests of one case."""
        return [body for name, body in self.requests if name == case]

    def _case(self, body: dict[str, Any]) -> str:
        said = next((str(m["content"]) for m in reversed(body["messages"]) if m["role"] == "user"), "")
        return next((name for name in self.scripts if name in said), "")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = next((int(x.split(":")[1]) for x in head.split("\r\n") if x.startswith("content-length")), 0)
            body = json.loads(await reader.readexactly(length)) if length else {}
            if "/chat/completions" not in head:
                found = {"data": [{"id": "scripted", "max_model_len": 8192}]} if "/v1/models" in head else {}
                await Reply(body, writer, 0).json(found, 200 if found else 404)
            else:
                case = self._case(body)
                self.requests.append((case, body))
                reply = Reply(body, writer, len(self.of(case)))
                await self.scripts[case](reply) if case else await hello(reply)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def hello(reply: Reply) -> None:
    """What it says to words that name no case."""
    await reply.say("Hello there.")
    await reply.done()


@contextmanager
def running(server: ScriptedServer) -> Iterator[ScriptedServer]:
    """Serve on loopback until the end of the block."""
    ready, over = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        listening = await asyncio.start_server(server._serve, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await over.wait()
        listening.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield server
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join(5)
