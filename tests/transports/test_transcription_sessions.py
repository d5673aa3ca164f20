"""Sessions that transcribe and never answer."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace

import pytest

from parley.audio.pcm import to_bytes
from parley.conversation.settings import SessionSettings
from parley.models.fakes import tone
from tests.transports.client import RATE_HZ, STOCK, Client, talk, transcribing


@pytest.mark.parametrize("detection", [{"type": "server_vad", "silence_duration_ms": 300}, {"type": "semantic_vad"}])
def test_what_is_said_is_written_down_and_not_answered(detection: dict[str, object]) -> None:
    async def script(c: Client) -> None:
        assert c.events[0]["session"]["type"] == "transcription"
        c.send("session.update", session={"type": "transcription", "audio": {"input": {"turn_detection": detection}}})
        assert (await c.until("session.updated"))["session"]["audio"]["input"]["turn_detection"]["type"]
        for turn in (1, 2):
            await c.silence(0.3)
            await c.speak(1.0)
            while len(c.of("conversation.item.done")) < turn:
                await c.silence(0.02)
        await c.silence(3.0)
        kinds = [e["type"] for e in c.events[2:]]
        one_turn = [
            "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed",
            "conversation.item.added", "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed", "conversation.item.done",
        ]  # fmt: skip
        assert kinds == one_turn * 2
        assert c.of("conversation.item.input_audio_transcription.completed")[0]["transcript"] == "What time is it?"
        assert not c.chat.prompts

    talk(script, shown=transcribing(), settings=SessionSettings(greeting="Welcome.", anticipate=True))


def test_push_to_talk_is_written_down_at_its_commit() -> None:
    async def script(c: Client) -> None:
        data = base64.b64encode(to_bytes(tone(1.0, RATE_HZ))).decode()
        c.send("input_audio_buffer.append", audio=data)
        c.send("input_audio_buffer.commit")
        done = await c.until("conversation.item.input_audio_transcription.completed")
        assert done["transcript"] == "What time is it?"
        assert done["usage"]["type"] == "duration"
        await asyncio.sleep(3.0)
        assert not [e for e in c.events if e["type"].startswith("response.")]

    talk(script, shown=replace(transcribing(), turn_detection=None))


def test_an_answer_is_refused() -> None:
    async def script(c: Client) -> None:
        c.send("response.create")
        assert c.error["message"].startswith("'response.create' is not available in a transcription session")
        assert not c.of("response.created")

    talk(script, shown=transcribing())


@pytest.mark.parametrize(("shown", "other"), [(STOCK, "transcription"), (transcribing(), "realtime")])
def test_a_running_session_keeps_its_type(shown: object, other: str) -> None:
    async def script(c: Client) -> None:
        c.send("session.update", session={"type": other})
        assert c.error["param"] == "session.type"

    talk(script, shown=shown)


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"language": "de"}, "language", "language_not_supported"),
        ({"languages": ["te", "de"]}, "languages", "language_not_supported"),
        ({"model": "whisper-9"}, "model", "model_not_found"),
    ],
)
def test_a_language_that_the_recogniser_does_not_hear_is_refused_at_once(
    given: dict[str, object], field: str, code: str
) -> None:
    async def script(c: Client) -> None:
        c.send("session.update", session={"type": c.adapter.shown.kind, "audio": {"input": {"transcription": given}}})
        assert (c.error["param"], c.error["code"]) == (f"session.audio.input.transcription.{field}", code)
        assert c.session.settings.language is None

    talk(script)
    talk(script, shown=transcribing())


def test_hints_reach_the_recogniser() -> None:
    async def script(c: Client) -> None:
        hints = {"prompt": "About bridges.", "keywords": ["Brooklyn", "Tay"], "languages": ["en-US", "te"]}
        c.send("session.update", session={"type": "realtime", "audio": {"input": {"transcription": hints}}})
        assert not c.of("error")
        guidance = c.session.settings.guidance
        assert guidance.prompt == "About bridges. Brooklyn, Tay"
        assert guidance.languages == ("en", "te")
        await c.silence(0.3)
        await c.speak(1.0)
        await c.silence(0.3)
        assert c.recognizer.told == (None, guidance)

    talk(script)
