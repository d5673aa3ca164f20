"""Models that come and models that die, as the page tells of them, in a real Chromium."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.conftest import RunningServer
from tests.pages.test_page_states import BETTER, UPGRADE, told


async def test_a_model_on_its_way_is_shown_until_it_answers(server: RunningServer, bare_page: Page) -> None:
    state: dict[str, Any] = {**UPGRADE, "state": "waiting", "done": 0}
    models: dict[str, str] = {}

    async def coming(route: Route) -> None:
        answer = await (await route.fetch()).json()
        await route.fulfill(json={**answer, "upgrade": state, "models": {**answer["models"], **models}})

    await bare_page.route("**/v1/parley", coming)
    await bare_page.goto(server.url)
    banner = bare_page.get_by_role("region", name="Language model")
    await expect(banner).to_contain_text("Qwen2.5 Coder 1.5B is fetched as soon as", timeout=10_000)
    state |= {"state": "pulling", "done": 412_000_000}
    await expect(banner).to_contain_text("412 of 1,117 MB", timeout=10_000)
    await expect(banner).to_contain_text("SmolLM2 135M answers")
    share = float(await bare_page.locator("#upgrade-progress").evaluate("(bar) => bar.value"))
    assert share == pytest.approx(412 / 1117.32, abs=0.01)
    state |= {"state": "loading"}
    await expect(banner).to_contain_text("being loaded and tried", timeout=10_000)
    state |= {"state": "in place", "why": "first clause after 400 ms"}
    models["llm"] = BETTER
    await expect(banner).to_contain_text("Qwen2.5 Coder 1.5B answers now.", timeout=10_000)
    await expect(bare_page.locator("#models")).to_contain_text("thinks with Qwen2.5 Coder 1.5B")
    await bare_page.get_by_role("button", name="Close this message").click()
    await expect(banner).to_be_hidden()


async def test_a_model_that_cannot_be_had_is_said_with_its_reason(server: RunningServer, bare_page: Page) -> None:
    state = dict(UPGRADE)

    async def coming(route: Route) -> None:
        await told(route, upgrade=state)

    await bare_page.route("**/v1/parley", coming)
    await bare_page.goto(server.url)
    banner = bare_page.get_by_role("region", name="Language model")
    await expect(banner).to_contain_text("on its way", timeout=10_000)
    state |= {"state": "failed", "why": "the disk is full"}
    await expect(banner).to_contain_text("could not be had", timeout=10_000)
    await expect(banner).to_contain_text("the disk is full")
    await expect(bare_page.locator("#upgrade-why")).to_contain_text("the disk is full")


async def test_a_dead_language_model_is_said_and_its_return_too(server: RunningServer, bare_page: Page) -> None:
    down = ["llm"]

    async def health(route: Route) -> None:
        await route.fulfill(status=503 if down else 200, json={"status": "unavailable", "down": down})

    await bare_page.route("**/health", health)
    await bare_page.goto(server.url)
    await expect(bare_page.get_by_role("alert")).to_contain_text("the language model does not work", timeout=10_000)
    await expect(bare_page.get_by_role("alert")).to_contain_text("restart the server")
    down.clear()
    await expect(bare_page.locator("#notice")).to_be_hidden(timeout=10_000)


async def test_a_voice_can_be_got_from_the_page(server: RunningServer, bare_page: Page) -> None:
    puck: dict[str, Any] = {
        "id": "kokoro", "summary": "Kokoro-82M", "languages": ["en"], "voices": 28, "bytes": 107_000_000,
        "state": "not here", "done": 0, "why": "",
    }  # fmt: skip
    wanted: list[str] = []

    async def about(route: Route) -> None:
        await told(route, further_voices=[puck] if puck["state"] else [])

    async def bring(route: Route) -> None:
        wanted.append(json.loads(route.request.post_data or "")["voice"])
        puck["state"] = "pulling"
        await route.fulfill(status=202, json=puck)

    await bare_page.route("**/v1/parley", about)
    await bare_page.route("**/v1/parley/voices", bring)
    await bare_page.goto(server.url)
    await bare_page.get_by_role("button", name="Settings", exact=True).click()
    further = bare_page.get_by_role("group", name="Voices to get")
    await expect(further).to_contain_text("Kokoro · 28 voices (107 MB)")
    await further.get_by_role("button", name="Get: Kokoro").click()
    await expect(further).to_contain_text("0 of 107 MB")
    assert wanted == ["kokoro"]
    puck["done"] = 50_000_000
    await expect(further).to_contain_text("50 of 107 MB", timeout=10_000)
    puck |= {"state": "failed", "why": "the disk is full\nand more"}
    await expect(further).to_contain_text("could not be had: the disk is full", timeout=10_000)
    await further.get_by_role("button", name="Try again").click()
    await expect(further).to_contain_text("50 of 107 MB")
    puck["state"] = ""
    await expect(further).to_be_hidden(timeout=10_000)
