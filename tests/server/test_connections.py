"""Bounds of connections: heads, bodies, silence, frames."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from parley.server import http_connection, socket_connection
from parley.server.http_connection import LONGEST_HEAD, BoundedHttp
from parley.server.socket_connection import BoundedSocket

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Tells how long the body was; a socket echoes."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            if message.get("text") == "close":
                await send({"type": "websocket.close", "code": 4000})
                return
            await send({"type": "websocket.send", "text": str(len(message.get("text") or b""))})
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": b"%8d" % size})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Of a server with bounded connections."""
    config = uvicorn.Config(
        application, port=0, lifespan="off", log_config=None, http=BoundedHttp, ws=BoundedSocket, ws_ping_interval=None,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield int(server.servers[0].sockets[0].getsockname()[1])
    await server.shutdown()


async def answer(port: int, *parts: bytes) -> bytes:
    """All that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def request(*headers: bytes, body: bytes = b"") -> bytes:
    lines = [b"POST / HTTP/1.1", b"host: x", b"connection: close", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def test_heads_up_to_the_bound_are_read_with_whatever_follows(port: int) -> None:
    head = request(b"x: " + b"y" * (LONGEST_HEAD - 200), body=b"b" * 300_000)
    assert (await answer(port, head)).endswith(b"  300000")


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
async def test_a_head_that_ends_in_the_next_packet_is_read(port: int, cut: int) -> None:
    whole = request(body=b"b" * 100_000)
    end = whole.index(b"\r\n\r\n") + cut
    assert (await answer(port, whole[:end], whole[end:])).endswith(b"  100000")


@pytest.mark.parametrize("headers", [[b"x: " + b"y" * LONGEST_HEAD], [b"x: y"] * 101])
async def test_a_larger_one_is_refused(port: int, headers: list[bytes]) -> None:
    assert (await answer(port, request(*headers))).startswith(b"HTTP/1.1 431 ")


async def test_requests_follow_each_other_on_one_connection(port: int) -> None:
    one = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    got = await answer(port, one * 3 + request(body=b"abc"))
    assert got.count(b"HTTP/1.1 200") == 4


async def test_a_crowd_of_requests_in_one_packet_is_refused(port: int) -> None:
    got = await answer(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 200)
    assert got.count(b"HTTP/1.1 200") < 20


@pytest.mark.parametrize("sent", [b"", b"GET / HT", request()[:-10]])
async def test_a_head_that_does_not_come_costs_the_connection(
    port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "HEAD_WITHIN_S", 0.0)
    monkeypatch.setattr(http_connection, "LOOK_EVERY_S", 0.01)
    assert await answer(port, sent) == b""


async def test_a_body_that_hardly_comes_costs_the_connection(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "LOOK_EVERY_S", 0.01)
    assert await answer(port, request(body=b"x" * 100)[:-50]) == b""


async def test_messages_in_many_small_frames_and_packets_come_through(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}") as socket:
        for size in (0, 1, 70_000, 3_000_000):
            await socket.send("x" * size)
            assert await socket.recv() == str(size)
        await socket.send(["ab", "cd", "ef"])
        assert await socket.recv() == "6"
        for _ in range(5000):
            await socket.send("x")
        assert [await socket.recv() for _ in range(5000)] == ["1"] * 5000


async def test_tiny_fragments_have_a_budget(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}") as socket:
        socket.transport.write(b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 20_000)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1008


async def test_large_fragments_are_bounded_by_their_size_alone(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}") as socket:
        await socket.send("x" * 2000 for _ in range(2500))
        assert await socket.recv() == "5000000"


@pytest.mark.parametrize("opcode", [0x89, 0x8A])
async def test_pings_and_pongs_have_a_budget(port: int, opcode: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}") as socket:
        socket.transport.write(bytes([opcode, 0x80, 0, 0, 0, 0]) * 50_000)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1008


async def test_the_budget_comes_back_with_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_connection, "BURST_FRAMES", 10)
    monkeypatch.setattr(socket_connection, "FRAMES_PER_S", 1e9)
    async with connect(f"ws://127.0.0.1:{port}") as socket:
        for _ in range(200):
            await (await socket.ping())
        await socket.send("abc")
        assert await socket.recv() == "3"


async def test_who_goes_on_after_we_have_closed_still_learns_why(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}") as socket:
        await socket.send("close")
        with contextlib.suppress(ConnectionClosed):
            for _ in range(5000):
                await socket.send("x")
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 4000
