"""Calls between hosts of their own, past firewalls and address translation."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, async_playwright, expect

from parley.audio import files
from tests.conftest import UNDERSTOOD, Clip, RunningServer, silence, start_server, stop_server
from tests.faults.hosts import PRIVATE, Host, hosts, namespaces_work, put_behind

RATE = 48000
CUTS_S = [float(seconds) for seconds in os.environ.get("TEST_CUTS", "2").split(",")]
"""How long the network is gone, one time after the other."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECRET = "a shared secret"

pytestmark = [
    pytest.mark.skipif(not namespaces_work(), reason="needs root and network namespaces"),
    pytest.mark.skipif(shutil.which("iptables") is None, reason="needs iptables"),
]


@pytest.fixture
def machines() -> Iterator[tuple[str, dict[str, Host]]]:
    with hosts("server", "browser") as made:
        yield made


def block_udp(host: Host) -> None:
    for chain in ("INPUT", "OUTPUT"):
        subprocess.run(host.command("iptables", "-A", chain, "-p", "udp", "-j", "DROP"), check=True)


def start_turn(here: str, folder: Path, stack: ExitStack) -> None:
    """coturn on this side of the bridge, which both hosts reach."""
    command = [
        "turnserver", "-n", "--listening-ip", here, "--relay-ip", here, "--listening-port", "3478", "--realm", "parley",
        "--use-auth-secret", "--static-auth-secret", SECRET, "--no-cli", "--no-tls", "--no-dtls",
        "--log-file", "stdout", "--pidfile", str(folder / "turn.pid"), "--min-port", "50000", "--max-port", "50100",
    ]  # fmt: skip
    with (folder / "turn.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)

    def end() -> None:
        process.kill()
        process.wait()

    stack.callback(end)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("turn", [True, False], ids=["turn", "websocket"])
def test_without_udp_the_page_talks_by_turn_over_tcp_or_else_by_the_websocket(
    machines: tuple[str, dict[str, Host]], question: Clip, tmp_path: Path, turn: bool
) -> None:
    if turn and shutil.which("turnserver") is None:
        pytest.skip("Debian's coturn is not installed")
    here, there = machines
    sound = tmp_path / "microphone.wav"
    files.write(sound, np.concatenate([silence(6.0, RATE), question.samples(RATE), silence(60.0, RATE)]), RATE)
    with ExitStack() as stack:
        block_udp(there["browser"])
        environment = {"PARLEY_HOST": there["server"].address, "PARLEY_INSECURE": "true", "PARLEY_LLM": "smollm2-135m"}
        if turn:
            start_turn(here, tmp_path, stack)
            environment |= {"PARLEY_TURN_SERVERS": f'["turn:{here}:3478?transport=tcp"]', "PARLEY_TURN_SECRET": SECRET}
        process, running = start_server(tmp_path / "serve.log", there["server"].command(sys.executable), **environment)
        stack.callback(stop_server, process, running)
        chromium = chromium_on(there["browser"], tmp_path)
        expected = "WebRTC UDP by TURN (tcp)" if turn else "WebSocket"
        asyncio.run(talk(running.url, chromium, sound, expected))


def chromium_on(host: Host, folder: Path) -> Path:
    """A program that starts Chromium there."""
    path = folder / "chromium"
    path.write_text("#!/bin/sh\nexec " + " ".join(host.command(str(CHROMIUM))) + ' "$@"\n')
    path.chmod(0o755)
    return path


@asynccontextmanager
async def browser_page(url: str, chromium: Path, sound: Path) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(chromium),
            args=[
                "--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={sound}%noloop",
                "--autoplay-policy=no-user-gesture-required", f"--unsafely-treat-insecure-origin-as-secure={url}",
                "--disable-features=WebRtcHideLocalIpsWithMdns",
            ],
        )  # fmt: skip
        page = await browser.new_page()
        await page.goto(url)
        yield page
        await browser.close()


async def talk(url: str, chromium: Path, sound: Path, path: str) -> None:
    async with browser_page(url, chromium, sound) as page:
        await page.get_by_role("button", name="Start talking").click()
        await expect(page.locator("#state")).to_have_text("listening", timeout=15_000)
        await expect(page.locator("#path")).to_have_text(path, timeout=10_000)
        await expect(page.locator("#transcript .you .said").first).to_have_text(UNDERSTOOD, timeout=40_000)
        await expect(page.locator("#transcript .parley .said").first).not_to_be_empty(timeout=20_000)


