"""A page of another origin with an ephemeral key, and its owner's server beside the call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from aiortc import RTCSessionDescription
from benchmarks.webrtc import RATE, Call
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.conftest import Clip, RunningServer, start_server, stop_server
from tests.looking import unexpected

PAGE = "https://app.example"
KEY = {"Authorization": "Bearer open-sesame"}
SESSION: Any = {
    "type": "realtime", "instructions": "Answer in two words.", "output_modalities": ["text"],
    "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}, "output": {"voice": "Nova"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a key that lets a page of another origin in."""
    process, running = start_server(
        tmp_path_factory.mktemp("locked") / "serve.log", PARLEY_API_KEY="open-sesame", PARLEY_LLM="smollm2-135m",
        PARLEY_ALLOWED_ORIGINS=json.dumps([PAGE]),
    )  # fmt: skip
    yield running
    stop_server(process, running)
    text = running.log.read_text(errors="replace")
    assert not unexpected(text)
    assert "open-sesame" not in text
    assert "ek_" not in text


async def secret(server: RunningServer) -> str:
    async with AsyncOpenAI(api_key="open-sesame", base_url=f"{server.url}/v1") as client:
        expires: Any = {"anchor": "created_at", "seconds": 60}
        made = await client.realtime.client_secrets.create(expires_after=expires, session=SESSION)
    assert made.session.type == "realtime"
    return str(made.value)


async def called(server: RunningServer, key: str, form: dict[str, Any] | None = None) -> tuple[Call, str]:
    """A call as a browser sets it up from the page, and its id."""
    caller = Call()
    await caller.peer.setLocalDescription(await caller.peer.createOffer())
    sdp = caller.peer.localDescription.sdp
    headers = {"Authorization": f"Bearer {key}", "Origin": PAGE}
    async with httpx.AsyncClient(timeout=20) as client:
        url = f"{server.url}/v1/realtime/calls"
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        preflight = await client.options(url, headers={"Origin": PAGE, **asked})
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == PAGE
        if form is None:
            answer = await client.post(url, content=sdp, headers={**headers, "Content-Type": "application/sdp"})
        else:
            fields = {"sdp": (None, sdp), "session": (None, json.dumps(form))}
            answer = await client.post(url, files=fields, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "Location" in answer.headers["access-control-expose-headers"]
    await caller.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    assert await caller.until(lambda: bool(caller.of("session.created")), 20)
    return caller, answer.headers["Location"].rpartition("/")[2]


async def event(socket: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(40):
        while True:
            found: dict[str, Any] = json.loads(await socket.recv())
            if wanted(found):
                return found


async def test_an_ephemeral_key_begins_a_call_with_its_settings_and_a_sideband_steers_it(locked: RunningServer) -> None:
    caller, call_id = await called(locked, await secret(locked))
    session = caller.of("session.created")[0]["session"]
    assert session["instructions"] == "Answer in two words."
    assert session["audio"]["output"]["voice"] == "Nova"
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.7
    address = f"{locked.websocket}/v1/realtime?call_id={call_id}"
    async with connect(address, additional_headers=KEY) as side:
        assert json.loads(await side.recv())["session"]["id"] == session["id"]
        update = {"type": "realtime", "instructions": "Answer in three words."}
        await side.send(json.dumps({"type": "session.update", "session": update}))
        changed = await event(side, lambda e: e["type"] == "session.updated")
        assert await caller.until(lambda: bool(caller.of("session.updated")), 10)
        assert caller.of("session.updated")[0]["event_id"] == changed["event_id"]
        await side.send(json.dumps({"type": "no.event", "event_id": "mine"}))
        assert (await event(side, lambda e: e["type"] == "error"))["error"]["event_id"] == "mine"
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}
        caller.channel.send(json.dumps({"type": "conversation.item.create", "item": item}))
        await event(side, lambda e: e["type"] == "conversation.item.done")
        await side.send(json.dumps({"type": "response.create"}))
        done = await event(side, lambda e: e["type"] == "response.done")
        assert await caller.until(lambda: bool(caller.of("response.done")), 10)
        assert caller.of("response.done")[0]["response"]["id"] == done["response"]["id"]
        assert not caller.of("error")
        async with httpx.AsyncClient() as client:
            assert (await client.post(f"{locked.url}/v1/realtime/calls/{call_id}/hangup", headers=KEY)).is_success
        with pytest.raises(ConnectionClosed):
            await event(side, lambda _: False)
    await caller.close()


async def test_who_did_not_begin_a_call_cannot_listen_to_it(locked: RunningServer) -> None:
    caller, call_id = await called(locked, await secret(locked))
    other = {"Authorization": f"Bearer {await secret(locked)}"}
    for headers, wanted in ((other, call_id), (KEY, "rtc_none")):
        async with connect(f"{locked.websocket}/v1/realtime?call_id={wanted}", additional_headers=headers) as side:
            refusal = json.loads(await side.recv())
            assert refusal["error"]["code"] == "call_not_found"
            assert refusal["event_id"]
    await caller.close()


async def test_a_call_that_only_transcribes(locked: RunningServer, question: Clip) -> None:
    caller, _ = await called(locked, "open-sesame", {"type": "transcription"})
    assert caller.of("session.created")[0]["session"]["type"] == "transcription"
    caller.microphone.say(question.samples(RATE))
    completed = "conversation.item.input_audio_transcription.completed"
    assert await caller.until(lambda: bool(caller.of(completed)), 40), [e["type"] for e in caller.events]
    assert "bridge" in caller.of(completed)[0]["transcript"].lower()
    await asyncio.sleep(2)  # an answer would have come
    assert not [e for e in caller.events if e["type"].startswith("response.")]
    await caller.close()


async def test_a_secret_of_a_transcription_session_transcribes_by_a_socket(locked: RunningServer) -> None:
    async with AsyncOpenAI(api_key="open-sesame", base_url=f"{locked.url}/v1") as client:
        made = await client.realtime.client_secrets.create(session={"type": "transcription"})
    key = {"Authorization": f"Bearer {made.value}"}
    async with connect(f"{locked.websocket}/v1/realtime", additional_headers=key) as socket:
        assert json.loads(await socket.recv())["session"]["type"] == "transcription"


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"type": "realtime", "audio": {"output": {"voice": "nobody"}}}, "session.audio.output.voice"),
        ({"type": "realtime", "modalities": ["text"]}, "session.modalities"),
        ({"type": "both"}, "session.type"),
        ({"type": "transcription", "audio": {"input": {"transcription": {"language": "te"}}}},
         "session.audio.input.transcription.language"),
    ],
)  # fmt: skip
async def test_a_secret_is_not_made_for_what_cannot_be_had(
    locked: RunningServer, session: dict[str, Any], param: str
) -> None:
    async with httpx.AsyncClient() as client:
        url = f"{locked.url}/v1/realtime/client_secrets"
        answer = await client.post(url, json={"session": session}, headers=KEY)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
