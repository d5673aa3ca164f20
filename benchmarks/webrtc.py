"""Calls over WebRTC to a running server: over bad networks, in great number, many at once.

    python -m benchmarks.webrtc loss RECORDINGS --url URL           word errors under loss, jitter, low rate
    python -m benchmarks.webrtc churn --url URL --count 200         connections that close, vanish, are hung up
    python -m benchmarks.webrtc drift --url URL --seconds 600      how true the frames' clock is in a long call
    python -m benchmarks.webrtc crowd --url URL --calls 20         how regularly frames arrive in 20 calls

The network is a relay in this process, through which the call's packets are led by the address in the server's answer.
"""

from __future__ import annotations

import asyncio
import fractions
import json
import random
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import av
import httpx
import numpy as np
import psutil
import typer
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from playwright.async_api import Browser, Error, async_playwright, expect

from parley.audio import files
from parley.audio.pcm import Int16, to_float, to_int16
from parley.audio.resample import resample
from parley.client.word_errors import distance
from parley.transports import opus

RATE, FRAME = 48000, 960
_GONE_S = 16.0  # a vanished peer is given up after 15
app = typer.Typer(help=__doc__, no_args_is_help=True)


@dataclass(frozen=True)
class Network:
    """What happens to packets, each way."""

    loss: float = 0.0
    jitter_s: float = 0.0
    """Each packet is late by a random time up to this."""
    rate_bps: float | None = None


class Relay(asyncio.DatagramProtocol):
    """A lossy, late, narrow way between a caller and a server."""

    def __init__(self, target: tuple[str, int], network: Network, seed: int) -> None:
        self._target = target
        self._network = network
        self._random = random.Random(seed)
        self._caller: tuple[str, int] | None = None
        self._free = {True: 0.0, False: 0.0}
        self._transport: asyncio.DatagramTransport | None = None
        self.passed = self.dropped = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        back = addr == self._target
        if not back:
            self._caller = addr
        to = self._caller if back else self._target
        if to is None or self._random.random() < self._network.loss:
            self.dropped += 1
            return
        self.passed += 1
        loop = asyncio.get_running_loop()
        at = loop.time() + self._random.uniform(0.0, self._network.jitter_s)
        if self._network.rate_bps:
            at = self._free[back] = max(at, self._free[back]) + len(data) * 8 / self._network.rate_bps
        loop.call_at(at, self._send, data, to)

    def _send(self, data: bytes, to: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, to)


class Microphone(MediaStreamTrack):
    """Silence, and what it is told to say."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._queue: Int16 = np.empty(0, np.int16)
        self._began: float | None = None
        self._encoder = opus.ResilientEncoder()
        self._frames = 0

    def say(self, samples: Int16) -> None:
        """After whatever is queued."""
        self._queue = np.concatenate([self._queue, samples])

    async def recv(self) -> Any:
        """The next 20 ms, with redundancy, as browsers send it."""
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(max(0.0, self._began + self._frames * 0.02 - loop.time()))
        samples, self._queue = self._queue[:FRAME], self._queue[FRAME:]
        packet = av.Packet(self._encoder.encode(np.pad(samples, (0, FRAME - len(samples)))))
        packet.pts, packet.time_base = self._frames * FRAME, fractions.Fraction(1, RATE)
        self._frames += 1
        return packet


class Call:
    """One caller."""

    def __init__(self, *, keep_sound: bool = False) -> None:
        self.keep_sound = keep_sound
        self._heard: list[Int16] = []
        self.peer = RTCPeerConnection()
        self.microphone = Microphone()
        self.events: list[dict[str, Any]] = []
        self.arrived: list[float] = []
        """Loop times of frames."""
        self.heard_s = 0.0
        """How much was heard."""
        self.changed = asyncio.Event()
        self.location = ""
        self.peer.addTrack(self.microphone)
        self.channel = self.peer.createDataChannel("oai-events")
        self.channel.on("message", self._take)

    def _take(self, message: str) -> None:
        self.events.append(json.loads(message))
        self.changed.set()

    async def accept(self, answer: str) -> None:
        """Take the server's answer, and hear packets from then on when they come: aiortc's own buffer holds four back,
        and gives nothing for a third of a second when one is missing, which no browser does."""
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        opus.receive_with_least_delay(self.peer, self._hear, RATE)

    def _hear(self, samples: Int16) -> None:
        self.arrived.append(asyncio.get_running_loop().time())
        self.heard_s += len(samples) / RATE
        if self.keep_sound:
            self._heard.append(samples)

    def heard_since(self, seconds: float) -> Int16:
        """What was heard from there on, if it is kept."""
        wanted = max(0, round((self.heard_s - seconds) * RATE))
        parts, missing = [np.empty(0, np.int16)], wanted
        for part in reversed(self._heard):
            if missing <= 0:
                break
            parts.append(part)
            missing -= len(part)
        return np.concatenate(parts[::-1])[-wanted:] if wanted else parts[0]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Events of a type."""
        return [e for e in self.events if e["type"] == kind]

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Whether it came to hold in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds():
                    self.changed.clear()
                    await self.changed.wait()
        return holds()

    async def close(self) -> None:
        """Hang up."""
        await self.peer.close()


