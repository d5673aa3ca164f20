"""The words of somebody who still speaks, on the page, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from tests.conftest import UNDERSTOOD, Clip, silence
from tests.pages.chromium import RATE, OpenPage, microphone

WATCH = """
window.forming = [];
new MutationObserver(() => {
  const words = document.querySelector("#transcript .you.forming .said")?.textContent;
  if (words && document.getElementById("state").dataset.state === "USER_SPEAKING") window.forming.push(words);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


async def test_words_stand_there_while_they_are_spoken(open_page: OpenPage, question: Clip, tmp_path: Path) -> None:
    twice = (question.samples(RATE), silence(0.1, RATE), question.samples(RATE))  # long enough to be looked at
    page = await open_page(
        microphone(tmp_path / "microphone.wav", silence(2.0, RATE), *twice, silence(60.0, RATE)), WATCH
    )
    await page.get_by_role("button", name="Start talking").click()
    await expect(page.locator("#transcript .you:not(.forming) .said").first).to_have_text(UNDERSTOOD, timeout=40_000)
    assert await page.evaluate("window.forming.length") > 0
