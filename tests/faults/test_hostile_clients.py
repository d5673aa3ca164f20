"""Hostile input over a real socket: an error event or a clean close each time, the neighbour undisturbed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import secrets
from typing import Any

import msgspec
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from parley.client.caller import RecordedCaller
from parley.client.connection import Connection
from parley.transports.conversation_socket import SocketLimits
from tests.conftest import UNDERSTOOD, Clip, RunningServer

DISCONNECTS = int(os.environ.get("TEST_DISCONNECTS", "60"))

IDLE_HANDLES = 10
"""Connections kept to the language model (4), log files that are opened when first written to."""

BAD_MESSAGES: list[tuple[str | bytes, str]] = [
    ("{", "invalid_json"),
    ("[1, 2", "invalid_json"),
    ("null", "invalid_type"),
    ("[]", "invalid_type"),
    ("{}", "missing_required_parameter"),
    ('{"type": 5}', "invalid_type"),
    ("[" * 50_000, "invalid_json"),
    ('{"type": "session.update", "session": {"truncation": %s}}' % ("[" * 900 + "]" * 900), "invalid_type"),
    ('{"type": "no.such.event"}', "invalid_value"),
    ('{"type": "session.update"}', "missing_required_parameter"),
    ('{"type": "session.update", "session": "x"}', "invalid_type"),
    ('{"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/mp3"}}}}}', "invalid_value"),
    ('{"type": "session.update", "session": {"audio": {"input": {"format": {"rate": 16000}}}}}', "invalid_value"),
    ('{"type": "session.update", "session": {"audio": {"output": {"speed": 99}}}}', "invalid_value"),
    ('{"type": "session.update", "session": {"audio": {"output": {"voice": "nobody"}}}}', "invalid_value"),
    ('{"type": "session.update", "session": {"tools": [{"type": "function"}]}}', "missing_required_parameter"),
    ('{"type": "input_audio_buffer.append"}', "missing_required_parameter"),
    ('{"type": "input_audio_buffer.append", "audio": 7}', "invalid_type"),
    ('{"type": "input_audio_buffer.append", "audio": "%%%"}', "invalid_base64"),
    ('{"type": "input_audio_buffer.commit"}', "input_audio_buffer_commit_empty"),
    ('{"type": "conversation.item.create", "item": {}}', "missing_required_parameter"),
    ('{"type": "conversation.item.create", "item": {"type": "message", "role": "king"}}', "invalid_value"),
    ('{"type": "conversation.item.delete", "item_id": "nowhere"}', "item_delete_invalid_item_id"),
    ('{"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": -1}', "invalid_value"),
    ('{"type": "response.create", "response": {"max_output_tokens": 0}}', "invalid_value"),
    ('{"type": "response.cancel"}', "response_cancel_not_active"),
    ('{"type": "parley.playout.position", "response_id": "x", "audio_ms": "soon"}', "invalid_type"),
    (b"\x00\x01\x02", "invalid_message"),
]


async def receive(socket: ClientConnection) -> dict[str, Any]:
    event: dict[str, Any] = msgspec.json.decode(await asyncio.wait_for(socket.recv(), 60))
    return event


async def read_to_the_end(socket: ClientConnection) -> None:
    async with asyncio.timeout(30):
        while True:
            await socket.recv()


@pytest.mark.parametrize(("message", "code"), BAD_MESSAGES, ids=[str(m)[:60] for m, _ in BAD_MESSAGES])
async def test_each_fault_gets_its_error_and_the_connection_lives_on(
    server: RunningServer, message: str | bytes, code: str
) -> None:
    async with connect(f"{server.websocket}/v1/realtime") as socket:
        await receive(socket)
        await socket.send(message)
        event = await receive(socket)
        assert event["type"] == "error"
        assert event["error"]["code"] == code
        assert event["error"]["message"]
        await socket.send('{"type": "session.update", "session": {"type": "realtime", "instructions": "go on"}}')
        assert (await receive(socket))["type"] == "session.updated"


async def test_an_event_id_comes_back_with_its_error(server: RunningServer) -> None:
    async with connect(f"{server.websocket}/v1/realtime") as socket:
        await receive(socket)
        await socket.send('{"type": "nonsense", "event_id": "mine"}')
        assert (await receive(socket))["error"]["event_id"] == "mine"


async def test_a_message_beyond_the_limit_closes_only_its_own_connection(server: RunningServer) -> None:
    async with connect(f"{server.websocket}/v1/realtime") as socket:
        await receive(socket)
        with contextlib.suppress(ConnectionClosed):
            await socket.send("x" * (17 * 1024 * 1024))
        with pytest.raises(ConnectionClosed):
            await read_to_the_end(socket)


async def test_a_client_that_sends_only_faults_is_closed(server: RunningServer) -> None:
    async with connect(f"{server.websocket}/v1/realtime") as socket:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(SocketLimits().max_errors + 1):  # more could make the kernel drop what the server said last
                await socket.send("{")
                await asyncio.sleep(0)
        with pytest.raises(ConnectionClosed) as closed:
            await read_to_the_end(socket)
        assert closed.value.rcvd is not None
        assert "faulty" in closed.value.rcvd.reason


def handles(pid: int) -> tuple[int, int]:
    process = psutil.Process(pid)
    return process.num_fds(), process.memory_info().rss


async def abuse(server: RunningServer, number: int) -> None:
    """One client that breaks off somewhere in a conversation."""
    socket = await connect(f"{server.websocket}/v1/realtime")
    with contextlib.suppress(ConnectionClosed):
        if number % 4 > 0:
            await receive(socket)
        if number % 4 > 1:
            noise = base64.b64encode(secrets.token_bytes(48000)).decode()
            await socket.send(msgspec.json.encode({"type": "input_audio_buffer.append", "audio": noise}).decode())
        if number % 4 > 2:
            content = [{"type": "input_text", "text": "Tell me a story."}]
            item = {"type": "message", "role": "user", "content": content}
            await socket.send(msgspec.json.encode({"type": "conversation.item.create", "item": item}).decode())
            await socket.send('{"type": "response.create"}')
            await receive(socket)
    socket.transport.abort()


async def disconnect_abruptly(server: RunningServer) -> None:
    """`DISCONNECTS` clients, ten at a time, 40 a second: this process must not take the server's cores."""
    for start in range(0, DISCONNECTS, 10):
        await asyncio.gather(asyncio.sleep(0.25), *(abuse(server, n) for n in range(start, start + 10)))


