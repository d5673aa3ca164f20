"""A conversation over WebRTC with a real server: aiortc on both sides, sound and events as a browser has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from aiortc import RTCSessionDescription
from benchmarks.webrtc import RATE, Call, call

from parley.audio import files
from parley.client.audibility import first_audible_s, last_audible_s
from parley.client.word_errors import words
from tests.conftest import UNDERSTOOD, Clip, RunningServer


def keeping(server: RunningServer, query: str = "") -> AbstractAsyncContextManager[Call]:
    return call(server.url, query=query, keep_sound=True)


async def heard_within(caller: Call, holds: Callable[[], bool], seconds: float = 20.0) -> None:
    assert await caller.until(holds, seconds), [e["type"] for e in caller.events]


async def until_nobody_is_left(server: RunningServer) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(20):
        while True:
            if "parley_active_sessions 0.0" in (await client.get(f"{server.url}/metrics")).text:
                return
            await asyncio.sleep(0.2)  # of another process: there is nothing to wait for


@pytest.mark.timeout(180)
async def test_a_spoken_question_is_answered_and_the_answer_can_be_interrupted(
    server: RunningServer, question: Clip, interruption: Clip, tmp_path: Path
) -> None:
    async with keeping(server) as caller:
        caller.microphone.say(question.samples(RATE))
        await heard_within(caller, lambda: bool(caller.of("response.done")), 40)
        transcript = caller.of("conversation.item.input_audio_transcription.completed")[0]["transcript"]
        assert UNDERSTOOD.search(transcript)
        kinds = [e["type"] for e in caller.events]
        assert kinds.index("output_audio_buffer.started") < kinds.index("output_audio_buffer.stopped")
        assert "response.output_audio.delta" not in kinds
        said = caller.of("response.output_audio_transcript.done")[0]["transcript"]
        path = tmp_path / "heard.wav"
        files.write(path, caller.heard_since(0.0), RATE)
        async with httpx.AsyncClient(timeout=60) as client:
            told = await client.post(f"{server.url}/v1/audio/transcriptions", files={"file": path.read_bytes()})
        assert set(words(said)) & set(words(told.json()["text"])), (said, told.text)

        caller.microphone.say(question.samples(RATE))
        await heard_within(caller, lambda: len(caller.of("output_audio_buffer.started")) == 2, 40)
        caller.microphone.say(interruption.samples(RATE))
        await heard_within(caller, lambda: bool(caller.of("output_audio_buffer.cleared")), 20)
        await heard_within(caller, lambda: len(caller.of("response.done")) >= 2, 20)
        assert caller.of("response.done")[1]["response"]["status"] == "cancelled"
    await until_nobody_is_left(server)
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{server.url}/metrics")).text
    received = next(
        line for line in text.splitlines() if line.startswith('parley_webrtc_packets_total{kind="received"}')
    )
    assert float(received.split()[-1]) > 200
    assert first_audible_s(caller.heard_since(0.0), RATE) is not None
    assert last_audible_s(caller.heard_since(0.0), RATE) is not None


async def test_typed_text_is_answered_aloud_and_settings_come_with_the_offer(server: RunningServer) -> None:
    async with keeping(server, "?model=gpt-realtime") as caller:
        assert caller.of("session.created")[0]["session"]["model"] == "gpt-realtime"
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}
        caller.channel.send(json.dumps({"type": "conversation.item.create", "item": item}))
        caller.channel.send(json.dumps({"type": "response.create"}))
        caller.channel.send("nonsense")
        await heard_within(caller, lambda: bool(caller.of("response.done")), 40)
        assert caller.of("error")[0]["error"]["code"] == "invalid_json"
        assert caller.of("output_audio_buffer.stopped")
    await until_nobody_is_left(server)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"nonsense", "application/sdp", 400),
        (b"", "application/sdp", 400),
        (b"v=0\r\n", "application/sdp", 400),
        (b"x" * 300_000, "application/sdp", 400),
    ],
)
async def test_an_offer_that_is_none_is_refused_and_nothing_stays(
    server: RunningServer, body: bytes, kind: str, status: int
) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        answer = await client.post(f"{server.url}/v1/realtime/calls", content=body, headers={"Content-Type": kind})
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["param"] == "sdp"
    await until_nobody_is_left(server)


async def test_a_call_can_be_ended_from_outside(server: RunningServer) -> None:
    caller = Call()
    await caller.peer.setLocalDescription(await caller.peer.createOffer())
    form = {
        "sdp": (None, caller.peer.localDescription.sdp),
        "session": (None, json.dumps({"instructions": "Be brief."})),
    }
    async with httpx.AsyncClient(timeout=20) as client:
        answer = await client.post(f"{server.url}/v1/realtime/calls", files=form)
        assert answer.status_code == 201, answer.text
        await caller.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        await heard_within(caller, lambda: bool(caller.of("session.created")))
        assert caller.of("session.created")[0]["session"]["instructions"] == "Be brief."
        ended = await client.post(f"{server.url}{answer.headers['Location']}/hangup")
        assert ended.status_code == 200
        again = await client.post(f"{server.url}{answer.headers['Location']}/hangup")
        assert again.status_code == 400
    await until_nobody_is_left(server)
    await caller.close()
