"""The page as axe (https://github.com/dequelabs/axe-core) judges it: for screen readers, keyboards, weak eyes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.conftest import Clip, RunningServer, silence
from tests.pages.chromium import RATE, OpenPage, microphone
from tests.pages.test_page_states import pulling

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DESKTOP, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)


AT_ONCE = """() => {
  const style = new CSSStyleSheet();
  style.replaceSync("* { transition: none !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, style];
}"""
"""What is half faded in is no fault of contrast."""


async def serious(page: Page) -> list[str]:
    """What axe finds that is serious or worse, with the elements at fault."""
    await page.evaluate(AT_ONCE)
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: {[n['html'][:120] for n in v['nodes']]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


async def test_nothing_serious_is_found_when_everything_is_open(server: RunningServer, bare: Browser) -> None:
    for scheme in SCHEMES:
        for size in (DESKTOP, PHONE):
            page = await bare.new_page(color_scheme=scheme, viewport=size)
            await look_at_everything(page, server.url, size)
            await page.unroute_all(behavior="ignoreErrors")  # it asks again and again
            await page.close()


async def look_at_everything(page: Page, url: str, size: ViewportSize) -> None:
    kept = {"entries": [{"who": "you", "text": "Is it kept?", "at": 1}], "changed": 1}
    await page.add_init_script(f"localStorage.setItem('parley-conversation-old', '{json.dumps(kept)}')")
    await page.route("**/v1/parley", pulling)
    await page.goto(url)
    await expect(page.locator("#models")).to_contain_text("hears with")
    await expect(page.get_by_role("region", name="Language model")).to_be_visible()
    await nothing_is_wrong(page, size)
    await page.get_by_role("button", name="Start talking").click()
    await expect(page.get_by_role("alert")).to_contain_text("microphone", ignore_case=True)  # it has none
    await page.evaluate("document.getElementById('key-form').hidden = false")
    await nothing_is_wrong(page, size)
    await page.get_by_role("button", name="Settings", exact=True).click()
    await nothing_is_wrong(page, size)
    await page.get_by_label("For developers").check()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Timing and logs", exact=True).click()
    await page.locator("#log-audio summary").click()
    await nothing_is_wrong(page, size)
    await page.keyboard.press("Escape")
    if not await page.locator("#conversations").is_visible():  # on wide windows it stands there
        await page.get_by_role("button", name="Conversations").click()
    await nothing_is_wrong(page, size)


async def nothing_is_wrong(page: Page, size: ViewportSize) -> None:
    assert await serious(page) == []
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"], "nothing sticks out"


async def test_a_screen_reader_is_told_of_the_connection_and_does_not_talk_into_turns(
    open_page: OpenPage, question: Clip, tmp_path: Path
) -> None:
    sound = microphone(tmp_path / "microphone.wav", silence(2.0, RATE), question.samples(RATE), silence(60.0, RATE))
    page = await open_page(sound)
    await page.evaluate("""() => {
      window.told = [];
      for (const live of document.querySelectorAll("[role=status], [role=alert], [aria-live]")) {
        new MutationObserver(() => live.innerText && window.told.push(live.innerText))
          .observe(live, { subtree: true, childList: true, characterData: true });
      }
    }""")
    await page.get_by_role("button", name="Start talking").click()
    await expect(page.locator("#state")).to_have_text("speaking", timeout=30_000)
    await page.get_by_role("button", name="Interrupt").click()
    await expect(page.locator("#state")).to_have_text("listening", timeout=10_000)
    assert await page.evaluate("window.told") == ["connecting …", "listening"]


async def test_nothing_serious_is_found_in_a_conversation(open_page: OpenPage) -> None:
    page = await open_page()
    await page.get_by_role("button", name="Start talking").click()
    await expect(page.locator("#state")).to_have_text("listening", timeout=15_000)
    await page.get_by_label("Type instead of speaking").fill("Tell me a story.")
    await page.keyboard.press("Enter")
    await expect(page.locator("#transcript .parley .coming").first).not_to_be_empty(timeout=20_000)
    assert await serious(page) == []
    await page.get_by_role("button", name="Interrupt").click()
    await expect(page.locator("#transcript .parley .unheard").first).not_to_be_empty(timeout=10_000)
    assert await serious(page) == []
