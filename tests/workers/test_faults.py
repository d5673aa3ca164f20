"""Workers that are killed, frozen, restarted or cut off in the middle of a sentence."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parley.errors import ModelError
from parley.models.interfaces import Caller, SpeakingStyle
from parley.workers.announcement import Offer
from parley.workers.fleet import Fleet
from parley.workers.local_worker import LocalWorker
from parley.workers.registry import announced
from parley.workers.remote_recognizer import RemoteRecognizer
from parley.workers.remote_synthesizer import RemoteSynthesizer
from tests.workers.fake_worker import FakeWorkerProcess, fake_settings, fake_worker

TEXT = "one two three four five six seven eight nine ten"
_SILENT_S = 3.0
SLOWLY = [{"id": "voice", "family": "fake-voice", "languages": ["en"], "options": {"word_delay_s": 0.1}}]


class Two:
    """Two workers and a fleet that knows them."""

    def __init__(self, fleet: Fleet, processes: dict[str, FakeWorkerProcess]) -> None:
        self.fleet = fleet
        self.processes = processes

    @property
    def serving(self) -> FakeWorkerProcess:
        """The one that the session was bound to."""
        return self.processes[self.fleet.bindings.worker_of("sess", "voice") or ""]

    async def healthy(self, count: int) -> None:
        assert await self.fleet.until(lambda: sum(w.healthy for w in self.fleet.workers.values()) == count, 60)


@pytest.fixture
async def two(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Two]:
    # a frozen worker is silent for ever, and a good one on a busy machine for longer than users would wait
    monkeypatch.setattr("parley.workers.remote_synthesizer.STREAM_SILENT_S", _SILENT_S)
    monkeypatch.setattr("parley.workers.remote_recognizer.STREAM_SILENT_S", _SILENT_S)
    async with AsyncExitStack() as stack:
        processes = {
            name: await stack.enter_async_context(
                fake_worker(fake_settings(name, f"unix:{tmp_path}/{name}.sock", models=SLOWLY, preload_model_ids=[]))
            )
            for name in ("a", "b")
        }
        addresses, patience_s = [p.address for p in processes.values()], getattr(request, "param", 60.0)
        fleet = await stack.enter_async_context(Fleet(addresses, patience_s=patience_s))
        known = Two(fleet, processes)
        await known.healthy(2)
        yield known


async def say(two: Two, fault: Any = None, after_words: int = 3) -> tuple[list[str], float]:
    """Say the text, with a fault after some words; returns the words that were given, and the seconds of sound."""
    voice = RemoteSynthesizer(two.fleet, Offer(id="voice", languages=("en",)))
    words: list[tuple[str, float]] = []
    seconds = 0.0
    async for chunk in voice.synthesize(TEXT, SpeakingStyle(), Caller("sess")):
        words += [(TEXT[w.text_start : w.text_end], w.start_s) for w in chunk.words]
        seconds += len(chunk.samples) / 48000
        if fault is not None and len(words) >= after_words:
            fault(two.serving.pid)
            fault = None
    assert [start for _, start in words] == sorted(start for _, start in words)
    return [word for word, _ in words], seconds


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def freeze(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


@pytest.mark.parametrize("fault", [kill, freeze])
@pytest.mark.parametrize("after_words", [1, 3, 7])
async def test_a_sentence_goes_on_at_another_worker(two: Two, fault: Any, after_words: int) -> None:
    words, seconds = await say(two, fault, after_words)
    assert words == TEXT.split(), "every word once, in order"
    assert seconds == pytest.approx(10 * 0.3, abs=0.3)
    assert two.fleet.failovers == 1
    await two.healthy(1)


async def test_a_frozen_worker_is_found_out_and_comes_back(two: Two) -> None:
    await say(two)
    frozen = two.serving
    freeze(frozen.pid)
    await two.healthy(1)
    os.kill(frozen.pid, signal.SIGCONT)
    await two.healthy(2)


@pytest.mark.parametrize("two", [0.5], indirect=True)
async def test_without_any_worker_the_failure_is_said(two: Two) -> None:
    def kill_all(_: int) -> None:
        for process in two.processes.values():
            kill(process.pid)

    with pytest.raises(ModelError, match="worker"):
        await say(two, kill_all)


async def test_a_worker_that_was_restarted_takes_over(tmp_path: Path) -> None:
    given = fake_settings("a", f"unix:{tmp_path}/a.sock", models=SLOWLY, preload_model_ids=[])
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(fake_worker(given))
        fleet = await stack.enter_async_context(Fleet([first.address], patience_s=60))
        alone = Two(fleet, {"a": first})
        await alone.healthy(1)
        speaking = asyncio.create_task(say(alone, kill))
        await first.process.wait()
        os.unlink(tmp_path / "a.sock")
        await stack.enter_async_context(fake_worker(given))
        words, _ = await speaking
        assert words == TEXT.split()


async def test_what_was_said_is_heard_anew_elsewhere(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        processes = {
            name: await stack.enter_async_context(fake_worker(fake_settings(name, f"unix:{tmp_path}/{name}.sock")))
            for name in ("a", "b")
        }
        fleet = await stack.enter_async_context(Fleet([p.address for p in processes.values()]))
        await Two(fleet, processes).healthy(2)
        stream = RemoteRecognizer(fleet, "ears", ("en",)).open("en")
        for fault in (kill, freeze):
            stream.feed(np.zeros(16000, np.float32))
            assert (await stream.partial(Caller("sess"))).text == "What time is it?"
            if fault is freeze:
                break
            fault(processes.pop(fleet.bindings.worker_of("sess", "ears") or "").pid)
        assert (await stream.finish(Caller("sess"))).text == "What time is it?"
        stream.close()


async def test_the_servers_own_worker_is_started_again() -> None:
    child = LocalWorker(
        {
            "name": "local",
            "default_model_id": "espeak",
            "models": [{"id": "espeak", "family": "espeak", "languages": ["*"]}],
        }
    )
    await child.start()
    try:
        async with Fleet([child.address], patience_s=60) as fleet:  # a busy machine takes longer than a user would wait
            assert await fleet.until(lambda: "local" in fleet.workers, 60)
            voice = RemoteSynthesizer(fleet, Offer(id="espeak", languages=("*",)))
            first = child.pid
            assert first is not None
            kill(first)
            chunks = [c async for c in voice.synthesize("Good morning.", SpeakingStyle(), Caller("sess"))]
            assert sum(len(c.samples) for c in chunks) > 20000
            assert child.keeper.restarts == 1
            assert child.pid != first
    finally:
        await child.aclose()


async def test_a_child_that_cannot_start_says_so() -> None:
    child = LocalWorker({"name": "local", "default_model_id": "x", "models": [{"id": "x", "family": "nothing"}]})
    with pytest.raises(ModelError, match="ended with code 1"):
        await child.start()


class Redis:
    """A real server on a Unix socket of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder}/redis.sock"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "redis-server", "--port", "0", "--unixsocket", str(self._folder / "redis.sock"), "--save", "", "--dir",
            str(self._folder), stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    server = Redis(tmp_path)
    await server.start()
    yield server
    await server.stop()


async def test_workers_are_found_through_redis_and_outlive_it(tmp_path: Path, redis: Redis) -> None:
    def given(name: str) -> dict[str, Any]:
        return fake_settings(name, f"unix:{tmp_path}/{name}.sock", redis_url=redis.url)

    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(Fleet(redis_url=redis.url))
        first = await stack.enter_async_context(fake_worker(given("a")))
        known = Two(fleet, {"a": first})
        await known.healthy(1)
        (said,) = await announced(redis.url)
        assert (said.name, set(said.resident_models)) == ("a", {"voice", "ears", "duplex"})
        await redis.stop()
        words, _ = await say(known)
        assert words == TEXT.split(), "whoever is known stays known"
        await redis.start()
        second = await stack.enter_async_context(fake_worker(given("b")))
        known.processes["b"] = second
        await known.healthy(2)
        second.process.terminate()
        assert await fleet.until(lambda: "b" not in fleet.workers, 60), "it took its leave"
        kill(first.pid)
        await asyncio.wait_for(gone(redis.url), 60)


async def gone(url: str) -> None:
    """Until nobody is announced: the announcements expire."""
    while await announced(url):  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0.1)
