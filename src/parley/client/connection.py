"""A connection to a realtime server: sends sound and events, keeps a player supplied, collects the turns."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from parley.audio.pcm import Int16, from_bytes, to_bytes
from parley.client.address import is_this_machine, realtime_url
from parley.client.player import Player
from parley.client.trust import Trust
from parley.errors import Overloaded, UnavailableError
from parley.realtime.server_events import VOICES

RATE_HZ = 24000
_OPEN_S = 10.0
_MAX_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class Response:
    """An answer as the client saw it."""

    id: str
    turn_item: str | None = None
    text: str = ""
    status: str = "in_progress"
    reason: str = ""
    heard: str | None = None
    waterfall: dict[str, Any] | None = None
    first_sound_at: float | None = None
    """Loop time at which its first sound arrived."""


@dataclass(slots=True)
class Turn:
    """A spoken turn as the server understood it."""

    item: str
    transcript: str = ""
    ended_ms: int = 0


@dataclass(slots=True)
class Talk:
    """Everything that was said on a connection."""

    turns: list[Turn] = field(default_factory=list)
    sounding: set[str] = field(default_factory=set)
    """Items of turns that the server has heard begin and not end."""
    responses: list[Response] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    prepared_ms: list[tuple[bool, int]] = field(default_factory=list)
    """Of each answer that was begun before its turn was over: whether it was used, and the time spent on it."""

    def response(self, response_id: str) -> Response | None:
        """By id, newest first."""
        return next((r for r in reversed(self.responses) if r.id == response_id), None)


class Connection:
    """Use as ``async with``. `exact` opts in to the parley extensions, else it is a stock client."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        exact: bool = True,
        start_buffer_s: float = 0.0,
        trust: Trust | None = None,
    ) -> None:
        self.url = realtime_url(url, exact=exact)
        self.exact = exact
        self.talk = Talk()
        self.player = Player(RATE_HZ, start_buffer_s)
        self.on_event: Callable[[dict[str, Any]], None] = lambda _: None
        self.changed = asyncio.Event()
        """Set whenever an event was taken in."""
        self.closed: str | None = None
        self.token: str | None = None
        """With which an exact client comes back after a lost connection."""
        self.flushes_itself = not exact
        """Whether what is buffered is thrown away when the user speaks, as stock clients do; exact ones are told."""
        self.state = "LISTENING"
        self._trust = trust or Trust()
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._streams: dict[int, str] = {}
        self._last_turn: str | None = None

    async def __aenter__(self) -> Self:
        """Connect; raises `UnavailableError` that says what to do, `Overloaded` that says when to come back."""
        try:
            self._socket = await connect(
                self.url,
                additional_headers=self._headers,
                max_size=_MAX_BYTES,
                open_timeout=_OPEN_S,
                compression=None,
                **self._way(),
            )
            first = msgspec.json.decode(await asyncio.wait_for(self._socket.recv(), _OPEN_S))
        except (OSError, InvalidHandshake, InvalidURI, ConnectionClosed, TimeoutError) as fault:
            raise UnavailableError(f"{self.url} does not answer ({fault}); is 'parley serve' running there?") from fault
        if first.get("type") == "error":
            message = f"{self.url}: {first['error']['message']}"
            if (retry_after_s := first["error"].get("retry_after_s")) is not None:
                raise Overloaded(message, retry_after_s=retry_after_s)
            raise UnavailableError(message)
        self.session: dict[str, Any] = first.get("session", {})
        self._reader = asyncio.create_task(self._read(), name="connection-read")
        if self.exact:
            await self.send({"type": "session.update", "session": {"parley": {"binary_audio": True}}})
        return self

    def _way(self) -> dict[str, Any]:
        """How to get there: by TLS where the address says so, and to this machine never through a proxy."""
        way: dict[str, Any] = {}
        if self.url.startswith("wss:") and (context := self._trust.context()) is not None:
            way["ssl"] = context
        if is_this_machine(urlsplit(self.url).hostname or ""):
            way["proxy"] = None
        return way

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            await self._socket.close()

    async def send(self, event: dict[str, Any]) -> None:
        """Send an event."""
        assert self._socket is not None
        try:
            await self._socket.send(msgspec.json.encode(event).decode())
        except ConnectionClosed:
            self._lost(self.closed or "connection closed")

    async def send_audio(self, samples: Int16) -> None:
        """Send sound, 24 kHz."""
        assert self._socket is not None
        data = to_bytes(samples)
        if not self.exact:
            await self.send({"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()})
            return
        try:
            await self._socket.send(data)
        except ConnectionClosed:
            self._lost("connection closed")

    async def report_played(self) -> None:
        """Tell the server what was played out (exact clients; call after each `player.take`)."""
        for response in self.player.finished():
            await self._position("finished", response)

    async def _position(self, kind: str, response: str) -> None:
        if self.exact:
            audio_ms = self.player.position_s(response) * 1000
            await self.send({"type": f"parley.playout.{kind}", "response_id": response, "audio_ms": audio_ms})

    async def _read(self) -> None:
        assert self._socket is not None
        try:
            async for message in self._socket:
                if isinstance(message, bytes):
                    stream = int.from_bytes(message[:4], "little")
                    if stream == VOICES:
                        self.player.voices.push(from_bytes(message[4:]))
                        continue
                    self._take_sound(self._streams.get(stream, ""), from_bytes(message[4:]))
                else:
                    await self._take(msgspec.json.decode(message))
                self.changed.set()
            self._lost("the server closed the connection")
        except ConnectionClosed as fault:
            self._lost(str(fault))

    def _lost(self, reason: str) -> None:
        self.closed = self.closed or reason
        self.changed.set()

    def _take_sound(self, response_id: str, samples: Int16) -> None:
        response = self.talk.response(response_id)
        if response is not None and response.first_sound_at is None:
            response.first_sound_at = asyncio.get_running_loop().time()
        self.player.push(response_id, samples)

    async def _take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "response.output_audio.delta":
            self._take_sound(event["response_id"], from_bytes(base64.b64decode(event["delta"])))
        elif kind.startswith("parley."):
            await self._take_extension(event)
        elif kind.startswith("response."):
            self._take_response(event)
        elif kind == "input_audio_buffer.speech_started":
            self.talk.sounding.add(event["item_id"])
            if self.flushes_itself:
                self.player.flush()
        elif kind == "input_audio_buffer.speech_stopped":
            self.talk.sounding.discard(event["item_id"])
            self.talk.turns.append(Turn(event["item_id"], ended_ms=event["audio_end_ms"]))
        elif kind == "conversation.item.input_audio_transcription.completed":
            self._take_transcript(event)
        elif kind == "error":
            self.talk.errors.append(event["error"]["message"])
        self.on_event(event)

    def _take_transcript(self, event: dict[str, Any]) -> None:
        self._last_turn = event["item_id"]
        for turn in self.talk.turns:
            if turn.item == event["item_id"]:
                turn.transcript = event["transcript"]
                return
        self.talk.turns.append(Turn(event["item_id"], event["transcript"]))

    def _take_response(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "response.created":
            self.talk.responses.append(Response(event["response"]["id"], self._last_turn))
            self._last_turn = None
            return
        response = self.talk.response(event.get("response_id") or event["response"]["id"])
        if response is None:
            return
        if kind in ("response.output_audio_transcript.delta", "response.output_text.delta"):
            response.text += event["delta"]
        elif kind in ("response.output_audio_transcript.done", "response.output_text.done"):
            response.heard = event.get("transcript", event.get("text"))
        elif kind == "response.done":
            response.status = event["response"]["status"]
            details = event["response"].get("status_details") or {}
            response.reason = details.get("reason") or (details.get("error") or {}).get("message") or ""

    async def _take_extension(self, event: dict[str, Any]) -> None:
        kind = event["type"].removeprefix("parley.")
        response_id = event.get("response_id", "")
        response = self.talk.response(response_id)
        if kind == "playout.begin":
            self._streams[event["stream"]] = response_id
        elif kind == "playout.pause":
            self.player.pause()
            await self._position("paused", response_id)
        elif kind == "playout.resume":
            self.player.resume()
        elif kind == "playout.flush":
            self.player.flush()
            await self._position("flushed", response_id)
        elif kind == "playout.end":
            self.player.end(response_id)
        elif kind == "response.heard" and response is not None:
            response.heard = event["heard_text"]
        elif kind == "waterfall" and response is not None:
            response.waterfall = {"total_ms": event["total_ms"], **event["parts_ms"]}
        elif kind == "resume":
            self.token = event["token"]
        elif kind == "prepared":
            self.talk.prepared_ms.append((event["used"], event["spent_ms"]))
        elif kind == "state":
            self.state = event["state"]
