"""The browsers of these tests: one without a microphone and one whose microphone hears nothing serve all of them, each
test in contexts of its own; one that hears something is a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright, async_playwright

from tests.conftest import RunningServer, silence
from tests.pages.chromium import RATE, TAP, OpenPage, launched, microphone

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These run in the loop in which the browsers live."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def without_microphone(playwright: Playwright) -> AsyncIterator[Browser]:
    browser = await launched(playwright)
    yield browser
    await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def with_silent_microphone(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    browser = await launched(playwright, microphone(tmp_path_factory.mktemp("silent") / "0.wav", silence(1.0, RATE)))
    yield browser
    await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def bare(without_microphone: Browser) -> AsyncIterator[Browser]:
    """A Chromium that has no microphone and asks nobody."""
    yield without_microphone
    await leave(without_microphone)


@pytest_asyncio.fixture(loop_scope="session")
async def silent(with_silent_microphone: Browser) -> AsyncIterator[Browser]:
    """A Chromium whose microphone hears nothing."""
    yield with_silent_microphone
    await leave(with_silent_microphone)


async def leave(browser: Browser) -> None:
    """Close what a test has opened in it."""
    for context in browser.contexts:
        for page in context.pages:
            await page.unroute_all(behavior="ignoreErrors")  # it asks again and again
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def bare_page(bare: Browser) -> Page:
    """A page in a browser that has no microphone and asks nobody."""
    return await bare.new_page()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(server: RunningServer, playwright: Playwright, silent: Browser) -> AsyncIterator[OpenPage]:
    """Opens a page of the server whose microphone hears a recording, or nothing."""
    browsers = []

    async def open_with(
        sound: Path | None = None, script: str = TAP, query: str = "?transport=websocket", url: str = ""
    ) -> Page:
        browser = silent
        if sound is not None:
            browser = await launched(playwright, sound)
            browsers.append(browser)
        page = await browser.new_page()
        await page.add_init_script(script)
        await page.goto(f"{url or server.url}/{query}")
        return page

    yield open_with
    for browser in browsers:
        await browser.close()
