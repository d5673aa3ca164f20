"""A tool of the server, through the official client: a language model's server calls it and answers its result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openai import AsyncOpenAI

from tests.conftest import RunningServer, start_server, stop_server
from tests.wild.scripted import Reply, ScriptedServer, running


async def asks_the_clock(reply: Reply) -> None:
    """Calls the tool, then says what it told."""
    results = [m["content"] for m in reply.request["messages"] if m["role"] == "tool"]
    if results:
        await reply.say(f"In Tokyo it is {json.loads(results[-1])['time']}.")
    else:
        function = {"name": "current_time", "arguments": '{"time_zone": "Asia/Tokyo"}'}
        await reply.delta(tool_calls=[{"index": 0, "id": "call_1", "type": "function", "function": function}])
    await reply.done("stop" if results else "tool_calls")


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedServer]:
    with running(ScriptedServer({"Tokyo": asks_the_clock})) as server:
        yield server


@pytest.fixture(scope="module")
def clock_server(model: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    log = tmp_path_factory.mktemp("server") / "serve.log"
    process, server = start_server(
        log, PARLEY_LLM_BASE_URL=model.url, PARLEY_LLM="scripted", PARLEY_LLM_PREFILL="false",
        PARLEY_TOOLS='["current_time"]',
    )  # fmt: skip
    yield server
    stop_server(process, server)


async def test_the_official_client_hears_the_answer_to_a_result_it_had_nothing_to_do_for(
    clock_server: RunningServer, model: ScriptedServer
) -> None:
    events: list[dict[str, Any]] = []
    async with (
        AsyncOpenAI(
            api_key="none", base_url=f"{clock_server.url}/v1", websocket_base_url=f"{clock_server.websocket}/v1"
        ) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
        asyncio.timeout(60),
    ):
        content: Any = [{"type": "input_text", "text": "What time is it in Tokyo?"}]
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        await connection.response.create()
        while sum(event["type"] == "response.done" for event in events) < 2:
            events.append((await connection.recv()).model_dump())
    assert not [event for event in events if event["type"] == "error"]
    added = [e["item"] for e in events if e["type"] == "conversation.item.added"]
    assert [item["type"] for item in added] == ["message", "function_call", "function_call_output", "message"]
    assert added[1]["name"] == "current_time"
    told = json.loads(added[2]["output"])
    assert added[2]["call_id"] == added[1]["call_id"]
    assert told["time_zone"] == "Asia/Tokyo"
    assert told["date"].endswith(f"{datetime.now(ZoneInfo('Asia/Tokyo')):%Y}")
    said = next(e["transcript"] for e in events if e["type"] == "response.output_audio_transcript.done")
    assert said == f"In Tokyo it is {told['time']}."
    (first, second) = model.of("Tokyo")
    assert first["tools"][0]["function"]["name"] == "current_time"
    assert [m["role"] for m in second["messages"]] == ["system", "user", "assistant", "tool"]


def test_a_tool_that_is_none_is_named_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"tools: no tool is called 'clock'; there are current_time"):
        start_server(tmp_path / "serve.log", PARLEY_LLM="smollm2-135m", PARLEY_TOOLS='["clock"]')
