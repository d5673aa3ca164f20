"""The debate page in a real Chromium: from the set-up to the verdict, with guests, votes and a recording."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.conftest import Clip, RunningServer, start_server, stop_server
from tests.e2e.test_swaps import language_models
from tests.looking import unexpected
from tests.pages.chromium import RTC_TAP, note_faults
from tests.pages.test_accessibility import DESKTOP, PHONE, nothing_is_wrong, serious

KEY = "open-sesame"
UNAVAILABLE = 3
"""The code with which `parley talk` ends where a server is too busy."""
POINT = "Cats clean themselves every single day, and nobody has to walk them in the rain."
# How loud each side of what the page plays is, block by block.
SIDES = """
const connect = AudioNode.prototype.connect;
window.sides = [];
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode && !this.isTap) {
    const tap = this.context.createScriptProcessor(4096, 2, 2);
    tap.isTap = true;
    tap.onaudioprocess = ({ inputBuffer }) => {
      window.sides.push([0, 1].map((side) => Math.hypot(...inputBuffer.getChannelData(side))));
    };
    connect.call(this, tap);
    connect.call(tap, target);
  }
  return connect.call(this, target, ...rest);
};
"""
# Ada was heard, and Ben.
LEFT = "() => window.sides.filter(([left, right]) => left > 2 * right).length > 3"
RIGHT = "() => window.sides.filter(([left, right]) => right > 2 * left).length > 3"
# What comes by WebRTC is played so that the above sees it.
RTC_SIDES = """
const Peer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Peer {
  constructor(...given) {
    super(...given);
    this.addEventListener("track", ({ streams }) => {
      const context = new AudioContext({ sampleRate: 48000 });
      context.createMediaStreamSource(streams[0]).connect(context.destination);
    });
  }
};
"""
# A listener's page that would send sound all the same.
SENDS_SOUND = """([url, token]) => new Promise((resolve) => {
  const socket = new WebSocket(`${url}?room=${token}&name=Dan`, ["realtime", `openai-insecure-api-key.${token}`]);
  socket.onopen = () => socket.send(JSON.stringify({ type: "input_audio_buffer.append", audio: "AAAA" }));
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === "error") socket.close(), resolve(event.error.message);
  };
})"""


@pytest.fixture(scope="module")
def debating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose debaters know what to say, and that asks for a key: guests have none."""
    folder = tmp_path_factory.mktemp("debating")
    with language_models(first=POINT) as address, ExitStack() as stack:
        process, running = start_server(
            folder / "serve.log", PARLEY_LLM_BASE_URL=address, PARLEY_LLM="first", PARLEY_RECORDINGS_FOLDER=str(folder),
            PARLEY_API_KEY=KEY,
        )  # fmt: skip
        stack.callback(stop_server, process, running)
        yield running
        assert not unexpected(running.log.read_text(errors="replace"))


async def opened(browser: Browser, url: str, faults: list[str], tap: str = "", **how: Any) -> Page:
    page = await (await browser.new_context(**{"viewport": DESKTOP, **how})).new_page()
    note_faults(page, faults)
    await page.add_init_script(SIDES + tap)
    await page.goto(url)
    return page


async def connect(page: Page) -> None:
    await page.get_by_role("button", name="Connect").click()
    await expect(page.get_by_role("button", name="Leave the debate")).to_be_visible(timeout=20_000)
    await expect(page.locator("body")).to_have_attribute("data-connected", "true", timeout=20_000)


async def begun(page: Page) -> None:
    await page.get_by_role("button", name="Cats are better than dogs").click()
    await connect(page)
    await page.get_by_role("button", name="Start debate").click()
    await expect(page.locator("#portraits .portrait")).to_have_count(3, timeout=15_000)


async def until_speaks(page: Page, name: str) -> None:
    await expect(page.locator(f'.portrait[data-name="{name}"][aria-current]')).to_be_visible(timeout=40_000)


