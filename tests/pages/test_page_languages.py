"""The pages in Telugu and Hindi, in a real Chromium: chosen, remembered, complete, and nothing is cut off."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, Page, Route, ViewportSize, expect

from parley.server.app import WEB, create_app
from tests.pages.test_accessibility import nothing_is_wrong
from tests.pages.test_page_states import NO_MICROPHONE, type_and_be_answered
from tests.server.fake_server import state_with

PHONE = ViewportSize(width=360, height=740)
# What the big button says whenever the page is seen, frame by frame.
WATCHES = """
window.seen = new Set();
const look = () => {
  const label = document.getElementById("connect-label");
  if (label && getComputedStyle(label).visibility === "visible") window.seen.add(label.textContent);
  requestAnimationFrame(look);
};
look();
"""
# Without what is there for screen readers alone, a pixel wide; sliders stand out of their labels by their own margin.
CUT_OFF = """() => [...document.querySelectorAll("button, a, label, legend, h1, h2, h3, p, summary")]
  .filter((box) => box.checkVisibility() && !box.matches(".skip, :has(input)") && box.clientWidth > 1)
  .filter((box) => getComputedStyle(box).display !== "inline" && box.scrollWidth > box.clientWidth + 1)
  .map((box) => box.textContent)"""
ALL_WORDS = """() => {
  const labels = [...document.querySelectorAll("[aria-label]")].map((element) => element.ariaLabel);
  return [document.body.innerText, ...labels].join("\\n");
}"""
OpenIn = Callable[..., Awaitable[Page]]


def said(language: str, key: str) -> str:
    """A sentence of a catalogue."""
    group, name = key.split(".")
    sentence: str = json.loads((WEB / f"strings/{language}.json").read_text(encoding="utf-8"))[group][name]
    return sentence


@asynccontextmanager
async def serving(**config: Any) -> AsyncIterator[str]:
    """The address of a server with fake models, in this process."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(state_with(**config))
    running = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
    serves = asyncio.create_task(running.serve([listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    running.force_exit = True  # the page's connections do not end by themselves
    await serves


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[str]:
    async with serving() as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def open_in(bare: Browser) -> OpenIn:
    """A page of a browser that is set to a language, without a microphone."""

    async def opened(locale: str, **more: Any) -> Page:
        page = await (await bare.new_context(locale=locale, viewport=PHONE, **more)).new_page()
        await page.add_init_script(NO_MICROPHONE)
        await page.route("**/health", lambda route: route.fulfill(json={}))  # nobody watches over fakes
        return page

    return opened


async def choose(page: Page, language: str) -> None:
    await page.locator("#show-settings").click()
    await page.locator("#set-page-language").select_option(language)
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await page.locator("#settings .close").click()


@pytest.mark.parametrize("address", ["", "/debate"])
async def test_a_browser_set_to_telugu_sees_telugu_from_the_first_frame(
    server: str, open_in: OpenIn, address: str
) -> None:
    page = await open_in("te-IN")
    await page.add_init_script(WATCHES)
    await page.goto(server + address)
    label = said("te", "debate.connect" if address else "talk.start")
    await expect(page.locator("#connect-label")).to_have_text(label)
    await expect(page.locator("html")).to_have_attribute("lang", "te")
    assert await page.evaluate("[...window.seen]") == [label]


async def test_a_language_that_is_not_there_is_english(server: str, open_in: OpenIn) -> None:
    page = await open_in("de-DE")
    await page.goto(server)
    await expect(page.locator("#connect-label")).to_have_text("Start talking")
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_another_language_is_chosen_in_mid_conversation_and_remembered_on_both_pages(
    server: str, open_in: OpenIn
) -> None:
    page = await open_in("en-GB")
    await page.goto(server)
    await page.locator("#connect").click()
    await expect(page.get_by_role("alert")).to_contain_text("No microphone was found")
    await type_and_be_answered(page)
    await choose(page, "te")
    await expect(page.get_by_role("alert")).to_contain_text(said("te", "faults.no-device"))
    await expect(page.locator("#transcript .you .said")).to_have_text("Say hello.")
    await expect(page.locator("#transcript .you .who")).to_have_text(said("te", "transcript.you"))
    await expect(page.locator("body")).to_have_attribute("data-connected", "true")
    await expect(page.locator("#state")).to_have_text(said("te", "state.ready"), timeout=20_000)
    await page.locator("#text").fill("Once more.")
    await page.keyboard.press("Enter")
    await expect(page.locator("#transcript .parley .said").nth(1)).not_to_be_empty(timeout=20_000)
    assert await page.locator("#transcript li.line").count() == 0, "it is still the same connection"
    await page.goto(f"{server}/debate")
    await expect(page.locator("#connect-label")).to_have_text(said("te", "debate.connect"))
    await choose(page, "hi")
    await page.reload()
    await expect(page.locator("#connect-label")).to_have_text(said("hi", "debate.connect"))


@pytest.mark.parametrize(("chosen", "language"), [(None, "te"), ("hi", "hi")])
async def test_the_servers_language_is_the_pages_for_who_has_chosen_none(
    open_in: OpenIn, chosen: str | None, language: str
) -> None:
    async with serving(language="te") as server:
        page = await open_in("en-US")
        if chosen:
            await page.add_init_script(f"localStorage.setItem('parley-page-language', '{chosen}')")
        await page.goto(server)
        await expect(page.locator("#connect-label")).to_have_text(said(language, "talk.start"))


async def test_a_catalogue_or_a_sentence_that_does_not_come_is_said_in_english(server: str, open_in: OpenIn) -> None:
    async def without_one(route: Route) -> None:
        words = json.loads((WEB / "strings/te.json").read_text(encoding="utf-8"))
        del words["talk"]["start"]
        await route.fulfill(json=words)

    page = await open_in("te-IN")
    await page.route("**/strings/te.json", without_one)
    await page.goto(server)
    await expect(page.locator("#connect-label")).to_have_text("Start talking")
    await expect(page.locator("#state")).to_have_text(said("te", "state.offline"))
    await page.route("**/strings/te.json", lambda route: route.fulfill(status=404))
    await page.reload()
    await expect(page.locator("#state")).to_have_text("not connected")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await page.locator("#show-settings").click()
    await page.locator("#set-page-language").select_option("te")
    await expect(page.locator("#set-page-language")).to_have_value("en")


@pytest.mark.parametrize("language", ["te", "hi"])
async def test_nothing_is_cut_off_or_left_in_english_on_a_phone(server: str, open_in: OpenIn, language: str) -> None:
    page = await open_in(language)
    await page.goto(server)
    await expect(page.locator("#models")).not_to_be_empty()
    await whole(page)
    await page.locator("#connect").click()
    await expect(page.get_by_role("alert")).to_contain_text(said(language, "faults.no-device"))
    await expect(page.locator("#state")).to_have_text(said(language, "state.ready"), timeout=15_000)
    await whole(page)
    await page.locator("#show-settings").click()
    await whole(page)
    await page.locator("#set-developer").check()
    await page.keyboard.press("Escape")
    await page.locator("#show-panels").click()
    await page.evaluate("document.getElementById('better').replaceChildren()")  # of the server's catalogue
    await whole(page)


@pytest.mark.parametrize("language", ["te", "hi"])
async def test_the_debate_page_is_whole_in_every_language(server: str, open_in: OpenIn, language: str) -> None:
    page = await open_in(language)
    await page.goto(f"{server}/debate")
    await expect(page.locator("#format-about")).to_have_text(said(language, "formats.debate_about"))
    await expect(page.locator("#debaters select").first).to_have_value("for")
    await expect(page.locator("#debaters option[value=for]").first).to_have_text(said(language, "formats.for"))
    await whole(page)
    await page.locator("#topics button").first.click()
    await page.locator("#connect").click()
    await expect(page.locator("#state")).to_have_text(said(language, "debate.ready"), timeout=15_000)
    await whole(page)
    await page.locator("#show-people").click()
    await whole(page)


@pytest.mark.parametrize("language", ["te", "hi"])
async def test_a_debate_that_goes_on_has_room_for_its_words_on_a_small_phone(
    server: str, open_in: OpenIn, language: str
) -> None:
    page = await open_in(language)
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{server}/debate")
    await page.locator("#topics button").first.click()
    await page.locator("#connect").click()
    await page.locator("#start").click(timeout=15_000)
    await expect(page.locator("#portraits .role").first).to_have_text(said(language, "formats.for"), timeout=15_000)
    assert await page.evaluate(CUT_OFF) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 320


async def whole(page: Page) -> None:
    """Nothing is cut off, axe finds nothing, and words in Latin letters are names."""
    await nothing_is_wrong(page, PHONE)
    assert await page.evaluate(CUT_OFF) == []
    text = await page.evaluate(ALL_WORDS)
    assert set(re.findall(r"[a-z]{3,}[ ,][a-z]{3,}", text)) == set(), "a sentence in English"