def let_in_only_answers(host: Host) -> None:
    for words in (["-m", "conntrack", "--ctstate", "ESTABLISHED", "-j", "ACCEPT"], ["-p", "udp", "-j", "DROP"]):
        subprocess.run(host.command("iptables", "-A", "INPUT", *words), check=True)


@pytest.mark.timeout(120)
def test_a_server_behind_nat_is_reached_by_the_address_that_it_announces(tmp_path: Path) -> None:
    with hosts("server", "nat", "caller") as (_, there), ExitStack() as stack:
        put_behind(there["nat"], there["server"])
        let_in_only_answers(there["caller"])
        process, running = start_server(
            tmp_path / "serve.log", there["server"].command(sys.executable), PARLEY_HOST=PRIVATE,
            PARLEY_INSECURE="true", PARLEY_LLM="smollm2-135m", PARLEY_PUBLIC_ADDRESS=there["nat"].address,
        )  # fmt: skip
        stack.callback(stop_server, process, running)
        url = running.url.replace(PRIVATE, there["nat"].address)
        call = [sys.executable, "-m", "benchmarks.webrtc", "churn", "--count", "1", "--url", url]
        said = subprocess.run(there["caller"].command(*call), check=True, capture_output=True, text=True).stdout
        assert "1 of 1 connected" in said


@dataclass(frozen=True)
class Scene:
    """Who talks where."""

    server: RunningServer
    chromium: Path
    sound: Path
    host: Host
    """The browser's."""

    @property
    def times_resumed(self) -> int:
        """How often the page has come back."""
        return self.server.log.read_text().count('"resumed": true')


@pytest.fixture
def conversation(machines: tuple[str, dict[str, Host]], tmp_path: Path) -> Iterator[Scene]:
    """A server on a host, Chromium with a silent microphone on another."""
    _, there = machines
    sound = tmp_path / "microphone.wav"
    files.write(sound, silence(240.0, RATE), RATE)
    with ExitStack() as stack:
        environment = {
            "PARLEY_HOST": there["server"].address, "PARLEY_INSECURE": "true", "PARLEY_LLM": "smollm2-135m",
            "PARLEY_MAX_OUTPUT_TOKENS": "12",
        }  # fmt: skip
        process, running = start_server(tmp_path / "serve.log", there["server"].command(sys.executable), **environment)
        stack.callback(stop_server, process, running)
        yield Scene(running, chromium_on(there["browser"], tmp_path), sound, there["browser"])


@pytest.mark.timeout(400)
def test_a_conversation_survives_networks_that_are_gone_for_a_while_and_another_address(conversation: Scene) -> None:
    asyncio.run(lose_the_network(conversation))


async def say(page: Page, text: str, count: int) -> None:
    """Type something; it stands there as the `count`-th, and is answered as often."""
    await page.get_by_label("Type instead of speaking").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.locator("#transcript .parley .said").nth(count - 1)).not_to_be_empty(timeout=20_000)
    await expect(page.locator("#state")).to_have_text("listening", timeout=60_000)
    await expect(page.locator("#transcript .you")).to_have_count(count)
    await expect(page.locator("#transcript .parley")).to_have_count(count)


async def lose_the_network(scene: Scene) -> None:
    async with browser_page(scene.server.url, scene.chromium, scene.sound) as page:
        await page.get_by_role("button", name="Start talking").click()
        await expect(page.locator("#path")).to_have_text("WebRTC UDP", timeout=15_000)
        await say(page, "My name is Ada.", 1)
        for count, seconds in enumerate(CUTS_S, start=2):
            await asyncio.to_thread(scene.host.cut_off)
            await asyncio.sleep(seconds)  # what is tested
            await asyncio.to_thread(scene.host.connect)
            await expect(page.locator("#state")).to_have_text("listening", timeout=60_000)
            await say(page, f"That was number {count}.", count)
        before = scene.times_resumed
        await asyncio.to_thread(scene.host.move)
        async with asyncio.timeout(30):
            while scene.times_resumed == before:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
        await expect(page.locator("#state")).to_have_text("listening", timeout=10_000)
        await expect(page.locator("#path")).to_have_text("WebRTC UDP", timeout=10_000)
        await say(page, "And yours?", len(CUTS_S) + 2)
