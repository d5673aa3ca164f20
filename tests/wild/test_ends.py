"""Processes that die and servers that are told to stop, in the middle of what they do."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import RunningServer, start_server
from tests.looking import unexpected, until
from tests.wild.talking import Talk

STORY = "Tell me a long story about the sea."
CHILDREN = {"language model": "adapters.llama_cpp", "voices": "workers.local_worker"}


def children(pid: int, part: str = "") -> list[psutil.Process]:
    """The processes that a server started, those whose command names `part`; not those that are ending."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if part in " ".join(child.cmdline()):
                found.append(child)
    return found


@pytest.fixture
def stoppable(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], RunningServer]]:
    """A server of its own, which its test ends."""
    process, found = start_server(
        tmp_path / "serve.log", PARLEY_LLM="smollm2-135m", PARLEY_MAX_OUTPUT_TOKENS="60", PARLEY_TEMPERATURE="0",
        PARLEY_STOP_GRACE_S=os.environ.get("TEST_GRACE_S", "30"),
    )  # fmt: skip
    yield process, found
    if process.poll() is None:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["told", "killed"])
@pytest.mark.wild(before="a language model's process of 360 MB stayed in two of three tries")
async def test_a_server_that_ends_while_it_starts_leaves_nobody_behind(number: int, tmp_path: Path) -> None:
    log = (tmp_path / "log").open("wb")
    command = [sys.executable, "-m", "parley.cli", "serve", "--port", "0"]
    environment = {**os.environ, "PARLEY_LLM": "smollm2-135m"}
    process = await asyncio.to_thread(lambda: subprocess.Popen(command, stdout=log, stderr=log, env=environment))
    try:
        started = await until(lambda: children(process.pid, CHILDREN["language model"]))
        started += children(process.pid)
        process.send_signal(number)
        code = await asyncio.to_thread(process.wait, 30)
        assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        await until(lambda: not any(c.is_running() and c.status() != psutil.STATUS_ZOMBIE for c in started))
    finally:
        log.close()
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.wild(before="the sound stopped at once, the socket was closed without a word, exit code -15")
async def test_a_server_that_is_told_to_stop_finishes_what_it_says_and_tells_why(stoppable: Any) -> None:
    process, server = stoppable
    async with Talk(server.websocket) as talk, Talk(server.websocket) as silent:
        await talk.say("Say hello.")
        await talk.send(type="response.create")
        await talk.until("response.output_audio.delta")
        process.send_signal(signal.SIGTERM)
        ended = await talk.until("response.done")
        assert ended["response"]["status"] in ("completed", "incomplete")
        for each in (talk, silent):
            told = await each.until("error")
            assert told["error"]["code"] == "server_stopping"
            with pytest.raises(ConnectionClosed) as closed:
                await each.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
    assert await asyncio.to_thread(process.wait, 30) == 0


@pytest.mark.wild(before="nothing told the client that its answer would not go on")
async def test_a_second_signal_cuts_the_answer(stoppable: Any) -> None:
    process, server = stoppable
    async with Talk(server.websocket) as talk:
        await talk.say(STORY)
        await talk.send(type="response.create")
        await talk.until("response.output_audio.delta")
        process.send_signal(signal.SIGTERM)
        await until(lambda: "stopping" in server.log.read_text(errors="replace"))
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 0
    assert not unexpected(server.log.read_text(errors="replace"))


async def health(server: RunningServer) -> tuple[int, dict[str, Any]]:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(f"{server.url}/health")
    return answer.status_code, msgspec.json.decode(answer.content)


async def healthy(server: RunningServer) -> None:
    """Wait until everything that is needed is there."""
    async with asyncio.timeout(90):
        while (await health(server))[0] != 200:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.1)


@pytest.mark.timeout(300)
@pytest.mark.wild(before="a killed language model never came back, and /health stayed 200")
async def test_every_child_may_be_killed_twice_in_speech(stoppable: Any) -> None:
    process, server = stoppable
    async with Talk(server.websocket) as talk:
        for part in (*CHILDREN, *CHILDREN):
            await talk.say(STORY)
            await talk.send(type="response.create")
            await talk.until("response.output_audio.delta")
            victims = children(process.pid, CHILDREN[part])
            for victim in victims:
                victim.kill()
            ended = await talk.until("response.done", 90)
            if ended["response"]["status"] == "failed":
                await talk.until("response.done", 90)  # one apology
            before = {c.pid for c in victims}
            await until(lambda p=part, old=before: {c.pid for c in children(process.pid, CHILDREN[p])} - old)  # type: ignore[misc]
            await healthy(server)
            answer = await talk.ask("Say hello.")
            assert answer.status in ("completed", "incomplete"), (part, answer.response)
            assert answer.text
        apologies = [e for e in talk.events if "Sorry, I could not" in str(e) and e["type"] == "response.done"]
        assert len(apologies) <= 2 * len(CHILDREN)
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{server.url}/metrics")).text
    restarts = [
        float(line.split()[-1]) for line in metrics.splitlines() if line.startswith("parley_child_restarts_total")
    ]
    assert sum(restarts) >= 4
    process.terminate()
    assert await asyncio.to_thread(process.wait, 30) == 0
    assert not unexpected(server.log.read_text(errors="replace"))


HANGS = """
import asyncio
import parley.cli.serve, parley.server.loaded_models
from parley.cli import app
parley.cli.serve.ENDS_S = 1.0
parley.server.loaded_models.LoadedModels.aclose = lambda self: asyncio.Event().wait()
app(["serve", "--port", "0"])
"""


@pytest.mark.wild(before="it stayed until somebody killed it, and nothing said why")
def test_a_server_that_hangs_behind_its_last_answer_ends_by_itself_and_says_where(tmp_path: Path) -> None:
    process, server = start_server(tmp_path / "log", run=("-c", HANGS), PARLEY_LLM="smollm2-135m")
    process.terminate()
    assert process.wait(60) == 1
    said = server.log.read_text(errors="replace")
    assert "most recent call first" in said
    assert "cli/serve.py" in said
