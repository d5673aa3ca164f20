"""A WebRTC call that is set up over the page's socket, with ways that are told when they are found."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCSessionDescription
from benchmarks.webrtc import Call
from websockets.asyncio.client import ClientConnection, connect

from tests.conftest import RunningServer
from tests.e2e.test_webrtc import heard_within, until_nobody_is_left

_WAY = re.compile(r"a=(candidate:.*)\r\n")


@asynccontextmanager
async def signalling(server: RunningServer) -> AsyncIterator[ClientConnection]:
    async with connect(server.url.replace("http", "ws") + "/ws?signalling=1") as socket:
        yield socket


async def offered(socket: ClientConnection, caller: Call) -> tuple[str, list[str]]:
    """Offer a call without any way to it; returns the server's answer, and the ways."""
    await caller.peer.setLocalDescription(await caller.peer.createOffer())
    sdp = caller.peer.localDescription.sdp
    bare = _WAY.sub("", sdp).replace("a=end-of-candidates\r\n", "")
    await socket.send(json.dumps({"type": "parley.rtc.offer", "sdp": bare}))
    answer = json.loads(await socket.recv())
    assert answer["type"] == "parley.rtc.answer"
    await caller.peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    return answer["call_id"], sorted(set(_WAY.findall(sdp)))


def candidate(line: str) -> str:
    return json.dumps({"type": "parley.rtc.candidate", "candidate": line, "sdpMid": "0", "sdpMLineIndex": 0})


async def test_a_call_connects_by_ways_that_come_after_the_offer_and_needs_the_socket_no_more(
    server: RunningServer,
) -> None:
    caller = Call()
    async with signalling(server) as socket:
        call_id, ways = await offered(socket, caller)
        assert call_id.startswith("rtc_")
        for line in (*ways, ""):
            await socket.send(candidate(line))
        await heard_within(caller, lambda: bool(caller.of("session.created")))
    assert caller.of("parley.resume"), "the page's extensions are on"
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}
    caller.channel.send(json.dumps({"type": "conversation.item.create", "item": item}))
    caller.channel.send(json.dumps({"type": "response.create"}))
    await heard_within(caller, lambda: bool(caller.of("output_audio_buffer.stopped")), 40)
    await caller.close()
    await until_nobody_is_left(server)


async def test_a_socket_that_closes_before_the_call_connected_takes_it_along(server: RunningServer) -> None:
    caller = Call()
    async with signalling(server) as socket:
        await offered(socket, caller)
    await until_nobody_is_left(server)
    await caller.close()


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("nonsense", "message"),
        ("[" * 5000, "message"),
        ("[]", None),
        ('{"type": "session.update"}', "type"),
        ('{"type": "parley.rtc.offer"}', "sdp"),
        ('{"type": "parley.rtc.offer", "sdp": "v=0"}', "sdp"),
    ],
)
async def test_a_faulty_first_message_is_named_and_ends_the_signalling(
    server: RunningServer, message: str, field: str | None
) -> None:
    async with signalling(server) as socket:
        await socket.send(message)
        error: dict[str, Any] = json.loads(await socket.recv())
        assert error["error"]["param"] == field, error
        await socket.wait_closed()


@pytest.mark.parametrize("line", ["candidate:nonsense", "candidate:1 1 udp x 127.0.0.1 99999999 typ host"])
async def test_a_faulty_candidate_is_named_and_better_ones_serve(server: RunningServer, line: str) -> None:
    caller = Call()
    async with signalling(server) as socket:
        _, ways = await offered(socket, caller)
        await socket.send(candidate(line))
        error: dict[str, Any] = json.loads(await socket.recv())
        assert error["error"]["param"] == "candidate", error
        for good in ways:
            await socket.send(candidate(good))
        await heard_within(caller, lambda: bool(caller.of("session.created")))
    await caller.close()
    await until_nobody_is_left(server)