@pytest.mark.timeout(150)
async def test_a_debate_from_the_set_up_to_its_verdict_and_files(debating: RunningServer, silent: Browser) -> None:
    faults: list[str] = []
    page = await opened(silent, f"{debating.url}/#key={KEY}", faults, RTC_SIDES)
    await page.get_by_role("link", name="Debate").click()
    await expect(page.locator("#debaters .speaker")).to_have_count(2)
    await nothing_is_wrong(page, DESKTOP)
    await page.get_by_role("textbox", name="What shall they argue about?").fill("Is it kept?")
    await page.get_by_role("textbox", name="Your name").fill("Ann")
    await page.get_by_label("Debater 1: voice").select_option("espeak")
    await page.reload()  # what was typed is kept
    await expect(page.get_by_label("Debater 1: voice")).to_have_value("espeak")
    await expect(page.locator("#set-topic")).to_have_value("Is it kept?")
    await begun(page)
    await expect(page.locator("#topic")).to_have_text("Cats are better than dogs")
    await until_speaks(page, "Mona")
    await until_speaks(page, "Ada")
    await expect(page.locator("#round")).to_have_text(re.compile(r"Opening 0:0\d of 0:20"))
    words = page.locator('#transcript li[data-side="0"]').first
    await expect(words.locator(".who")).to_have_text("Ada")
    await expect(words.locator(".coming")).not_to_be_empty()
    await nothing_is_wrong(page, DESKTOP)
    controls = [
        "#next",
        "#extend",
        "#stop",
        "#show-invite",
        "#record",
        "#hand",
        "#mute",
        "#end",
        "#text",
        "#send",
        "#topic",
    ]
    for width, height in ((390, 844), (844, 390), (1280, 800)):
        await page.set_viewport_size({"width": width, "height": height})
        for control in controls:
            await expect(page.locator(control)).to_be_in_viewport(ratio=0.99)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
    await page.keyboard.press("Escape")
    await page.locator("#next").press("Enter")
    await expect(words.locator(".unheard")).not_to_be_empty(timeout=10_000)  # cut: it is struck out
    await until_speaks(page, "Ben")
    await expect(page.locator("#transcript li").last.locator(".said")).to_contain_text(
        "I am against it", timeout=15_000
    )
    await page.wait_for_function(LEFT)
    await page.wait_for_function(RIGHT)
    await page.goto(f"{page.url}?transport=websocket")  # the debate goes on, and its words are there
    await expect(page.locator("#portraits .portrait")).to_have_count(3, timeout=20_000)
    await expect(page.locator("#transcript .said").nth(1)).not_to_be_empty()
    await page.get_by_label("Type instead of speaking").fill("What about parrots?")
    await page.keyboard.press("Enter")
    own = page.locator('#transcript [data-own="true"]')
    await expect(own.locator(".said")).to_have_text("What about parrots?", timeout=15_000)
    await expect(own.locator(".who")).to_have_text("Ann")
    await page.wait_for_function(f"() => ({LEFT})() || ({RIGHT})()")
    await page.get_by_role("button", name="Sum up").click()
    await expect(page.locator("#verdict-title")).to_be_focused(timeout=60_000)
    await nothing_is_wrong(page, DESKTOP)
    parts = page.locator("#verdict-parts")
    await expect(parts).to_contain_text("Who spoke how long")
    await expect(parts.locator(".bars li").first).to_contain_text(re.compile(r"\d:\d\d"))
    for name, begins in (
        ("Markdown", "# Cats"),
        ("JSON", "{"),
        ("Subtitles (SRT)", "1\n"),
        ("Subtitles (VTT)", "WEBVTT"),
    ):
        async with page.expect_download() as download:
            await page.get_by_role("button", name=name).click()
        assert Path(await (await download.value).path()).read_text().startswith(begins)
    await page.get_by_role("button", name="Another debate").click()
    await expect(page.get_by_role("button", name="Start debate")).to_be_enabled()
    assert not faults


