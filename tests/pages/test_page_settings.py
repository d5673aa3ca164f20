"""Voices, names and the developer's switch of the page, in a real Chromium."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Request, Route, WebSocketRoute, expect

from tests.conftest import Clip, RunningServer, silence
from tests.pages.chromium import RATE, OpenPage, microphone
from tests.pages.test_page_states import told, type_and_be_answered


async def test_a_voice_can_be_heard_before_it_is_chosen(
    server: RunningServer, open_page: OpenPage, tmp_path: Path
) -> None:
    page = await open_page(
        script="""
      window.played = [];
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = function () { window.played.push(this); return play.call(this); };
    """,
    )
    await page.get_by_role("button", name="Settings", exact=True).click()
    default = page.locator("input[name=voice][value=hibari-heart]")
    await expect(default).to_be_checked()
    listen = page.get_by_role("button", name="Listen to eSpeak")
    async with page.expect_request("**/v1/audio/speech") as asked:
        await listen.click()
    assert json.loads((await asked.value).post_data or "")["voice"] == "espeak"
    await expect(listen).to_have_attribute("data-playing", "true")
    await expect(listen).not_to_have_attribute("data-playing", "true", timeout=20_000)  # it ended by itself
    assert await page.evaluate("window.played[0].currentTime") > 1
    await expect(default).to_be_checked()


async def test_two_voices_are_heard_in_turn_on_a_sentence_of_ones_own(
    server: RunningServer, open_page: OpenPage, tmp_path: Path
) -> None:
    page = await open_page(script="")
    said: list[tuple[str, str]] = []

    def note(request: Request) -> None:
        if request.url.endswith("/v1/audio/speech"):
            asked = json.loads(request.post_data or "")
            said.append((asked["voice"], asked["input"]))

    page.on("request", note)
    await page.get_by_role("button", name="Settings", exact=True).click()
    compare = page.get_by_role("button", name="Compare eSpeak with the chosen voice")
    own = page.get_by_role("button", name="Compare Heart (Hibari) with the chosen voice")
    await expect(own).to_be_disabled()
    await page.get_by_label("Let them all say").fill(" Good night. ")
    await compare.click()
    await expect(compare).to_have_attribute("data-playing", "true")
    await expect(compare).not_to_have_attribute("data-playing", "true", timeout=20_000)
    assert said == [("hibari-heart", "Good night."), ("espeak", "Good night.")]
    await expect(page.locator("input[name=voice][value=hibari-heart]")).to_be_checked()
    await page.locator("input[name=voice][value=espeak]").check()
    await expect(compare).to_be_disabled()
    await expect(own).to_be_enabled()
    await own.click()
    await expect(own).to_have_attribute("data-playing", "true")
    await own.click()  # a second press stops both
    await expect(own).not_to_have_attribute("data-playing", "true")
    assert [voice for voice, _ in said[2:]] == ["espeak"]


@pytest.mark.parametrize(("language", "greets"), [("te", "నమస్కారం"), ("de", "Hallo"), ("pl", "Hello")])
async def test_a_voice_introduces_itself_in_its_own_language(
    server: RunningServer, bare_page: Page, language: str, greets: str
) -> None:
    said: list[str] = []

    async def with_another_voice(route: Route) -> None:
        details = {"piper-xx-xx-maya": {"summary": "", "languages": [language]}}
        await told(route, voices=["piper-xx-xx-maya"], details=details)

    async def listened(route: Route) -> None:
        said.append(json.loads(route.request.post_data or "")["input"])
        await route.fulfill(status=502, json={"error": {"message": "no such voice"}})

    await bare_page.route("**/v1/parley", with_another_voice)
    await bare_page.route("**/v1/audio/speech", listened)
    await bare_page.goto(server.url)
    await bare_page.get_by_role("button", name="Settings", exact=True).click()
    await bare_page.get_by_role("button", name="Listen to Maya").click()
    await expect(bare_page.get_by_role("alert")).to_contain_text("could not be heard (no such voice)")
    assert said[0].startswith(greets)
    assert "Maya" in said[0]


async def test_a_mood_can_be_chosen_of_a_voice_that_has_some(server: RunningServer, bare_page: Page) -> None:
    styles: asyncio.Queue[Any] = asyncio.Queue()

    def listen_in(socket: WebSocketRoute) -> None:
        onward = socket.connect_to_server()

        def from_page(message: str | bytes) -> None:
            if isinstance(message, str) and '"style"' in message:
                styles.put_nowait(json.loads(message)["session"]["parley"]["style"])
            onward.send(message)

        socket.on_message(from_page)

    await bare_page.route_web_socket("**/ws*", listen_in)
    await bare_page.goto(f"{server.url}?transport=websocket")
    await bare_page.get_by_role("button", name="Settings", exact=True).click()
    mood = bare_page.get_by_role("combobox", name="Mood")
    await expect(mood).to_be_hidden()
    await bare_page.locator("input[name=voice][value=espeak]").check()
    assert await mood.locator("option").all_inner_texts() == [
        "Neutral", "Happy", "Sad", "Angry", "Calm", "As the assistant likes"
    ]  # fmt: skip
    await mood.select_option("Sad")
    await bare_page.keyboard.press("Escape")
    await type_and_be_answered(bare_page)
    assert styles.get_nowait() == {"emotion": "sad", "expressive": False}
    await bare_page.get_by_role("button", name="Settings", exact=True).click()
    await mood.select_option("As the assistant likes")
    assert await asyncio.wait_for(styles.get(), 20) == {"emotion": "neutral", "expressive": True}
    await bare_page.locator("input[name=voice][value=hibari-heart]").check()
    assert await asyncio.wait_for(styles.get(), 20) == {"emotion": "neutral", "expressive": False}
    await expect(mood).to_be_hidden()
    await expect(bare_page.get_by_role("alert")).to_be_hidden()


async def test_timing_is_shown_to_developers_only(open_page: OpenPage, question: Clip, tmp_path: Path) -> None:
    sound = microphone(tmp_path / "microphone.wav", silence(2.0, RATE), question.samples(RATE), silence(60.0, RATE))
    page = await open_page(sound)
    await page.get_by_role("button", name="Start talking").click()
    time_of_answer = page.locator("#transcript .parley .time").first
    await expect(time_of_answer).to_contain_text("ms", timeout=30_000)
    await expect(time_of_answer).to_be_hidden()
    await expect(page.get_by_role("button", name="Timing and logs", exact=True)).to_be_hidden()
    await page.get_by_role("button", name="Settings", exact=True).click()
    await page.get_by_role("switch", name="For developers").check()
    await page.keyboard.press("Escape")
    await expect(time_of_answer).to_be_visible()
    await page.get_by_role("button", name="Timing and logs", exact=True).click()
    await expect(page.locator("#percentiles")).to_contain_text("1 answer:")
    await expect(page.locator("#model-ids")).to_contain_text("llm: smollm2-135m")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ('modelName("qwen2.5-coder-1.5b")', "Qwen2.5 Coder 1.5B"),
        ('modelName("smollm2-135m")', "SmolLM2 135M"),
        ('modelName("/models/Llama-3.2-3B-Instruct-Q4_K_M.gguf")', "Llama 3.2 3B"),
        ('modelName("llama3.2:3b")', "Llama3.2 3B"),
        ('modelName("moonshine-tiny-en")', "Moonshine Tiny En"),
        ('voiceName("hibari-heart", {summary: "Hibari, an American woman, the default"})', "Heart · American woman"),
        ('voiceName("hibari-kore", {summary: "Hibari kore, another American woman"})', "Kore · American woman"),
        ('voiceName("hibari-low", {summary: "Hibari low, an American man, made from heart"})', "Low · American man"),
        ('voiceName("piper-en-us-joe", {summary: "Piper voice, an American man"})', "Joe · American man"),
        ('voiceName("piper-te-in-maya", {summary: "Piper voice; see its card", languages: ["te"]})', "Maya · Telugu"),
        ('voiceName("espeak", {languages: ["*"]})', "eSpeak · Many languages, like a robot"),
        ('voiceName("kokoro/bf_emma")', "Emma · British woman"),
        ('voiceName("my voice")', "My Voice"),
    ],
)  # fmt: skip
async def test_models_and_voices_have_names_that_people_say(
    server: RunningServer, bare_page: Page, call: str, name: str
) -> None:
    await bare_page.goto(server.url)
    assert (
        await bare_page.evaluate(f"import('/web/names.js').then(({{ modelName, voiceName }}) => String({call}))")
        == name
    )


async def test_voices_of_one_name_are_told_apart_by_their_model(server: RunningServer, bare_page: Page) -> None:
    ids = ["hibari-heart", "kokoro/af_heart", "hibari-kore", "mine/Heart.onnx"]
    details = {"kokoro/af_heart": {"summary": "af_heart, an American woman", "languages": ["en"]}}
    await bare_page.route("**/v1/parley", lambda route: told(route, voices=ids, details=details))
    await bare_page.goto(server.url)
    await bare_page.get_by_role("button", name="Settings", exact=True).click()
    for name in ("Heart (Hibari)", "Heart (Kokoro) · American woman", "Kore", "Heart (mine/Heart.onnx)"):
        await expect(bare_page.get_by_role("radio", name=name, exact=True)).to_have_count(1)
    await expect(bare_page.get_by_role("button", name="Listen to Heart (Kokoro)", exact=True)).to_be_visible()


async def test_a_voice_that_is_loaded_first_is_told_and_so_is_its_failure(
    server: RunningServer, bare_page: Page
) -> None:
    """The server has all its voices in memory; what it says of one that it has not is put in."""
    page_side: list[WebSocketRoute] = []
    chosen: list[str] = []

    async def listen_in(socket: WebSocketRoute) -> None:
        page_side.append(socket)
        onward = socket.connect_to_server()

        def from_page(message: str | bytes) -> None:
            if isinstance(message, str) and '"voice"' in message:
                chosen.append(json.loads(message)["session"]["audio"]["output"]["voice"])
            onward.send(message)

        socket.on_message(from_page)

    def tell(state: str, **more: str) -> None:
        page_side[0].send(json.dumps({"type": "parley.voice", "voice": "espeak", "state": state, **more}))

    await bare_page.route_web_socket("**/ws*", listen_in)
    await bare_page.goto(f"{server.url}?transport=websocket")
    await type_and_be_answered(bare_page)
    await bare_page.get_by_role("button", name="Settings", exact=True).click()
    espeak, heart = (bare_page.locator(f"input[name=voice][value={id_}]") for id_ in ("espeak", "hibari-heart"))
    notice = bare_page.get_by_role("alert")
    await espeak.check()
    tell("coming")
    await expect(notice).to_contain_text(re.compile(r"eSpeak is being loaded\. Heart.* speaks until it is there\."))
    tell("here")
    await expect(notice).to_be_hidden()
    await heart.check()
    await espeak.check()
    tell("coming")
    await expect(notice).to_contain_text("speaks until it is there")
    error = {"type": "server_error", "code": "voice_unavailable", "message": "the disk is full"}
    page_side[0].send(json.dumps({"type": "error", "error": error}))
    tell("failed")
    await expect(notice).to_contain_text(re.compile(r"eSpeak cannot speak, and Heart.* goes on \(the disk is full\)"))
    await expect(heart).to_be_checked()
    await bare_page.get_by_role("button", name="Try again").click()
    await expect(espeak).to_be_checked()
    assert chosen == ["espeak", "hibari-heart", "espeak", "hibari-heart", "espeak"]


@pytest.mark.parametrize("kept", ["kokoro/af_heart", "kokoro-heart", "kokoro-af_heart", "af_heart"])
async def test_a_choice_kept_under_an_older_name_is_still_that_voice(
    server: RunningServer, bare_page: Page, kept: str
) -> None:
    await bare_page.add_init_script(f"localStorage.setItem('parley-settings', '{json.dumps({'voice': kept})}')")
    voices = ["hibari-heart", "kokoro/af_heart", "kokoro/bf_emma"]
    await bare_page.route("**/v1/parley", lambda route: told(route, voices=voices, details={}))
    await bare_page.goto(server.url)
    await bare_page.get_by_role("button", name="Settings", exact=True).click()
    await expect(bare_page.locator('input[name=voice][value="kokoro/af_heart"]')).to_be_checked()
