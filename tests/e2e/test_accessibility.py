"""The page as axe (https://github.com/dequelabs/axe-core) judges it: for screen readers, keyboards, weak eyes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, ViewportSize, async_playwright, expect

from tests.conftest import RunningServer, silence
from tests.e2e.test_page import CHROMIUM, RATE, OpenPage, microphone, open_page

__all__ = ["open_page"]

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DESKTOP, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)


async def serious(page: Page) -> list[str]:
    """What axe finds that is serious or worse, with the elements at fault."""
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: {[n['html'][:120] for n in v['nodes']]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


async def test_nothing_serious_is_found_when_everything_is_open(server: RunningServer) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for scheme in SCHEMES:
            for size in (DESKTOP, PHONE):
                page = await browser.new_page(color_scheme=scheme, viewport=size)
                await look_at_everything(page, server.url, size)
                await page.close()
        await browser.close()


async def look_at_everything(page: Page, url: str, size: ViewportSize) -> None:
    await page.goto(url)
    await expect(page.locator("#models")).to_contain_text("hears with")
    await page.get_by_role("button", name="Connect").click()
    await expect(page.get_by_role("alert")).to_contain_text("microphone", ignore_case=True)  # it has none
    for section in ("settings", "panels", "about"):
        await page.locator(f"#{section} > summary").click()
    await page.evaluate("document.getElementById('key-form').hidden = false")
    assert await serious(page) == []
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"], "nothing sticks out"


async def test_nothing_serious_is_found_in_a_conversation(open_page: OpenPage, tmp_path: Path) -> None:
    page = await open_page(microphone(tmp_path / "silent.wav", silence(60.0, RATE)))
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator("#state")).to_have_text("listening", timeout=15_000)
    await page.get_by_label("Type instead of speaking").fill("Tell me a story.")
    await page.keyboard.press("Enter")
    await expect(page.locator("#transcript .parley .coming").first).not_to_be_empty(timeout=20_000)
    assert await serious(page) == []
    await page.get_by_role("button", name="Interrupt").click()
    await expect(page.locator("#transcript .parley .unheard").first).not_to_be_empty(timeout=10_000)
    await page.locator("#panels > summary").click()
    assert await serious(page) == []