@pytest.mark.timeout(150)
async def test_guests_come_by_a_link_raise_a_hand_agree_to_a_recording_and_vote(
    debating: RunningServer, silent: Browser
) -> None:
    faults: list[str] = []
    host = await opened(silent, f"{debating.url}/debate?transport=websocket#key={KEY}", faults)
    await expect(host.locator("#debaters .speaker")).to_have_count(2)
    await host.get_by_role("combobox", name="Format", exact=True).select_option("Oxford debate")
    await host.get_by_label("I only listen").check()
    await connect(host)
    await host.get_by_role("button", name="Invite").click()
    await expect(host.locator("#invitations img")).to_have_count(2)
    await expect(host.locator("#invitations img").last).to_be_visible()
    await nothing_is_wrong(host, DESKTOP)
    links = [await field.input_value() for field in await host.locator("#invitations input").all()]
    await host.keyboard.press("Escape")

    guest = await opened(silent, links[0], faults, viewport=PHONE, color_scheme="dark")
    assert guest.url == f"{debating.url}/debate", "the invitation does not stay in the address"
    await guest.get_by_role("textbox", name="Your name").fill("Ben Brown")
    await nothing_is_wrong(guest, PHONE)
    await connect(guest)
    listener = await opened(silent, links[1], faults)
    await listener.evaluate("() => { navigator.mediaDevices.getUserMedia = () => { throw new Error('asked for'); }; }")
    await listener.get_by_role("textbox", name="Your name").fill("Cem")
    await listener.keyboard.press("Enter")
    await expect(listener.locator("#door-people")).to_contain_text("Cemyou, listens", timeout=20_000)
    await expect(guest.locator("#door-people")).to_contain_text("Ben Brownyou, speaks")
    address = [f"{debating.websocket}/ws", links[1].partition("room=")[2].partition("&")[0]]
    assert "only listens" in await listener.evaluate(SENDS_SOUND, address)

    await begun_by(host)
    await expect(listener.locator("#portraits .portrait")).to_have_count(3, timeout=15_000)
    for control in ("#typed", "#hand", "#mute", "#hosting"):
        await expect(listener.locator(control)).to_be_hidden()
    await guest.get_by_role("button", name="Raise your hand").click()
    await expect(guest.get_by_role("button", name="Take your hand down")).to_be_visible()
    await expect(host.locator("#floor-people")).to_contain_text("has a hand up")
    assert await serious(guest) == []

    await host.get_by_role("button", name="Record").click()
    await expect(host.locator("#recording-state")).to_have_text("Not recording yet")
    await expect(guest.locator("#recording-question")).to_be_visible()
    await guest.get_by_role("button", name="Yes, record it").click()
    for page, agreed in ((host, "you, Ben Brown"), (guest, "Host, you"), (listener, "Host, Ben Brown")):
        await expect(page.locator("#recording-state")).to_have_text(re.compile(r"Recording 0:\d\d"))
        await expect(page.locator("#recording-who")).to_have_text(f"agreed: {agreed}")
    assert await serious(guest) == []
    await guest.get_by_role("button", name="Withdraw").click()
    await expect(host.locator("#recording")).to_be_hidden()
    await expect(host.locator("#notice-words")).to_contain_text("what was recorded is deleted")

    await host.get_by_role("button", name="Sum up").click()
    await expect(guest.locator("#votes")).to_be_visible(timeout=60_000)
    await guest.get_by_role("button", name=re.compile("^against")).click()
    await expect(host.get_by_role("button", name="against: 1 vote")).to_be_visible()
    await host.get_by_role("button", name="People").click()
    await host.get_by_role("button", name="Mute Ben Brown").click()
    await expect(guest.locator("#floor-people")).to_contain_text("muted")
    await nothing_is_wrong(host, DESKTOP)
    await host.get_by_role("button", name="Remove Ben Brown").click()
    await expect(guest.get_by_role("alert")).to_contain_text("removed you", timeout=10_000)
    await expect(host.locator("#members")).not_to_contain_text("Ben Brown")
    assert not faults


@pytest.mark.timeout(150)
async def test_two_browsers_and_a_terminal_in_one_room_hear_each_other(
    debating: RunningServer, silent: Browser, question: Clip
) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as client:
        made = await client.post(f"{debating.url}/v1/rooms", json={"floor": "called"})
    token, faults = made.json()["tokens"]["speaker"]["value"], list[str]()
    pages = []
    for name, way in (("Ann", "websocket"), ("Ben", "webrtc")):
        page = await opened(silent, f"{debating.url}/debate?transport={way}#room={token}&name=", faults, RTC_TAP)
        await page.get_by_role("textbox", name="Your name").fill(name)
        await connect(page)
        pages.append(page)
    address = f"{debating.websocket}/v1/realtime?name=Tom"
    talk = [
        sys.executable, "-m", "parley.cli", "talk", address, "--api-key", token, "--input", str(question.path), "-q",
    ]  # fmt: skip
    terminal = await come_in(talk, expect(pages[0].locator("#door-people")).to_contain_text("Tom", timeout=60_000))
    try:
        await expect(pages[1].locator("#door-people")).to_contain_text("Tom")
        # nobody answers in this room: whatever sounds is Tom
        await pages[0].wait_for_function("() => window.sides.flat().some((level) => level > 1)", timeout=30_000)
        await pages[1].wait_for_function("() => window.tapped.flat().some((at) => Math.abs(at) > 1000)", timeout=30_000)
    finally:
        await ended(terminal)
    assert not faults


async def come_in(command: list[str], here: Coroutine[Any, Any, None]) -> asyncio.subprocess.Process:
    """Run it until `here` holds; a server that is too busy for a newcomer is asked again."""
    none = asyncio.subprocess.DEVNULL
    there = asyncio.create_task(here)
    while True:
        process = await asyncio.create_subprocess_exec(*command, stdout=none, stderr=none)
        over = asyncio.create_task(process.wait())
        await asyncio.wait({there, over}, return_when=asyncio.FIRST_COMPLETED)
        if there.done():
            over.cancel()
            if there.exception() is not None:
                await ended(process)
            there.result()
            return process
        assert process.returncode == UNAVAILABLE, "it is refused for nothing else"


async def ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def begun_by(host: Page) -> None:
    await host.get_by_role("button", name="Cats are better than dogs").click()
    await host.get_by_role("button", name="Start debate").click()


async def test_an_invitation_that_is_not_good_any_more_says_so(debating: RunningServer, silent: Browser) -> None:
    page = await opened(silent, f"{debating.url}/debate#room=rt_over&listen=1&name=", [])
    await page.get_by_role("button", name="Connect").click()
    await expect(page.get_by_role("alert")).to_contain_text("Ask for another one", timeout=15_000)
