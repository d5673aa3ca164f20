"""The page in a real Chromium, a real recording as its microphone."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from playwright.async_api import Page, async_playwright, expect

from parley.audio import files
from parley.audio.pcm import Int16
from tests.conftest import Clip, RunningServer, silence

RATE = 48000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# Taps what the page plays, in the page, and hands it out as 16-bit samples.
TAP = """
const connect = AudioNode.prototype.connect;
window.tapped = [];
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode && !this.isTap) {
    const tap = this.context.createScriptProcessor(4096, 1, 1);
    tap.isTap = true;
    tap.onaudioprocess = (e) => {
      const x = e.inputBuffer.getChannelData(0);
      window.tapped.push(Array.from(x, (v) => Math.round(v * 32767)));
    };
    window.tapRate = this.context.sampleRate;
    connect.call(this, tap);
    connect.call(tap, target);
  }
  return connect.call(this, target, ...rest);
};
"""


def microphone(path: Path, *parts: Int16) -> Path:
    files.write(path, np.concatenate(parts), RATE)
    return path


@pytest.fixture
async def open_page(server: RunningServer, tmp_path: Path) -> AsyncIterator[object]:
    async with async_playwright() as playwright:
        browsers = []

        async def open_with(sound: Path) -> Page:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=[
                    "--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={sound}%noloop",
                    "--autoplay-policy=no-user-gesture-required", "--disable-background-networking",
                ],
            )  # fmt: skip
            browsers.append(browser)
            page = await browser.new_page()
            await page.add_init_script(TAP)
            await page.goto(server.url)
            return page

        yield open_with
        for browser in browsers:
            await browser.close()


async def test_a_spoken_question_is_answered_by_sound_and_interrupted(
    server: RunningServer, open_page: object, question: Clip, interruption: Clip, tmp_path: Path
) -> None:
    sound = microphone(
        tmp_path / "microphone.wav", silence(2.0, RATE), question.samples(RATE), silence(1.8, RATE),
        interruption.samples(RATE), silence(30.0, RATE),
    )  # fmt: skip
    page: Page = await open_page(sound)  # type: ignore[operator]
    faults: list[str] = []
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator("#transcript .you .said").first).to_contain_text(
        "Bridge", timeout=30_000, ignore_case=True
    )
    await expect(page.locator("#state")).to_have_text("speaking", timeout=15_000)
    await expect(page.locator("#transcript .parley .coming").first).not_to_be_empty()
    await expect(page.locator("#transcript .you .said").nth(1)).to_contain_text(
        "time", timeout=30_000, ignore_case=True
    )
    struck = page.locator("#transcript .parley .unheard").first
    await expect(struck).not_to_be_empty(timeout=10_000)
    heard = await page.locator("#transcript .parley .said").first.inner_text()
    tapped = await page.evaluate("window.tapped.flat()")
    rate = int(await page.evaluate("window.tapRate"))
    played = np.array(tapped, np.int16)
    files.write(tmp_path / "played.wav", played, rate)
    transcript = await transcribe(server, (tmp_path / "played.wav").read_bytes())
    first_words = {w.strip(".,!?").lower() for w in heard.split()[:6]}
    assert first_words & {w.strip(".,!?").lower() for w in transcript.split()}, (heard, transcript)
    assert not faults


async def transcribe(server: RunningServer, data: bytes) -> str:
    import httpx

    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(f"{server.url}/v1/audio/transcriptions", files={"file": ("played.wav", data)})
    return str(msgspec.json.decode(answer.content)["text"])


async def test_typing_muting_and_the_keyboard(open_page: object, tmp_path: Path) -> None:
    page: Page = await open_page(microphone(tmp_path / "silent.wav", silence(30.0, RATE)))  # type: ignore[operator]
    await page.keyboard.press("Tab")
    await page.locator("#connect").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#state")).to_have_text("listening", timeout=15_000)
    await page.locator("#mute").click()
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    await page.get_by_label("Type instead of speaking").fill("Say hello.")
    await page.keyboard.press("Enter")
    await expect(page.locator("#transcript .you .said")).to_have_text("Say hello.")
    await expect(page.locator("#transcript .parley .said")).not_to_be_empty(timeout=20_000)
    await page.get_by_role("button", name="Disconnect").click()
    await expect(page.locator("#state")).to_have_text("not connected")


async def test_a_denied_microphone_says_what_to_do(server: RunningServer) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page()
        await page.goto(server.url)
        await page.get_by_role("button", name="Connect").click()
        await expect(page.get_by_role("alert")).to_contain_text("microphone", timeout=10_000, ignore_case=True)
        await browser.close()