@asynccontextmanager
async def call(
    url: str, network: Network | None = None, seed: int = 1, *, query: str = "", keep_sound: bool = False
) -> AsyncIterator[Call]:
    """Connect, by a relay where a network is given; raises `TimeoutError` when no connection comes about."""
    caller, relay = Call(keep_sound=keep_sound), None
    await caller.peer.setLocalDescription(await caller.peer.createOffer())
    offer = caller.peer.localDescription.sdp
    if network is not None:  # the server is not to find the caller but through the relay
        offer = re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", offer)
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(
            f"{url}/v1/realtime/calls{query}",
            content=offer,
            headers={"Content-Type": "application/sdp"},
        )
    answer.raise_for_status()
    caller.location = answer.headers["Location"]
    sdp = answer.text
    if network is not None:
        host, port = re.findall(r"a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host", sdp)[0]
        loop = asyncio.get_running_loop()
        relay, _ = await loop.create_datagram_endpoint(
            lambda: Relay((host, int(port)), network, seed), local_addr=(host, 0)
        )
        own = relay.get_extra_info("sockname")
        lines = [line for line in sdp.splitlines() if not line.startswith("a=candidate")]
        at = next(i for i, line in enumerate(lines) if line.startswith("a=ice-ufrag"))
        lines.insert(at, f"a=candidate:1 1 udp 2130706431 {own[0]} {own[1]} typ host")
        sdp = "\r\n".join(lines) + "\r\n"
    try:
        await caller.accept(sdp)
        if not await caller.until(lambda: bool(caller.of("session.created")), 15):
            raise TimeoutError("no connection came about")
        yield caller
    finally:
        await caller.close()
        if relay is not None:
            relay.close()


def clip(path: Path) -> Int16:
    """At 48 kHz."""
    samples, rate_hz = files.read(path)
    return to_int16(resample(to_float(samples), rate_hz, RATE))


NETWORKS = {
    "good": Network(),
    "2 % loss": Network(loss=0.02),
    "5 % loss": Network(loss=0.05),
    "10 % loss": Network(loss=0.10),
    "100 ms jitter": Network(jitter_s=0.1),
    "300 kbit/s": Network(rate_bps=300_000),
}


@app.command()
def loss(
    recordings: Path,
    url: str = "http://localhost:8000",
    only: Annotated[list[str] | None, typer.Option(help="Networks")] = None,
    clips: int = 12,
    seed: int = 1,
) -> None:
    """Word errors of the user's speech over bad networks, the same clips over each."""
    asyncio.run(_loss(recordings, url, only or list(NETWORKS), clips, seed))


async def _loss(recordings: Path, url: str, names: list[str], clips: int, seed: int) -> None:
    entries = [
        e for e in json.loads((recordings / "manifest.json").read_text(encoding="utf-8"))
        if e["language"] == "en" and 1.0 < e["seconds"] < 7.0
    ][:clips]  # fmt: skip
    for name in names:
        errors = words = unanswered = 0
        for entry in entries:
            async with call(url, NETWORKS[name], seed) as caller:
                caller.microphone.say(np.concatenate([np.zeros(RATE, np.int16), clip(recordings / entry["file"])]))
                answered = await caller.until(lambda: bool(caller.of("response.done")), entry["seconds"] + 25)
                unanswered += not answered
                done = caller.of("conversation.item.input_audio_transcription.completed")
                found, count = distance(entry["transcript"], " ".join(e["transcript"] for e in done))
                errors, words = errors + found, words + count
        typer.echo(
            f"{name:14} word errors {errors}/{words} = {100 * errors / words:5.1f} %   "
            f"conversations that did not go on: {unanswered} of {len(entries)}"
        )


@app.command()
def churn(
    url: str = "http://localhost:8000",
    count: int = 200,
    at_once: int = 4,
    tabs: Annotated[int, typer.Option(help="Further calls, of pages in Chromium whose tabs are killed")] = 0,
) -> None:
    """Connect again and again; end by closing, by a hang-up from outside, by a cut network, by a killed tab."""
    asyncio.run(_churn(url, count, at_once, tabs))


