"""The page in a real Firefox, a recording spoken into its microphone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import UNDERSTOOD, Clip, RunningServer
from tests.pages.bidi import FIREFOX, PULSEAUDIO, RATE_HZ, FirefoxPage, Microphone, firefox, sound_devices

FAULTS = """() => {
  window.faults = [];
  window.addEventListener("error", ({ message }) => window.faults.push(message));
  window.addEventListener("unhandledrejection", ({ reason }) => window.faults.push(String(reason)));
}"""


async def understood(page: FirefoxPage, microphone: Microphone, question: Clip) -> None:
    """Ask, as a person does, once more and then again: a busy machine takes pieces out of what a browser records."""
    for seconds in (20, 20, 40):
        microphone.say(question.samples(RATE_HZ))
        try:
            await page.until("#transcript .you .said", UNDERSTOOD.pattern, seconds)
        except AssertionError:
            if seconds == 40:
                raise
        else:
            return


@pytest.mark.skipif(FIREFOX is None, reason="needs Firefox (Debian's firefox-esr)")
@pytest.mark.skipif(PULSEAUDIO is None, reason="needs PulseAudio")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("query", "path"), [("?transport=websocket", "^WebSocket"), ("", "^WebRTC UDP")], ids=["websocket", "webrtc"]
)
async def test_a_spoken_question_is_answered(
    server: RunningServer, question: Clip, tmp_path: Path, query: str, path: str
) -> None:
    async with (
        sound_devices(tmp_path / "pulse") as (sound_server, microphone),
        firefox(tmp_path / "profile", sound_server) as page,
    ):
        await page.open(f"{server.url}/{query}", FAULTS)
        await page.evaluate("document.getElementById('connect').click()")
        await page.until("#state", "listening", 20)
        await page.until("#path", path, 10)
        await understood(page, microphone, question)
        await page.until("#transcript .parley .said", r"\w", 30)
        await page.until("#percentiles", "1 answer: p50", 10)
        assert await page.evaluate("window.faults.join()") == ""
