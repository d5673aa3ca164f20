"""The page in a real Chromium, a real recording as its microphone."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from pathlib import Path

import msgspec
import numpy as np
import pytest
from playwright.async_api import expect

from parley.audio import files
from tests.conftest import UNDERSTOOD, Clip, RunningServer, silence
from tests.e2e.relay import Relay
from tests.pages.chromium import RATE, RTC_TAP, TAP, OpenPage, microphone, note_faults

# A network that lets no media through.
NO_MEDIA = """
const Peer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Peer {
  constructor(given) { super({ ...given, iceTransportPolicy: "relay" }); }
};
"""
# A server that has forgotten the conversation.
FORGOTTEN = """
const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(url, protocols) { super(String(url).replace(/resume=[^&]+/, "resume=forgotten"), protocols); }
};
"""


def plain_words(text: str) -> list[str]:
    return [word.strip(".,!?").lower() for word in text.split()]


@pytest.mark.parametrize(
    "way",
    [(TAP, "?transport=websocket", "WebSocket"), (RTC_TAP, "", "WebRTC UDP")],
    ids=["websocket", "webrtc"],
)
async def test_a_spoken_question_is_answered_by_sound_and_interrupted(
    server: RunningServer,
    open_page: OpenPage,
    question: Clip,
    interruption: Clip,
    tmp_path: Path,
    way: tuple[str, str, str],
) -> None:
    script, query, path = way
    sound = microphone(
        tmp_path / "microphone.wav", silence(2.0, RATE), question.samples(RATE), silence(1.8, RATE),
        interruption.samples(RATE), silence(30.0, RATE),
    )  # fmt: skip
    page = await open_page(sound, script, query)
    faults: list[str] = []
    note_faults(page, faults)
    await page.get_by_role("button", name="Start talking").click()
    await expect(page.locator("#transcript .you .said").first).to_have_text(UNDERSTOOD, timeout=30_000)
    await expect(page.locator("#state")).to_have_text("speaking", timeout=15_000)
    await expect(page.locator("#transcript .parley .coming").first).not_to_be_empty()
    await expect(page.locator("#transcript .you .said").nth(1)).to_contain_text(
        "time", timeout=30_000, ignore_case=True
    )
    struck = page.locator("#transcript .parley .unheard").first
    await expect(struck).not_to_be_empty(timeout=10_000)
    await expect(page.locator("#path")).to_have_text(path)
    await expect(page.locator("#percentiles")).to_contain_text("answers: p50")
    answers = page.locator("#transcript .parley .said")
    await expect(answers.last).not_to_be_empty(timeout=30_000)  # of the first, a slow machine has said nothing yet
    heard = " ".join(await answers.all_inner_texts())
    tapped = await page.evaluate("window.tapped.flat()")
    rate = int(await page.evaluate("window.tapRate"))
    played = np.array(tapped, np.int16)
    files.write(tmp_path / "played.wav", played, rate)
    transcript = await transcribe(server, (tmp_path / "played.wav").read_bytes())
    first_words, played_words = plain_words(heard)[:12], plain_words(transcript)
    # on a slow machine the sound has holes, and a recogniser's words are not all exact
    alike = [w for w in first_words if get_close_matches(w, played_words, cutoff=0.75)]
    assert alike, (heard, transcript)
    assert not faults


async def transcribe(server: RunningServer, data: bytes) -> str:
    import httpx

    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(f"{server.url}/v1/audio/transcriptions", files={"file": ("played.wav", data)})
    return str(msgspec.json.decode(answer.content)["text"])


async def test_typing_muting_and_the_keyboard(open_page: OpenPage) -> None:
    page = await open_page()
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
    await page.get_by_role("button", name="End the conversation").click()
    await expect(page.locator("#state")).to_have_text("not connected")


async def test_where_webrtc_does_not_get_through_the_websocket_carries_the_sound(
    server: RunningServer, open_page: OpenPage, question: Clip, tmp_path: Path
) -> None:
    sound = microphone(tmp_path / "microphone.wav", silence(5.0, RATE), question.samples(RATE), silence(30.0, RATE))
    page = await open_page(sound, NO_MEDIA, "")
    await page.get_by_role("button", name="Start talking").click()
    began = asyncio.get_running_loop().time()
    await expect(page.locator("#state")).to_have_text("listening", timeout=10_000)
    assert asyncio.get_running_loop().time() - began < 6.0  # the page allows itself three, the machine is shared
    await expect(page.locator("#path")).to_have_text("WebSocket")
    await expect(page.locator("#path-why")).to_contain_text("WebRTC did not get through")
    await expect(page.locator("#transcript .you .said").first).to_have_text(UNDERSTOOD, timeout=30_000)
    await expect(page.locator("#transcript .parley .said").first).not_to_be_empty(timeout=20_000)


@pytest.mark.parametrize("known", [True, False])
async def test_the_page_comes_back_to_its_conversation_after_a_lost_network(
    server: RunningServer, open_page: OpenPage, known: bool
) -> None:
    relay = Relay(server.url)
    await relay.start()
    script = TAP if known else FORGOTTEN
    page = await open_page(script=script, url=relay.url)
    await page.get_by_role("button", name="Start talking").click()
    await expect(page.locator("#state")).to_have_text("listening", timeout=15_000)
    await page.get_by_label("Type instead of speaking").fill("My name is Ada.")
    await page.keyboard.press("Enter")
    await expect(page.locator("#state")).to_have_text("speaking", timeout=20_000)
    await relay.cut()
    await expect(page.locator("#state")).to_contain_text("coming back", timeout=10_000)
    await relay.start(int(relay.url.rsplit(":", 1)[1]))
    await expect(page.locator("#state")).to_have_text("listening", timeout=20_000)
    await expect(page.locator("#transcript .you .said")).to_have_count(1)
    notice = page.locator("#notice-text")
    if known:
        await expect(notice).to_be_empty()
    else:
        await expect(notice).to_contain_text("no longer had the conversation")
    await page.get_by_role("button", name="End the conversation").click()
    await relay.cut()


async def test_settings_are_sent_kept_and_pushing_to_talk_works(
    server: RunningServer, open_page: OpenPage, question: Clip, tmp_path: Path
) -> None:
    sound = microphone(tmp_path / "microphone.wav", silence(3.0, RATE), question.samples(RATE), silence(60.0, RATE))
    page = await open_page(sound)
    await page.get_by_role("button", name="Settings", exact=True).click()
    await page.get_by_role("radio", name="eSpeak").check()
    await page.get_by_label("How to talk").select_option("Hold a button while speaking")
    await page.get_by_label("How long it waits for me").select_option("low")
    await page.get_by_label("Speed").fill("1.5")
    await page.get_by_label("For developers").check()
    await page.get_by_role("button", name="Close the settings").click()
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(str(data)[:2000])))
    await page.get_by_role("button", name="Start talking").click()
    await expect(page.locator("#state")).to_have_text("listening", timeout=15_000)
    updates = [msgspec.json.decode(s) for s in sent if s.startswith("{") and '"output"' in s]
    assert any(u["session"]["audio"]["output"].get("voice") == "espeak" for u in updates), updates
    await page.get_by_role(
        "button", name="Settings", exact=True
    ).click()  # a pause to think is for those who just speak
    await page.get_by_label("How to talk").select_option("Just speak")
    waits = {"type": "semantic_vad", "eagerness": "low"}
    detections = [msgspec.json.decode(s)["session"]["audio"]["input"] for s in sent if '"turn_detection"' in s]
    assert [d["turn_detection"] for d in detections] == [None, waits]
    await page.get_by_label("How to talk").select_option("Hold a button while speaking")
    await page.get_by_role("button", name="Close the settings").click()
    await page.get_by_role("button", name="Hold to talk").dispatch_event("pointerdown")
    await page.wait_for_timeout(6000)
    await page.evaluate("window.dispatchEvent(new PointerEvent('pointerup'))")
    await expect(page.locator("#transcript .you .said").first).to_have_text(UNDERSTOOD, timeout=20_000)
    await expect(page.locator("#transcript .parley .said").first).not_to_be_empty(timeout=20_000)
    await page.get_by_role("button", name="Timing and logs", exact=True).click()
    await page.locator("#log-audio summary").click()
    await expect(page.locator("#log-audio-text")).to_contain_text("session", timeout=10_000)
    await page.reload()
    await page.get_by_role("button", name="Settings", exact=True).click()
    await expect(page.get_by_role("radio", name="eSpeak")).to_be_checked()
    await expect(page.get_by_label("How to talk")).to_have_value("push-to-talk")
    await expect(page.get_by_label("How long it waits for me")).to_have_value("low")
