"""A model that hears on the library's own server, `transformers serve`, with tiny random weights of Qwen2-Audio."""

from __future__ import annotations

import asyncio
import base64
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from openai import AsyncOpenAI

from parley.adapters.openai_chat import OpenAiChat
from parley.audio import files
from parley.audio.pcm import Int16, to_int16
from parley.models.fakes import tone
from parley.models.interfaces import Caller, ChatOptions
from tests.conformance.test_official_client import Conversation
from tests.conftest import Clip, start_server
from tests.families.transformers_tts import tiny_hearing
from tests.looking import unexpected

RATE = 16000
TONE, NOISE = tone(2.0, RATE, hz=200), to_int16(np.random.default_rng(1).normal(0, 0.1, 2 * RATE).astype(np.float32))


@dataclass(frozen=True)
class Served:
    """The library's server."""

    url: str
    model: str
    log: Path


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hearing")
    model, log = folder / "qwen2-audio", folder / "serve.log"
    model.mkdir()
    tiny_hearing.write(model)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).parent / "transformers"
    command = [str(program), "serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
    served = Served(f"http://127.0.0.1:{port}/v1", str(model), log)
    try:
        asyncio.run(answering(served, process))
        yield served
    finally:
        process.terminate()
        process.wait(30)


async def answering(served: Served, process: subprocess.Popen[bytes]) -> None:
    async with httpx.AsyncClient(timeout=10) as http, asyncio.timeout(250):
        while process.poll() is None:
            try:
                if (await http.get(f"{served.url}/models")).is_success:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.2)
    raise AssertionError(served.log.read_text()[-2000:])


@pytest.fixture
async def chat(hearing: Served) -> AsyncIterator[OpenAiChat]:
    chat = OpenAiChat(hearing.url, hearing.model)
    yield chat
    await chat.aclose()


def heard(samples: Int16) -> list[dict[str, Any]]:
    sound = base64.b64encode(b"".join(files.encode([samples], RATE, "wav"))).decode()
    return [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}]}]


async def answer(chat: OpenAiChat, messages: list[dict[str, Any]], **options: Any) -> str:
    asked = chat.stream(messages, ChatOptions(max_tokens=8, temperature=0.0, **options), Caller("ann"))
    return "".join([delta.text async for delta in asked]).strip()


async def test_the_same_sound_has_the_same_answer_and_another_one_another(chat: OpenAiChat) -> None:
    assert chat.hears, "it is known by the model's name"
    first, again, other = [await answer(chat, heard(samples)) for samples in (TONE, TONE, NOISE)]
    assert first == again
    assert first != other
    assert {*first.split(), *other.split()} <= {*tiny_hearing.WORDS}
    assert chat.hears, "no sound was refused"


async def test_words_and_tools_are_taken_too(chat: OpenAiChat) -> None:
    clock = {"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": {}}}
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What time is it?"}]
    assert await answer(chat, messages, tools=(clock,), parallel_tool_calls=True)


@pytest.mark.timeout(300)
def test_a_spoken_turn_is_heard_by_it_and_answered_in_sound(hearing: Served, question: Clip, tmp_path: Path) -> None:
    environment = {
        "PARLEY_LLM_BASE_URL": hearing.url, "PARLEY_LLM": hearing.model, "PARLEY_TTS": "espeak", "PARLEY_VOICES": "[]",
        "PARLEY_MAX_OUTPUT_TOKENS": "12", "PARLEY_TEMPERATURE": "0", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    with ExitStack() as stack:
        process, server = start_server(tmp_path / "serve.log", **environment)
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        words = asyncio.run(talk(server.url, question))
        assert {*words.lower().strip(".").split()} <= {*tiny_hearing.WORDS}
        assert not unexpected(server.log.read_text(errors="replace"))


async def talk(url: str, question: Clip) -> str:
    """Say the question; returns the answer's words."""
    client = AsyncOpenAI(api_key="none", base_url=f"{url}/v1")
    async with client.realtime.connect(model="gpt-realtime") as raw:
        talked = Conversation(raw)
        await talked.until("session.created")
        microphone = asyncio.create_task(talked.speak(question, tail_s=120))
        done = await talked.until("response.done", within_s=120)
        microphone.cancel()
        assert any(event["type"] == "response.output_audio.delta" for event in talked.events)
        assert not [event for event in talked.events if event["type"] == "error"]
        return str(done["response"]["output"][0]["content"][0]["transcript"])
