"""Heads, bodies and frames without end. Each costs its own connection only."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.conftest import RunningServer

MB = 1024 * 1024


async def sent_until_closed(server: RunningServer, head: bytes, part: bytes, most: int) -> tuple[int, bytes]:
    """Send `head`, then `part` again and again; the bytes that were taken and what was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    taken = 0
    with contextlib.suppress(ConnectionError):
        writer.write(head)
        while taken < most and not reader.at_eof():
            writer.write(part)
            await writer.drain()
            taken += len(part)
    try:
        answer = await asyncio.wait_for(reader.read(100), 20)
    except (ConnectionError, TimeoutError):
        answer = b""
    writer.close()
    return taken, answer


@pytest.mark.wild(before="all of it is read and kept, the loop held for seconds", case="97 MB of header")
async def test_a_header_without_end(server: RunningServer) -> None:
    line = b"x-%b: %b\r\n" % (b"y" * 10, b"z" * 8000)
    taken, answer = await sent_until_closed(server, b"GET /health HTTP/1.1\r\nhost: localhost\r\n", line, 97 * MB)
    assert taken < 20 * MB  # what the sockets' buffers hold
    assert answer == b"" or b" 431 " in answer


@pytest.mark.wild(before="200 MB are spooled to the disk before the 400", case="an unannounced body of 200 MB")
async def test_a_body_without_end(server: RunningServer) -> None:
    head = (
        b"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n"
        b"content-type: multipart/form-data; boundary=b\r\n\r\n"
    )
    form = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    head += b"%x\r\n%b\r\n" % (len(form), form)
    taken, answer = await sent_until_closed(server, head, b"%x\r\n%b\r\n" % (MB, bytes(MB)), 200 * MB)
    assert taken < 130 * MB
    assert answer == b"" or b" 413 " in answer


@pytest.mark.wild(before="a body of any length is read, then parsed", case="a body of 50 MB for a small request")
async def test_a_large_body_for_a_small_request(server: RunningServer) -> None:
    head = (
        b"POST /v1/audio/speech HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"content-length: 52428800\r\n\r\n"
    )
    _, answer = await sent_until_closed(server, head, b" " * 1000, 1000)
    assert b" 413 " in answer


async def read_to_the_end(socket: ClientConnection) -> None:
    while True:
        await socket.recv()


FRAMES = {"pings": b"\x89\x80\0\0\0\0", "pongs": b"\x8a\x80\0\0\0\0", "empty fragments": b"\x00\x80\0\0\0\0"}


@pytest.mark.wild(before="answered and kept without end: a million take 16 s", case="a million tiny frames")
@pytest.mark.parametrize("kind", FRAMES)
async def test_frames_that_complete_nothing(server: RunningServer, kind: str) -> None:
    async with connect(f"{server.websocket}/v1/realtime") as socket:
        await socket.recv()
        if kind == "empty fragments":
            socket.transport.write(b"\x01\x80\0\0\0\0")
        socket.transport.write(FRAMES[kind] * 100_000)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(read_to_the_end(socket), 20)
