"""A socket beside a call: events both ways, errors to who caused them, no way to hold the call up."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from starlette.websockets import WebSocketDisconnect

from parley.errors import ProtocolError
from parley.realtime import server_events as se
from parley.transports import sideband
from parley.transports.sideband import MOST_BESIDE_A_CALL, Sideband
from tests.transports.client import STOCK


class Call:
    """What a sideband sees of a call."""

    def __init__(self) -> None:
        self.listeners: set[Any] = set()
        self.closed = asyncio.Event()
        self.shown = STOCK
        self.session = type("Session", (), {"id": "sess_1"})()
        self.taken: list[str] = []

    def receive_text(self, text: str, reply: Any) -> None:
        self.taken.append(text)
        if "wrong" in text:
            reply(se.error("wrong", event_id="mine"))

    def tell(self, **event: Any) -> None:
        for listener in self.listeners:
            listener({"event_id": "event_1", **event})


class Socket:
    """A client: what it sends is put into `sending`, what it gets is in `got`."""

    def __init__(self) -> None:
        self.sending: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.got: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.reads = asyncio.Event()
        self.reads.set()

    async def receive(self) -> dict[str, Any]:
        return await self.sending.get()

    async def send_text(self, text: str) -> None:
        await self.reads.wait()
        self.got.append(msgspec.json.decode(text))

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def send(self, text: str) -> None:
        self.sending.put_nowait({"type": "websocket.receive", "text": text})


async def beside(call: Call, *, extended: bool = False) -> tuple[Socket, asyncio.Task[None]]:
    socket: Any = Socket()
    side = Sideband(socket, call, extended=extended)  # type: ignore[arg-type]
    serving = asyncio.create_task(side.serve())
    await settle()
    return socket, serving


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_events_go_both_ways_and_leaving_leaves_the_call_alone() -> None:
    call = Call()
    socket, serving = await beside(call)
    socket.send('{"type": "response.create"}')
    call.tell(type="response.created")
    await settle()
    assert [e["type"] for e in socket.got] == ["session.created", "response.created"]
    assert socket.got[0]["session"]["id"] == "sess_1"
    assert call.taken == ['{"type": "response.create"}']
    socket.sending.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await serving
    assert not call.listeners
    assert not call.closed.is_set()


async def test_an_error_is_told_to_who_caused_it_alone() -> None:
    call = Call()
    (one, serving), (other, serving_other) = await beside(call), await beside(call)
    one.send("wrong")
    one.sending.put_nowait({"type": "websocket.receive", "bytes": b"x"})
    await settle()
    errors = [e for e in one.got if e["type"] == "error"]
    assert [e["error"]["event_id"] for e in errors] == ["mine", None]
    assert all(e["event_id"] for e in errors)
    assert [e["type"] for e in other.got] == ["session.created"]
    call.closed.set()
    await asyncio.gather(serving, serving_other)


@pytest.mark.parametrize(("extended", "count"), [(False, 2), (True, 3)])
async def test_parleys_own_events_are_for_those_who_know_them(extended: bool, count: int) -> None:
    call = Call()
    socket, serving = await beside(call, extended=extended)
    call.tell(type="parley.state", state="LISTENING")
    call.tell(type="response.done")
    await settle()
    assert len(socket.got) == count
    call.closed.set()
    await serving


async def test_the_end_of_the_call_is_told_behind_its_last_words() -> None:
    call = Call()
    socket, serving = await beside(call)
    socket.reads.clear()
    call.tell(type="response.done")
    call.tell(type="error")
    call.closed.set()
    await settle()
    socket.reads.set()
    await serving
    assert [e["type"] for e in socket.got][-1] == "error"
    assert socket.closed == (1000, "the call is over")


async def test_who_does_not_read_or_sends_nonsense_is_let_go_and_the_call_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sideband, "_REST_S", 0.05)
    call = Call()
    slow, serving = await beside(call)
    slow.reads.clear()
    for _ in range(50):
        call.tell(type="response.output_text.delta", delta="x" * 100_000)
    await serving
    assert slow.closed == (1008, "client does not read")
    foolish, serving = await beside(call)
    for _ in range(300):
        foolish.send("wrong")
    await serving
    assert foolish.closed == (1008, "too many faulty messages")
    assert not call.closed.is_set()
    assert not call.listeners


async def test_a_crowd_beside_one_call_is_refused() -> None:
    call = Call()
    all_of_them = [await beside(call) for _ in range(MOST_BESIDE_A_CALL)]
    with pytest.raises(ProtocolError) as fault:
        Sideband(None, call, extended=False)  # type: ignore[arg-type]
    assert fault.value.code == "too_many_sockets"
    call.closed.set()
    await asyncio.gather(*(serving for _, serving in all_of_them))


async def test_a_connection_that_breaks_is_no_fault_of_ours() -> None:
    call = Call()
    socket: Any = Socket()

    async def broken() -> dict[str, Any]:
        raise WebSocketDisconnect(1006)

    socket.receive = broken
    await Sideband(socket, call, extended=False).serve()  # type: ignore[arg-type]
    assert not call.listeners
