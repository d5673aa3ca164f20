"""Conversations that the page keeps in the browser, in a real Chromium."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.conftest import RunningServer
from tests.pages.test_page_states import type_and_be_answered

LIST = "#conversation-list li"


@pytest_asyncio.fixture(loop_scope="session")
async def browser(bare: Browser) -> BrowserContext:
    return await bare.new_context()


async def opened(browser: BrowserContext, server: RunningServer) -> tuple[Page, list[dict[str, Any]]]:
    """A page, and the events that it will have sent."""
    page = await browser.new_page()
    sent: list[dict[str, Any]] = []

    def note(data: str | bytes) -> None:
        if isinstance(data, str):
            sent.append(msgspec.json.decode(data))

    page.on("websocket", lambda socket: socket.on("framesent", note))
    await page.goto(server.url)
    return page, sent


async def said(page: Page) -> list[str]:
    return await page.locator("#transcript .said").all_inner_texts()


async def end(page: Page) -> None:
    await page.get_by_role("button", name="End the conversation").click()
    await expect(page.locator("#state")).to_have_text("not connected")


async def test_a_conversation_outlives_a_reload_and_goes_on_with_its_history(
    browser: BrowserContext, server: RunningServer
) -> None:
    page, sent = await opened(browser, server)
    await type_and_be_answered(page, "My name is Ada.")
    await page.reload()
    await expect(page.locator("#transcript .you .said")).to_have_text("My name is Ada.")
    before = await said(page)
    assert before[1]
    sent.clear()
    await type_and_be_answered(page, "What is my name?")
    told = [e["item"] for e in sent if e["type"] == "conversation.item.create"]
    assert [(i["role"], i["content"][0]["text"]) for i in told] == [
        ("user", "My name is Ada."),
        ("assistant", before[1].strip()),
        ("user", "What is my name?"),
    ]
    await expect(page.locator("#transcript li.line")).to_have_count(1)
    await expect(page.locator("#transcript .you .said")).to_have_count(2)
    await expect(page.locator("#notice")).to_be_hidden()  # the server took it all


async def test_disconnecting_loses_nothing_and_a_line_is_drawn_where_it_goes_on(
    browser: BrowserContext, server: RunningServer
) -> None:
    page, sent = await opened(browser, server)
    await type_and_be_answered(page, "One.")
    await end(page)
    sent.clear()
    await type_and_be_answered(page, "Two.")
    kinds = await page.locator("#transcript li").evaluate_all("(lines) => lines.map((line) => line.classList[0])")
    assert kinds == ["you", "parley", "line", "you", "parley"]
    assert [e["item"]["role"] for e in sent if e["type"] == "conversation.item.create"] == ["user", "assistant", "user"]
    assert await page.locator("#transcript .parley .bubble").first.inner_text()


async def test_conversations_are_listed_opened_renamed_and_saved(
    browser: BrowserContext, server: RunningServer
) -> None:
    page, _ = await opened(browser, server)
    await type_and_be_answered(page, "The first one.")
    await page.get_by_role("button", name="New conversation").click()
    await expect(page.locator("#transcript li")).to_have_count(0)
    await expect(page.locator("#state")).to_have_text("not connected")
    await type_and_be_answered(page, "The second one.")
    await expect(page.locator(f"{LIST} .title")).to_have_text(["The second one.", "The first one."])
    await page.get_by_role("button", name="The first one.").first.click()
    await expect(page.locator("#transcript .you .said")).to_have_text("The first one.")
    first = page.locator(LIST, has_text="The first one.")
    await first.hover()
    await first.get_by_role("button", name="Rename").click()
    await page.get_by_label("Name of the conversation").fill("Greetings")
    await page.keyboard.press("Enter")
    await expect(page.locator(f"{LIST} .open", has_text="Greetings")).to_be_focused()
    await expect(page.locator(f"{LIST} .title")).to_have_text(["The second one.", "Greetings"])
    renamed = page.locator(LIST, has_text="Greetings")
    await renamed.hover()
    async with page.expect_download() as download:
        await renamed.get_by_role("button", name="Save").click()
    text = (await (await download.value).path()).read_text()
    assert text.startswith("you: The first one.\nparley: ")
    assert (await download.value).suggested_filename.endswith("Greetings.txt")
    await page.reload()
    await expect(page.locator(f"{LIST} .title")).to_have_text(["The second one.", "Greetings"])


async def test_a_deleted_conversation_is_gone_unless_thought_better_of(
    browser: BrowserContext, server: RunningServer
) -> None:
    page, _ = await opened(browser, server)
    await type_and_be_answered(page, "To be deleted.")
    await end(page)
    line = page.locator(LIST)
    await line.hover()
    await line.get_by_role("button", name="Delete “To be").click()
    await expect(line).to_have_count(0)
    await expect(page.get_by_role("button", name="New conversation")).to_be_focused()
    await expect(page.locator("#transcript li")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#transcript .you .said")).to_have_text("To be deleted.")
    await line.hover()
    await line.get_by_role("button", name="Delete “To be").click()
    await page.reload()
    await expect(page.locator("#welcome")).to_be_visible()
    await expect(line).to_have_count(0)


async def test_another_tab_begins_anew_and_sees_the_list(browser: BrowserContext, server: RunningServer) -> None:
    page, _ = await opened(browser, server)
    await type_and_be_answered(page, "In the first tab.")
    other, _ = await opened(browser, server)
    await expect(other.locator("#welcome")).to_be_visible()
    await expect(other.locator(f"{LIST} .title")).to_have_text("In the first tab.")
    await type_and_be_answered(other, "In the second tab.")
    await expect(page.locator(f"{LIST} .title").first).to_have_text("In the second tab.", timeout=10_000)
    await expect(page.locator("#transcript .you .said")).to_have_text("In the first tab.")


async def test_what_was_cut_is_struck_out_and_kept_so(browser: BrowserContext, server: RunningServer) -> None:
    page, sent = await opened(browser, server)
    await type_and_be_answered(page, "Tell me a long story.")
    # A word counts as heard at its end: the one that is being said now is taken back
    await expect(page.locator("#transcript .parley .said")).to_have_text(re.compile(r"\S+\s+\S+\s+\S"))
    await page.get_by_role("button", name="Interrupt").click()
    await expect(page.locator("#transcript .unheard")).not_to_be_empty(timeout=2000)
    await expect(page.locator("#state")).to_contain_text("ready", timeout=10_000)
    await page.reload()
    struck = await page.locator("#transcript .unheard").inner_text()
    heard = (await said(page))[1]
    assert struck.strip()
    assert heard.strip()
    sent.clear()
    await type_and_be_answered(page, "Go on.")
    told = [e["item"]["content"][0]["text"] for e in sent if e["type"] == "conversation.item.create"]
    assert told[1] == heard.strip()  # the server is told what was heard, and no more


async def test_a_message_can_be_copied(browser: BrowserContext, server: RunningServer) -> None:
    await browser.grant_permissions(["clipboard-read", "clipboard-write"])
    page, _ = await opened(browser, server)
    await type_and_be_answered(page, "Copy this.")
    mine = page.locator("#transcript .you")
    await mine.hover()
    await mine.get_by_role("button", name="Copy this message").click()
    assert await page.evaluate("navigator.clipboard.readText()") == "Copy this."
    await expect(mine.get_by_role("button", name="Copied")).to_be_visible()


async def test_a_turn_and_an_answer_that_are_forgotten_leave_the_page(
    browser: BrowserContext, server: RunningServer
) -> None:
    page, _ = await opened(browser, server)
    left = await page.evaluate(
        """async () => {
          const { Transcript } = await import(new URL("web/transcript.js", document.baseURI));
          const transcript = new Transcript(document.createElement("ol"));
          const completed = "conversation.item.input_audio_transcription.completed";
          const written = "response.output_audio_transcript.delta";
          const words = (item_id, transcript) => ({ type: completed, item_id, transcript });
          const delta = (item_id, delta) => ({ type: written, response_id: "r1", item_id, delta });
          transcript.take(words("one", "My number is five."));
          transcript.take(delta("answer", "Five is"));
          transcript.take({ type: "conversation.item.deleted", item_id: "one" });
          transcript.take({ type: "conversation.item.deleted", item_id: "answer" });
          transcript.take({ type: "conversation.item.deleted", item_id: "never there" });
          transcript.take({ type: "parley.response.heard", response_id: "r1", heard_text: "Five" });
          transcript.take(words("two", "My number is five six."));
          return [transcript.kept().map(({ text }) => text), transcript.list.textContent.includes("Five is")];
        }"""
    )
    assert left == [["My number is five six."], False]