async def _churn(url: str, count: int, at_once: int, tabs: int) -> None:
    gate = asyncio.Semaphore(at_once)
    outcome = {"connected": 0, "failed": 0}
    before = await _left(url)

    async def killed(browser: Browser, number: int) -> None:
        async with gate:
            page = await browser.new_page()
            try:
                await page.goto(f"{url}/?transport=webrtc")
                await page.get_by_role("button", name="Start talking").click()
                await expect(page.locator("#state")).to_have_text("listening", timeout=15_000)
                outcome["connected"] += 1
                with suppress(Error):
                    await page.goto("chrome://crash")
            except (AssertionError, Error) as fault:
                outcome["failed"] += 1
                typer.echo(f"tab {number}: {fault!r}")
            await page.close()

    async def one(number: int) -> None:
        async with gate:
            try:
                async with call(url) as caller:
                    outcome["connected"] += 1
                    await caller.until(lambda: len(caller.arrived) > 10, 3)
                    match number % 4:
                        case 1:  # a hang-up from outside
                            async with httpx.AsyncClient() as client:
                                await client.post(f"{url}{caller.location}/hangup")
                        case 2:  # the network is cut: nothing is said, nothing arrives
                            for transceiver in caller.peer.getTransceivers():
                                transport = transceiver.sender.transport.transport
                                await transport._connection.close()
                        case 3:  # the channel alone is closed
                            caller.channel.close()
            except (TimeoutError, httpx.HTTPError, ConnectionError) as fault:
                outcome["failed"] += 1
                typer.echo(f"{number}: {fault!r}")

    began = time.monotonic()
    async with AsyncExitStack() as stack:
        calls = [one(number) for number in range(count)]
        if tabs:
            playwright = await stack.enter_async_context(async_playwright())
            flags = [
                "--no-sandbox",
                "--disable-gpu",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
            ]
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
            stack.push_async_callback(browser.close)
            calls += [killed(browser, number) for number in range(tabs)]
        random.Random(1).shuffle(calls)
        await asyncio.gather(*calls)
    typer.echo(f"{outcome['connected']} of {count + tabs} connected in {time.monotonic() - began:.0f} s")
    if count + tabs == 1:
        return  # one call shows nothing of what is left behind
    await asyncio.sleep(_GONE_S)
    for name, value in (await _left(url)).items():
        typer.echo(f"{name:32} {before.get(name, 0):14.0f} before {value:14.0f} after")


async def _left(url: str) -> dict[str, float]:
    """What the server has of everything that calls could leave behind."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{url}/metrics")).text
    names = ("parley_active_sessions", "parley_tasks", "process_open_fds", "process_resident_memory_bytes")
    return {n: float(v) for n, v in (line.split() for line in text.splitlines() if line.startswith(names))}


@app.command()
def drift(url: str = "http://localhost:8000", seconds: float = 600) -> None:
    """One long call: how far the frames' own time is from the clock, from first to last."""
    asyncio.run(_drift(url, seconds))


async def _drift(url: str, seconds: float) -> None:
    async with call(url) as caller:
        await asyncio.sleep(seconds)
        arrived = np.array(caller.arrived[50:])
    due = arrived[0] + np.arange(len(arrived)) * 0.02
    late = (arrived - due) * 1000
    minutes = [late[i : i + 3000] for i in range(0, len(late) - 2999, 3000)]
    medians = [round(float(np.median(minute)), 1) for minute in minutes]
    typer.echo(f"{len(arrived)} frames; ms behind the clock, median of each minute: {medians}")
    typer.echo(f"90 % of frames within {np.percentile(late, 5):.1f} to {np.percentile(late, 95):.1f} ms")


@app.command()
def crowd(
    url: str = "http://localhost:8000",
    calls: int = 20,
    seconds: float = 30,
    silent: Annotated[
        bool, typer.Option("--silent", help="Nobody asks anything: the way alone, without models")
    ] = False,
) -> None:
    """Many calls at once that listen to answers to typed questions; how regularly frames arrive."""
    asyncio.run(_crowd(url, calls, seconds, silent))


async def _crowd(url: str, calls: int, seconds: float, silent: bool) -> None:
    late: list[float] = []
    process = psutil.Process()

    async def one() -> None:
        async with call(url) as caller:
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Tell me a story."}]}
            for event in (
                () if silent else ({"type": "conversation.item.create", "item": item}, {"type": "response.create"})
            ):
                caller.channel.send(json.dumps(event))
            await asyncio.sleep(seconds)
            gaps = np.diff(caller.arrived[50:]) * 1000
            late.extend(np.abs(gaps - 20.0))

    before = sum(process.cpu_times()[:2])
    await asyncio.gather(*(one() for _ in range(calls)))
    spent = (sum(process.cpu_times()[:2]) - before) / seconds * 100
    typer.echo(
        f"{calls} calls, {seconds:.0f} s: deviation from the 20 ms cadence p50 {np.percentile(late, 50):.2f} ms, "
        f"p95 {np.percentile(late, 95):.2f} ms, p99 {np.percentile(late, 99):.2f} ms; the callers "
        f"themselves used {spent:.0f} % of a core"
    )


if __name__ == "__main__":
    app()
