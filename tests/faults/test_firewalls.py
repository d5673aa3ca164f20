"""Calls between hosts of their own, past firewalls and address translation."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import async_playwright, expect

from parley.audio import files
from tests.conftest import Clip, silence, start_server
from tests.faults.hosts import PRIVATE, Host, hosts, namespaces_work, put_behind

RATE = 48000
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
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        chromium = tmp_path / "chromium"
        chromium.write_text("#!/bin/sh\nexec " + " ".join(there["browser"].command(str(CHROMIUM))) + ' "$@"\n')
        chromium.chmod(0o755)
        expected = "WebRTC UDP by TURN (tcp)" if turn else "WebSocket"
        asyncio.run(talk(running.url, chromium, sound, expected))


async def talk(url: str, chromium: Path, sound: Path, path: str) -> None:
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
        await page.get_by_role("button", name="Connect").click()
        await expect(page.locator("#state")).to_have_text("listening", timeout=15_000)
        await expect(page.locator("#path")).to_have_text(path, timeout=10_000)
        await expect(page.locator("#transcript .you .said").first).to_contain_text(
            "Bridge", timeout=40_000, ignore_case=True
        )
        await expect(page.locator("#transcript .parley .said").first).not_to_be_empty(timeout=20_000)
        await browser.close()


def let_in_only_answers(host: Host) -> None:
    for words in (["-m", "conntrack", "--ctstate", "ESTABLISHED", "-j", "ACCEPT"], ["-p", "udp", "-j", "DROP"]):
        subprocess.run(host.command("iptables", "-A", "INPUT", *words), check=True)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("announced", [True, False])
def test_a_server_behind_nat_is_reached_by_the_address_that_it_announces(tmp_path: Path, announced: bool) -> None:
    with hosts("server", "nat", "caller") as (_, there), ExitStack() as stack:
        put_behind(there["nat"], there["server"])
        let_in_only_answers(there["caller"])
        environment = {"PARLEY_HOST": PRIVATE, "PARLEY_INSECURE": "true", "PARLEY_LLM": "smollm2-135m"}
        if announced:
            environment["PARLEY_PUBLIC_ADDRESS"] = there["nat"].address
        process, running = start_server(tmp_path / "serve.log", there["server"].command(sys.executable), **environment)
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        url = running.url.replace(PRIVATE, there["nat"].address)
        call = [sys.executable, "-m", "benchmarks.webrtc", "churn", "--count", "1", "--url", url]
        said = subprocess.run(there["caller"].command(*call), check=True, capture_output=True, text=True).stdout
        assert f"{int(announced)} of 1 connected" in said
