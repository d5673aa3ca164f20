"""``/v1/audio/speech``: names of voices, nulls, events, lengths, and statuses that tell the truth."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import numpy as np
import pytest

from parley.audio import files
from parley.errors import ModelError
from parley.models.fakes import FakeSynthesizer, tone
from parley.models.interfaces import Caller, SpeakingStyle, SpeechChunk
from tests.server.fake_server import served

LONG = "One two three. " * 40


class BreaksOff(FakeSynthesizer):
    """Says so many pieces, then fails."""

    def __init__(self, after: int) -> None:
        super().__init__(delay_s=0.0)
        self.after = after

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        if len(self.said) >= self.after:
            raise ModelError("the voice is gone")
        async for chunk in super().synthesize(text, style, caller):
            yield chunk


class Mute(FakeSynthesizer):
    """Makes no sound."""

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        yield SpeechChunk(np.empty(0, np.int16))


class English(FakeSynthesizer):
    """Speaks one language, and remembers which it was asked for."""

    languages = ("en",)
    asked: str | None = "nothing"

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        self.asked = style.language
        yield SpeechChunk(tone(0.3, self.rate_hz))


async def say(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.post("/v1/audio/speech", json={"input": "Good morning.", **body})


@pytest.mark.parametrize("voice", ["alloy", "Nova", "ONYX", "fable", "fake-voice", "Fake-Voice", {"id": "alloy"}, None])
async def test_every_name_of_a_voice_in_any_case_is_one(voice: Any) -> None:
    async with served() as client:
        answer = await say(client, voice=voice, response_format="pcm")
    assert answer.status_code == 200
    assert len(answer.content) == pytest.approx(2 * 24000 * 0.6, rel=0.05)


async def test_a_voice_that_is_nobodys_is_named() -> None:
    async with served() as client:
        answer = await say(client, voice="nobody")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "voice"


async def test_fields_that_are_null_are_as_good_as_absent() -> None:
    nulls = dict.fromkeys(("model", "response_format", "speed", "instructions", "stream_format", "language"))
    async with served() as client:
        answer = await say(client, **nulls)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/mpeg"


@pytest.mark.parametrize("text", ["...", "?!", "🙂", " ", "—", "\n\n"])
@pytest.mark.parametrize("stream_format", ["audio", "sse"])
async def test_a_text_with_nothing_to_say_is_refused(text: str, stream_format: str) -> None:
    async with served() as client:
        answer = await say(client, input=text, stream_format=stream_format)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "input"
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("voice", [BreaksOff(0), Mute()])
@pytest.mark.parametrize("wish", [{}, {"response_format": "wav"}, {"stream_format": "sse"}])
async def test_a_voice_that_fails_before_its_first_sample_is_a_failure(voice: Any, wish: dict[str, str]) -> None:
    async with served(voices={"broken": voice}) as client:
        answer = await say(client, **wish)
    assert answer.status_code == 502
    assert answer.json()["error"]["type"] == "server_error"


@pytest.mark.parametrize("text", ["నమస్కారం", "你好。", "ሰላም!"])
async def test_a_text_in_letters_that_the_voice_cannot_read_is_the_clients_mistake(text: str) -> None:
    async with served(voices={"english": Mute()}) as client:
        answer = await say(client, input=text)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "nothing_to_say"
    assert answer.json()["error"]["param"] == "input"


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.split("\n\n")
    assert lines.pop() == ""
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize("kind", ["pcm", "mp3", "wav"])
async def test_sound_as_server_sent_events(kind: str) -> None:
    async with served() as client:
        answer = await say(client, input=LONG, stream_format="sse", response_format=kind)
    *deltas, done = events(answer)
    assert {e["type"] for e in deltas} == {"speech.audio.delta"}
    assert len(deltas) > 1
    assert done["type"] == "speech.audio.done"
    assert done["usage"].keys() == {"input_tokens", "output_tokens", "total_tokens"}
    data = b"".join(base64.b64decode(e["audio"]) for e in deltas)
    seconds = len(data) / 48000 if kind == "pcm" else len(files.read(data)[0]) / files.read(data)[1]
    assert seconds == pytest.approx(0.3 * len(LONG.split()), rel=0.05)


async def test_a_fault_in_the_middle_is_an_event() -> None:
    async with served(voices={"broken": BreaksOff(2)}) as client:
        answer = await say(client, input=LONG, stream_format="sse", response_format="pcm")
    found = events(answer)
    assert found[0]["type"] == "speech.audio.delta"
    assert (found[-1]["type"], found[-1]["error"]["message"]) == ("error", "the voice is gone")


async def test_a_fault_in_the_middle_breaks_off_what_has_no_other_way_to_tell() -> None:
    async with served(voices={"broken": BreaksOff(2)}) as client:
        with pytest.raises(RuntimeError, match="already started"):
            await say(client, input=LONG, response_format="mp3")


async def test_a_wav_that_is_there_when_its_head_leaves_has_true_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parley.server.speech_routes._WHOLE_WITHIN_S", 60.0)  # of a machine that is busy
    for text in ("Good morning.", LONG):  # a fake voice needs no time
        async with served(voices={"quick": FakeSynthesizer(delay_s=0.0)}) as client:
            answer = await say(client, input=text, response_format="wav")
        with wave.open(io.BytesIO(answer.content)) as found:
            frames = found.getnframes()
        assert frames == (len(answer.content) - 44) // 2
        assert frames / 22050 == pytest.approx(0.3 * len(text.split()), rel=0.01)
        assert int(answer.headers["content-length"]) == len(answer.content)


async def test_a_wav_of_one_piece_is_waited_for_and_a_long_one_is_streamed() -> None:
    slow = FakeSynthesizer(delay_s=0.6)
    async with served(voices={"slow": slow}) as client:
        short = await say(client, response_format="wav")
        long = await say(client, input="One two three. " * 3, response_format="wav")
    assert int.from_bytes(short.content[40:44], "little") == len(short.content) - 44
    assert int.from_bytes(long.content[40:44], "little") > 2**31
    assert len(files.read(long.content)[0]) / 22050 == pytest.approx(2.7, rel=0.01)


@pytest.mark.parametrize(("given", "spoken"), [("en-US", "en"), ("English", "en"), ("auto", None), (None, None)])
async def test_the_voice_is_told_the_language_by_its_code(given: str | None, spoken: str | None) -> None:
    voice = English()
    async with served(voices={"voice": voice}) as client:
        assert (await say(client, language=given)).status_code == 200
    assert voice.asked == spoken


@pytest.mark.parametrize("given", ["klingon", "te-IN", "xx"])
async def test_a_language_that_the_voice_does_not_speak_is_refused(given: str) -> None:
    async with served(voices={"voice": English()}) as client:
        answer = await say(client, language=given)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "language"


@pytest.mark.parametrize(("emotion", "status"), [("sad", 200), ("angry", 400), ("hungry", 400)])
async def test_a_voice_is_as_it_is_asked_to_be_and_what_it_cannot_be_is_refused(emotion: str, status: int) -> None:
    voice = FakeSynthesizer()
    wanted = {"model": "tts-1", "voice": "it", "input": "We lost. [happy] Or not.", "emotion": emotion, "intensity": 1}
    async with served(voices={"it": voice}) as client:
        answer = await client.post("/v1/audio/speech", json=wanted)
    assert answer.status_code == status
    if status == 200:
        assert [(style.emotion, style.intensity) for style in voice.styles] == [("sad", 1.0), ("happy", 1.0)]
    else:
        assert answer.json()["error"]["param"] == "emotion"
        assert voice.styles == []


class Steady(FakeSynthesizer):
    """Speaks at its own speed."""

    fixed_speed = True


@pytest.mark.parametrize(("voice", "status"), [(Steady(), 400), (FakeSynthesizer(), 200)])
async def test_another_speed_is_refused_for_a_voice_that_has_but_one(voice: FakeSynthesizer, status: int) -> None:
    async with served(voices={"it": voice}) as client:
        wanted = {"model": "tts-1", "voice": "it", "input": "Hello.", "speed": 1.5}
        answer = await client.post("/v1/audio/speech", json=wanted)
        usual = await client.post("/v1/audio/speech", json={**wanted, "speed": 1})
    assert (answer.status_code, usual.status_code) == (status, 200)
    if status == 400:
        assert answer.json()["error"]["param"] == "speed"
        assert "'it' speaks at its own speed" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ('{"input":"Hi",}', "invalid_json", "The body is no JSON: "),
        ("", "invalid_value", "The body must be a JSON object"),
        ("[1]", "invalid_value", "The body must be a JSON object"),
        ('{"input": 3}', "invalid_value", "'input': "),
    ],
)
async def test_a_body_that_is_no_object_is_told_as_that_and_not_as_a_field(body: str, code: str, message: str) -> None:
    async with served() as client:
        answer = await client.post("/v1/audio/speech", content=body, headers={"Content-Type": "application/json"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, code)
    assert error["message"].startswith(message)
    assert error["param"] == ("input" if "'" in message else None)