@pytest.mark.timeout(600)
async def test_abrupt_disconnects_leave_nothing_behind_and_the_neighbour_talks_on(
    server: RunningServer, question: Clip
) -> None:
    for number in range(8):  # the first ones pay for caches and pools
        await abuse(server, number)
    await asyncio.sleep(1)
    fds, memory = handles(server.pid)
    async with Connection(server.url) as neighbour, RecordedCaller(neighbour) as caller:
        flood = asyncio.create_task(disconnect_abruptly(server))
        reports = []
        while not flood.done():
            reports += [report async for report in caller.exchange(question.path)]
        await flood
        assert reports
        for report in reports:
            assert UNDERSTOOD.search(report.transcript)
            assert report.status in ("completed", "incomplete")
    async with asyncio.timeout(20):
        while handles(server.pid)[0] > fds + IDLE_HANDLES:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.2)
    assert handles(server.pid)[1] - memory < 150 * 1024 * 1024


async def test_a_client_that_stops_reading_is_dropped(server: RunningServer) -> None:
    """Its socket buffers fill, then a bounded queue, then the connection ends; the server lives on."""
    socket = await connect(f"{server.websocket}/v1/realtime", max_queue=1)
    await receive(socket)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x" * 50_000}]}
    event = msgspec.json.encode({"type": "conversation.item.create", "item": item}).decode()
    socket.transport.pause_reading()
    with contextlib.suppress(ConnectionClosed, TimeoutError):
        async with asyncio.timeout(10):
            for _ in range(400):
                await socket.send(event)
    socket.transport.resume_reading()
    with pytest.raises(ConnectionClosed):
        await read_to_the_end(socket)
    async with connect(f"{server.websocket}/v1/realtime") as other:
        assert (await receive(other))["type"] == "session.created"
