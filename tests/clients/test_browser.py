"""@openai/agents-realtime over WebRTC: in Chromium, in a page of another origin, with an ephemeral key."""

from __future__ import annotations

import shutil
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.async_api import async_playwright, expect

from tests.clients.conftest import KEY, Host
from tests.clients.environments import ENVIRONMENTS, HERE
from tests.clients.table import PAGE
from tests.conftest import UNDERSTOOD, Clip, silence
from tests.pages.chromium import CHROMIUM, RATE, RTC_TAP, flags, microphone

SOUNDED = "window.tapped.flat().filter((x) => Math.abs(x) > 200).length > window.tapRate / 2"
"""Half a second that is louder than silence came out of the connection."""


async def ephemeral_key(host: Host) -> str:
    """What the page's own server would ask for."""
    trusting = ssl.create_default_context(cafile=host.certificate)
    async with httpx.AsyncClient(timeout=30, verify=trusting) as client:
        answer = await client.post(
            f"{host.server.url}/v1/realtime/client_secrets",
            headers={"Authorization": f"Bearer {KEY}"},
            json={"session": {"type": "realtime", "model": "gpt-realtime"}},
        )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"])


@dataclass(frozen=True)
class Case:
    """What the page is asked for, and what must be in its answer."""

    feature: str
    query: str
    words: tuple[str, ...]
    tools: tuple[str, ...]


CASES = (
    Case("realtime", "", ("1883",), ()),
    Case("two tools", "?tools=1", ("143 years", "sunny"), ("bridge_age", "weather")),
)


@pytest.fixture(scope="module")
def page_url(host: Host, folder: Path) -> str:
    """A page of another origin, with the bundle that the package ships for browsers beside it."""
    bundle = ENVIRONMENTS / PAGE.folder / "node_modules" / PAGE.package / "dist" / "bundle"
    for file in [*bundle.glob("*.mjs"), HERE / PAGE.folder / "index.html"]:
        shutil.copy(file, folder / "pages")
    return f"{host.origin}/index.html"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.feature)
async def test_a_page_of_another_origin_talks_by_webrtc(
    case: Case, host: Host, page_url: str, question: Clip, tmp_path: Path
) -> None:
    sound = microphone(tmp_path / "microphone.wav", silence(3, RATE), question.samples(RATE), silence(60, RATE))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*flags(sound), "--ignore-certificate-errors"],  # the server signed for itself
        )
        page = await browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda e: faults.append(str(e)))
        await page.add_init_script(RTC_TAP)
        await page.goto(page_url + case.query)
        await page.wait_for_function("() => Boolean(window.talk)", timeout=30_000)
        given = [await ephemeral_key(host), f"{host.server.url}/v1/realtime/calls"]
        await page.evaluate("([key, url]) => window.talk(key, url)", given)
        for words in case.words:
            await expect(page.locator("#said")).to_contain_text(words, timeout=60_000)
        await page.wait_for_function(SOUNDED, timeout=30_000)
        heard = await page.evaluate("words('user')")
        ran = await page.evaluate("window.ran")
        faults += await page.evaluate("window.faults")
        await browser.close()
    assert not faults
    assert UNDERSTOOD.search(heard), heard
    assert sorted(ran) == list(case.tools)
