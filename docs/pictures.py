"""Takes the pictures of the page that README and docs/page.md show, in a real Chromium, of a real server.

    python -m docs.pictures [FOLDER]

Only the language model is told what to say. What the page looks like in each fault is taken by hand.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect
from tests.conftest import start_server, stop_server
from tests.pages.chromium import launched
from tests.pages.test_page_states import pulling
from tests.wild.scripted import ScriptedServer, running, says

IMAGES = Path(__file__).parent / "images"
_DESKTOP, _PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}
_ANSWERS = {
    "Telugu": "Gladly. Say namaskaram to greet somebody, and dhanyavadalu to thank them.",
    "leeks": "Leek and potato soup is easy: fry the leeks gently, add potatoes and stock, and let it simmer.",
    "Brooklyn": "The Brooklyn Bridge was opened in May 1883.",
    "sky": "Of course, Ada. Sunlight is a mix of all colours, and the air scatters the short, blue waves far more than "
    "the long, red ones. So blue reaches your eyes from everywhere.",
    "lighthouse": "A lighthouse keeper once found a bottle on the rocks. In it was a drawing of his own lighthouse, "
    "but with the lamp painted green. So one foggy night he covered the lamp with a green scarf, and a ship came home "
    "that nobody had waited for.",
    "bottle": "A drawing of his own lighthouse, Ada, with the lamp painted green. He kept it above his desk for years.",
}


async def _ask(page: Page, text: str) -> None:
    await page.get_by_label("Type instead of speaking").fill(text)
    await page.get_by_label("Type instead of speaking").press("Enter")


async def _speaks(page: Page, words: str) -> None:
    """Wait until so much of an answer is heard."""
    heard = page.locator("#transcript .parley").last.locator(".said")
    await expect(heard).to_contain_text(words, timeout=30_000)


async def _answered(page: Page, text: str) -> None:
    await _ask(page, text)
    state = page.locator("#state")
    await expect(state).to_have_attribute("data-state", "SPEAKING", timeout=30_000)
    await expect(state).not_to_have_attribute("data-state", "SPEAKING", timeout=30_000)


async def _converse(page: Page) -> None:
    """Some old conversations, and one in which an answer was cut."""
    for question in (
        "Practise Telugu greetings with me.", "What shall I cook with leeks?", "How old is the Brooklyn Bridge?"
    ):  # fmt: skip
        await _answered(page, question)
        await page.get_by_role("button", name="End the conversation").click()
        await page.locator("#new-conversation").click()
    await _answered(page, "My name is Ada. Can you tell me why the sky is blue?")
    await _ask(page, "Tell me a short story about a lighthouse keeper.")
    await _speaks(page, "his own")
    await page.locator("#connect").click()
    await _ask(page, "What was in the bottle?")
    await page.get_by_label("Type instead of speaking").blur()
    await _speaks(page, "Ada")


async def _take(browser: Browser, url: str, folder: Path) -> None:
    context = await browser.new_context(viewport=_DESKTOP, locale="en-GB")
    page = await context.new_page()
    await page.goto(url)
    if not await page.locator("#conversations").is_visible():
        await page.locator("#show-conversations").click()
    await _converse(page)
    await page.screenshot(path=folder / "page.png")
    await page.locator("#show-settings").click()
    await expect(page.locator("#voices label").first).to_be_visible()
    await page.screenshot(path=folder / "page-settings.png")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="End the conversation").click()

    await page.route("**/v1/parley", pulling)
    await page.emulate_media(color_scheme="dark")
    await page.reload()
    await expect(page.locator("#upgrade")).to_be_visible()
    await page.screenshot(path=folder / "page-dark.png")
    await page.unroute_all(behavior="ignoreErrors")

    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(_PHONE)
    await page.reload()
    await page.locator("#show-conversations").click()
    await page.screenshot(path=folder / "page-conversations.png")
    await context.close()


async def _pictures(url: str, folder: Path) -> None:
    async with async_playwright() as playwright:
        browser = await launched(playwright)
        try:
            await _take(browser, url, folder)
        finally:
            await browser.close()


def main(folder: Path) -> None:
    """Into `folder`."""
    folder.mkdir(exist_ok=True, parents=True)
    scripts = {case: says(text) for case, text in _ANSWERS.items()}
    with running(ScriptedServer(scripts)) as model, tempfile.TemporaryDirectory() as logs:
        process, server = start_server(
            Path(logs) / "serve.log", PARLEY_LLM_BASE_URL=model.url, PARLEY_LLM="smollm2-135m",
            PARLEY_VOICES='["hibari-low", "hibari-high", "espeak"]',
        )  # fmt: skip
        try:
            asyncio.run(_pictures(server.url, folder))
        finally:
            stop_server(process, server)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
