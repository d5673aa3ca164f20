"""Every state and fault of the page in plain words, with what to do, in a real Chromium."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from tests.conftest import UNDERSTOOD, Clip, RunningServer, silence, start_server, stop_server
from tests.e2e.relay import Relay
from tests.pages.chromium import RATE, TAP, OpenPage, microphone

BETTER = "qwen2.5-coder-1.5b"
UPGRADE = {"model": BETTER, "state": "pulling", "done": 412_000_000, "total": 1_117_320_768, "why": ""}
# The device's own rate, as some have it.
AT_96_KHZ = """
const Context = window.AudioContext;
window.AudioContext = class extends Context {
  constructor(options) { super({ ...options, sampleRate: 96000 }); }
};
"""
KEEPS_CONTEXTS = """
window.contexts = [];
const Context = window.AudioContext;
window.AudioContext = class extends Context {
  constructor(...given) { super(...given); window.contexts.push(this); }
};
"""
NO_MICROPHONE = """
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("none is there", "NotFoundError"); };
"""

KEEPS_NOTHING = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("cookies are blocked", "SecurityError"); } });
}
"""


async def told(route: Route, **changes: Any) -> None:
    """What the server tells of itself, with changes."""
    answer = await route.fetch(max_retries=3)  # the server may have closed the connection that is taken up again
    await route.fulfill(response=answer, json={**await answer.json(), **changes})


