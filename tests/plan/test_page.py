"""The page of a plan: in one file, with plots, for browsers and screen readers."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import Page, Request, async_playwright

from parley.plan import page, prices, scenario
from parley.plan.report import Report, of_scenario
from tests.pages.chromium import CHROMIUM
from tests.pages.test_accessibility import DESKTOP, PHONE, SCHEMES, nothing_is_wrong


def telugu() -> Report:
    return of_scenario(scenario.find("telugu"), prices.shipped(), on_demand=False)


def test_it_stands_alone() -> None:
    html = page.page(telugu())
    assert not re.search(r"<script|<link|<image|(?:href|src)=|url\((?!#)", html)
    assert "default-src 'none'" in html
    assert html.count("<svg") == 2


def test_it_has_every_figure_that_a_terminal_shows() -> None:
    html = page.page(telugu())
    for words in ("23,805.82", "from 71 on always", "does not add up", "not measured", "2025-11-18", "1.57 GB"):
        assert words in html


def test_what_people_write_is_no_markup() -> None:
    chosen = scenario.find("telugu").model_copy(update={"title": "<b>bold</b>"})
    html = page.page(of_scenario(chosen, prices.shipped(), on_demand=False))
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "<b>" not in html


async def test_browsers_load_nothing_for_it_and_people_with_weak_eyes_and_small_screens_can_read_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "plan.html"
    file.write_text(page.page(telugu()), encoding="utf-8")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for scheme in SCHEMES:
            for size in (DESKTOP, PHONE):
                shown = await browser.new_page(color_scheme=scheme, viewport=size, bypass_csp=True)  # axe is a script
                assert await loaded(shown, file.as_uri()) == [file.as_uri()]
                await nothing_is_wrong(shown, size)
                await shown.close()
        await browser.close()


async def loaded(shown: Page, address: str) -> list[str]:
    """What a browser asks for to show a page."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    shown.on("request", note)
    await shown.goto(address)
    return asked
