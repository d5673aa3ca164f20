"""The page on small and large screens, in a real Chromium: nothing sticks out, nothing scrolls away."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import Page, expect

from tests.conftest import RunningServer
from tests.pages.test_page_states import pulling


async def all_in_view(page: Page, controls: list[str]) -> None:
    await page.locator("#scroll").evaluate("(box) => box.scrollTo(0, 0)")
    for control in controls:
        await expect(page.locator(control)).to_be_in_viewport(ratio=0.99)
    boxes = "['scroll', 'dock', 'conversations'].map((id) => document.getElementById(id))"
    sticks_out = (
        f"[document.documentElement, ...{boxes}].filter((box) => box.scrollWidth > box.clientWidth).map(String)"
    )
    assert await page.evaluate(sticks_out) == []


@pytest.mark.parametrize("size", [(320, 480), (390, 844), (844, 390), (568, 320), (1280, 800)])
async def test_controls_never_scroll_away_and_long_words_wrap(
    server: RunningServer, bare_page: Page, size: tuple[int, int]
) -> None:
    long = {"entries": [{"who": "you", "text": "w" * 600, "at": 1}, {"who": "parley", "text": "x" * 600, "heard": 300}]}
    await bare_page.add_init_script(f"""
      localStorage.setItem('parley-conversation-long', '{json.dumps({**long, "changed": 1, "name": "n" * 100})}');
      sessionStorage.setItem('parley-current', 'long');
    """)
    await bare_page.set_viewport_size({"width": size[0], "height": size[1]})
    await bare_page.route("**/v1/parley", pulling)
    await bare_page.goto(server.url)
    await expect(bare_page.get_by_role("region", name="Language model")).to_be_visible()
    controls = ["#connect", "#text", "#send", "#show-settings"]
    await all_in_view(bare_page, controls)
    await bare_page.get_by_role("button", name="Start talking").click()
    await expect(bare_page.locator("#state")).to_contain_text("ready", timeout=15_000)
    await expect(bare_page.get_by_role("alert")).to_be_visible()
    await bare_page.evaluate("document.getElementById('mute').hidden = false")  # as where there is a microphone
    controls += ["#mute", "#end"]
    await all_in_view(bare_page, controls)
    await bare_page.evaluate("document.body.dataset.empty = 'true'")  # as before the first word
    await all_in_view(bare_page, controls)
    field = await bare_page.locator("#text").bounding_box()
    assert field
    assert field["width"] > 200