async def pulling(route: Route) -> None:
    """A better language model is on its way."""
    await told(route, upgrade=UPGRADE)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that asks for a key."""
    process, running = start_server(tmp_path / "serve.log", PARLEY_API_KEY="open-sesame", PARLEY_LLM="smollm2-135m")
    yield running
    stop_server(process, running)


async def type_and_be_answered(page: Page, text: str = "Say hello.") -> None:
    answers = page.locator("#transcript .parley .said")
    before = await answers.count()
    await page.get_by_label("Type instead of speaking").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.locator("#transcript .you .said").last).to_have_text(text)
    await expect(answers.nth(before)).not_to_be_empty(timeout=20_000)


@pytest.mark.parametrize(("script", "words"), [("", "allow"), (NO_MICROPHONE, "plug one in")], ids=["denied", "absent"])
async def test_without_a_microphone_the_page_says_so_and_typing_works(
    server: RunningServer, bare_page: Page, script: str, words: str
) -> None:
    await bare_page.add_init_script(script)
    await bare_page.goto(server.url)
    await bare_page.get_by_role("button", name="Start talking").click()
    alert = bare_page.get_by_role("alert")
    await expect(alert).to_contain_text("microphone", timeout=10_000, ignore_case=True)
    await expect(bare_page.locator("#state")).to_contain_text("ready", timeout=15_000)
    if script:  # without it, Chromium's own word depends on whether the machine has a sound card
        await expect(alert).to_contain_text(words)
    await expect(alert).to_contain_text("You can type meanwhile")
    await type_and_be_answered(bare_page)


async def test_an_example_question_is_answered_without_a_microphone_which_may_come_later(
    open_page: OpenPage, question: Clip, tmp_path: Path
) -> None:
    sound = microphone(tmp_path / "microphone.wav", silence(2.0, RATE), question.samples(RATE), silence(60.0, RATE))
    page = await open_page(sound)
    asked: list[str] = []
    await page.expose_function("asked", lambda: asked.append("microphone"))
    await page.evaluate("""() => {
      const { mediaDevices } = navigator, ask = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = (given) => (window.asked(), ask(given));
    }""")
    await page.get_by_role("button", name="capital of France").click()
    await expect(page.locator("#transcript .you .said")).to_have_text("What is the capital of France?", timeout=10_000)
    await expect(page.locator("#transcript .parley .said")).not_to_be_empty(timeout=20_000)
    assert asked == []
    await page.get_by_role("button", name="Interrupt").click()
    await page.get_by_role("button", name="Use the microphone").click()
    await expect(page.get_by_role("button", name="Mute the microphone")).to_be_visible()
    await expect(page.locator("#transcript .you .said").nth(1)).to_have_text(UNDERSTOOD, timeout=30_000)


async def test_who_is_asked_by_the_browser_for_the_microphone_is_told_to_answer_it(
    server: RunningServer, bare_page: Page
) -> None:
    await bare_page.add_init_script("navigator.mediaDevices.getUserMedia = () => new Promise(() => {});")
    await bare_page.goto(server.url)
    await bare_page.get_by_role("button", name="Start talking").click()
    await expect(bare_page.locator("#state")).to_contain_text("The browser asks you", timeout=5000)
    await bare_page.get_by_role("button", name="End the conversation").click()
    await expect(bare_page.locator("#state")).to_have_text("not connected")


async def test_nothing_can_be_typed_or_pressed_before_the_page_listens(server: RunningServer, bare_page: Page) -> None:
    let_go = asyncio.Event()

    async def hold(route: Route) -> None:
        await let_go.wait()
        await route.continue_()

    await bare_page.route("**/web/talk.js", hold)
    await bare_page.goto(server.url, wait_until="commit")
    for control in ("#text", "#send", "#connect"):
        await expect(bare_page.locator(control)).to_be_disabled()
    let_go.set()
    await type_and_be_answered(bare_page)


@pytest.mark.parametrize("way", ["cut", "throws", "too new"])
async def test_a_page_whose_script_does_not_run_says_what_to_do(
    server: RunningServer, bare_page: Page, way: str
) -> None:
    async def broken(route: Route) -> None:
        if way == "cut":
            await route.abort()
        else:
            body = "throw new Error('broken');" if way == "throws" else "export class Talk { hardly ~ known }"
            await route.fulfill(body=body, content_type="text/javascript")

    await bare_page.route("**/web/talk.js", broken)
    await bare_page.goto(server.url)
    await expect(bare_page.get_by_role("alert")).to_contain_text("Reload it", timeout=15_000)
    await expect(bare_page.locator("#connect")).to_be_disabled()


@pytest.mark.parametrize("part", ["talk.js", "page.js", "frame.css"])
async def test_a_page_that_a_changing_network_cuts_off_loads_itself_again(
    server: RunningServer, bare_page: Page, part: str
) -> None:
    asked = 0
    third = asyncio.Event()

    async def changing(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked <= 2:
            return await route.abort("internetdisconnected")
        third.set()
        await route.continue_()

    await bare_page.route(f"**/web/{part}", changing)
    await bare_page.goto(server.url, wait_until="commit")
    async with asyncio.timeout(15):
        await third.wait()
    await expect(bare_page.locator("#connect")).to_be_enabled(timeout=15_000)
    await expect(bare_page.locator("#models")).to_contain_text("hears with")
    await bare_page.wait_for_load_state("load")
    assert await bare_page.evaluate("history.state") is None, "the next network has all its tries"


async def test_a_page_without_its_style_stops_loading_itself_again(server: RunningServer, bare_page: Page) -> None:
    asked = 0
    fourth = asyncio.Event()

    async def held_back(route: Route) -> None:
        nonlocal asked
        asked += 1
        await route.abort()
        if asked == 4:
            fourth.set()

    await bare_page.route("**/web/frame.css", held_back)
    await bare_page.goto(server.url, wait_until="commit")
    async with asyncio.timeout(15):
        await fourth.wait()
    await bare_page.wait_for_load_state("load")
    assert await bare_page.evaluate("history.state") is None, "no other try is on its way"
    await type_and_be_answered(bare_page)
    assert asked == 4


@pytest.mark.parametrize("fault", ["cut", "status", "nonsense"])
async def test_a_server_that_does_not_tell_of_itself_is_asked_again(
    server: RunningServer, bare_page: Page, fault: str
) -> None:
    asked = 0

    async def failing(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            await route.continue_()
        elif fault == "cut":
            await route.abort()
        else:
            await route.fulfill(status=503 if fault == "status" else 200, body="<p>a proxy</p>")

    await bare_page.route("**/v1/parley", failing)
    await bare_page.goto(server.url)
    await expect(bare_page.locator("#models")).to_contain_text("hears with", timeout=15_000)
    assert asked == 3


async def test_a_page_that_runs_says_nothing_of_missing_parts(server: RunningServer, bare_page: Page) -> None:
    await bare_page.goto(server.url)
    await expect(bare_page.locator("#connect")).to_be_enabled()
    await expect(bare_page.locator("#unloaded")).to_have_count(0)


async def test_a_browser_that_keeps_nothing_is_enough_to_talk(server: RunningServer, bare_page: Page) -> None:
    await bare_page.add_init_script(KEEPS_NOTHING)
    await bare_page.goto(server.url)
    await type_and_be_answered(bare_page)
    await expect(bare_page.locator("#conversation-list .title")).to_have_text("Say hello.")
    await expect(bare_page.locator("#kept-where")).to_contain_text("keeps nothing")


async def test_a_key_is_asked_for_and_a_wrong_one_is_named(guarded: RunningServer, bare_page: Page) -> None:
    await bare_page.goto(guarded.url)
    await expect(bare_page.get_by_label("This server asks for a key")).to_be_visible(timeout=10_000)
    await expect(bare_page.locator("#key-help")).to_contain_text("terminal")
    await bare_page.locator("#key").fill("open-barley")
    await bare_page.keyboard.press("Enter")
    await expect(bare_page.get_by_label("That key was not accepted")).to_be_visible(timeout=10_000)
    await bare_page.locator("#key").fill("ключ от двери")
    await bare_page.keyboard.press("Enter")
    await expect(bare_page.get_by_label("Browsers cannot send this key")).to_be_visible(timeout=10_000)
    await bare_page.locator("#key").fill("open-sesame")
    await bare_page.keyboard.press("Enter")
    await expect(bare_page.get_by_role("button", name="Start talking")).to_be_focused(timeout=10_000)
    await expect(bare_page.locator("#key-form")).to_be_hidden()
    await type_and_be_answered(bare_page)
    await bare_page.reload()
    await type_and_be_answered(bare_page)  # without being asked again


async def test_a_busy_server_is_waited_for_and_tried_again(server: RunningServer, bare_page: Page) -> None:
    refusal = {"type": "server_error", "code": "server_full", "message": "all 3 places are taken", "retry_after_s": 3}
    tries: list[float] = []

    async def full_at_first(socket: WebSocketRoute) -> None:
        tries.append(time.monotonic())
        if len(tries) == 1:
            socket.send(json.dumps({"type": "error", "error": refusal}))
            await socket.close(code=1013)
        else:
            socket.connect_to_server()

    await bare_page.route_web_socket("**/ws*", full_at_first)
    await bare_page.goto(server.url)
    await bare_page.get_by_role("button", name="capital of France").click()
    notice = bare_page.locator("#notice-text")
    for seconds in (3, 2, 1):
        await expect(notice).to_contain_text(
            f"no room for another conversation now. It is tried again by itself in {seconds} s"
        )
    await expect(bare_page.get_by_role("button", name="Do not wait")).to_be_visible()
    await expect(bare_page.locator("#transcript .parley .said")).not_to_be_empty(timeout=30_000)
    await expect(bare_page.locator("#notice")).to_be_hidden()
    assert 2.5 < tries[1] - tries[0] < 10


async def test_who_does_not_want_to_wait_for_a_busy_server_is_left_alone(
    server: RunningServer, bare_page: Page
) -> None:
    refusal = {"type": "server_error", "code": "server_full", "message": "busy", "retry_after_s": 60}

    async def full(socket: WebSocketRoute) -> None:
        socket.send(json.dumps({"type": "error", "error": refusal}))
        await socket.close(code=1013)

    await bare_page.route_web_socket("**/ws*", full)
    await bare_page.goto(server.url)
    await bare_page.get_by_role("button", name="capital of France").click()
    await bare_page.get_by_role("button", name="Do not wait").click()
    await expect(bare_page.locator("#state")).to_have_text("not connected")
    await expect(bare_page.locator("#notice")).to_be_hidden()
    await expect(bare_page.get_by_role("button", name="Start talking")).to_be_enabled()
    await expect(bare_page.locator("#text")).to_have_value("What is the capital of France?")  # nothing is lost


@pytest.mark.parametrize("talking", [True, False])
async def test_a_server_that_is_gone_is_seen_within_two_seconds(
    server: RunningServer, bare_page: Page, talking: bool
) -> None:
    relay = Relay(server.url)
    await relay.start()
    await bare_page.goto(relay.url)
    if talking:
        await type_and_be_answered(bare_page)
    await relay.cut()
    seen = bare_page.locator("#state", has_text="coming back" if talking else "does not answer")
    await expect(seen).to_be_visible(timeout=2000)
    if not talking:
        await expect(bare_page.get_by_role("alert")).to_contain_text("Is it running")
    for _ in range(3):  # it is looked for every 1.5 s, while coming back is tried
        await bare_page.wait_for_event("requestfailed", lambda request: request.url.endswith("/health"))
    await expect(seen).to_be_visible(timeout=1000)
    await relay.start(int(relay.url.rsplit(":", 1)[1]))
    await expect(bare_page.locator("#state")).to_contain_text("ready" if talking else "not connected", timeout=20_000)
    await expect(bare_page.locator("#notice")).to_be_hidden(timeout=10_000)
    await relay.cut()


async def test_a_silent_network_is_seen_within_two_seconds(server: RunningServer, bare_page: Page) -> None:
    relay = Relay(server.url)
    await relay.start()
    await bare_page.goto(relay.url)
    await type_and_be_answered(bare_page)
    relay.fall_silent()
    await expect(bare_page.locator("#state")).to_contain_text("does not answer", timeout=2500)  # 0.5 s for the test
    relay.flow()
    await expect(bare_page.locator("#state")).not_to_contain_text("does not answer", timeout=10_000)
    await relay.cut()


async def test_sound_that_the_device_has_stopped_is_turned_on_by_a_button(
    server: RunningServer, open_page: OpenPage
) -> None:
    page = await open_page(script=KEEPS_CONTEXTS)
    await page.get_by_role("button", name="Start talking").click()
    await expect(page.locator("#state")).to_have_text("listening", timeout=15_000)
    await page.evaluate("window.contexts.at(-1).suspend()")  # as a phone does for a call
    await page.get_by_role("button", name="Turn the sound on").click()
    await page.wait_for_function("window.contexts.at(-1).state === 'running'", timeout=10_000)
    await expect(page.locator("#notice")).to_be_hidden()


async def test_a_device_at_96_khz_is_understood_and_heard(
    server: RunningServer, open_page: OpenPage, question: Clip, tmp_path: Path
) -> None:
    sound = microphone(tmp_path / "microphone.wav", silence(2.0, RATE), question.samples(RATE), silence(30.0, RATE))
    page = await open_page(sound, AT_96_KHZ + TAP)
    await page.get_by_role("button", name="Start talking").click()
    await expect(page.locator("#transcript .you .said").first).to_have_text(UNDERSTOOD, timeout=30_000)
    await expect(page.locator("#transcript .parley .said").first).not_to_be_empty(timeout=20_000)
    assert await page.evaluate("window.tapRate") == 96_000
    await expect(page.locator("#notice")).to_be_hidden()
