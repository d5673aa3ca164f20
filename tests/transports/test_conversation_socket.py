"""What every socket of a conversation has, whatever it speaks."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.websockets import WebSocketDisconnect

from parley.transports.conversation_socket import ConversationSocket, Outbox, SocketLimits, closing_reason


async def test_what_waits_is_sent_in_order() -> None:
    outbox = Outbox()
    outbox.put("one")
    outbox.put(b"two")
    assert [await outbox.get(), await outbox.get()] == ["one", b"two"]
    assert not outbox.waits
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put("three")
    assert await waiting == "three"


async def test_a_client_that_does_not_read_is_noticed_and_what_was_taken_leaves_room() -> None:
    outbox = Outbox()
    for _ in range(4):
        outbox.put(bytes(1 << 20))
    assert not outbox.overflowed.is_set()
    await outbox.get()
    outbox.put(bytes(1 << 20))
    assert not outbox.overflowed.is_set()
    outbox.put(b"x")
    assert outbox.overflowed.is_set()


@pytest.mark.parametrize(
    ("message", "told"), [("short", "short"), ("é" * 80, "é" * 50), ("x" + "é" * 80, "x" + "é" * 49)]
)
def test_a_reason_is_cut_to_what_a_closing_frame_takes_and_never_within_a_letter(message: str, told: str) -> None:
    assert closing_reason(message) == told


class Told(ConversationSocket):
    """A connection that notes what its client says; whom it belongs to is not there."""

    def __init__(self, socket: Any) -> None:  # what it does without a conversation
        self._socket = socket
        self._limits = SocketLimits()
        self._outbox = Outbox()
        self._over = asyncio.Event()
        self._ending = (1000, "")
        self.lost = False
        conversation = SimpleNamespace(id="c", broken=asyncio.Event())
        events = {"broken": asyncio.Event(), "sent_away": asyncio.Event()}
        self._connection = cast("Any", SimpleNamespace(conversation=conversation, **events))
        self.taken: list[str | None] = []

    def _tell(self, notification: object) -> None: ...

    async def _say_why(self, reason: str) -> None: ...

    async def _take(self, text: str | None, data: bytes | None) -> None:
        self.taken.append(text)

    async def ends(self, message: str) -> None:
        """Send a message and wait until the connection is over."""
        self._outbox.put(message)
        await self._race()


class Gone:
    """The socket of a client that has said something, sent `code` or broken off, and cannot be told anything."""

    def __init__(self, code: int) -> None:
        self._left: list[dict[str, Any]] = [
            {"type": "websocket.receive", "text": "last words"},
            {"type": "websocket.disconnect", "code": code},
        ]

    async def receive(self) -> dict[str, Any]:
        for _ in range(10):  # others have their turn
            await asyncio.sleep(0)
        return self._left.pop(0)

    async def send_text(self, text: str) -> None:
        raise WebSocketDisconnect(1006)


@pytest.mark.parametrize(("code", "lost"), [(1006, True), (1000, False)])
async def test_what_a_client_sent_before_it_was_gone_is_taken_and_how_it_went_is_known(code: int, lost: bool) -> None:
    connection = Told(Gone(code))
    await connection.ends("an answer that nobody reads")
    assert connection.taken == ["last words"]
    assert connection.lost is lost
