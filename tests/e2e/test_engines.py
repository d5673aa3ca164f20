"""A model that hears, one that takes turns itself: brought by a plug-in, chosen by configuration, swapped by clients.

The plug-in is a package of its own, as others would write it; its models are exact fakes. One more that
hears is served by llama.cpp.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from parley.models.store import Store
from tests.conformance.test_official_client import Conversation
from tests.conftest import UNDERSTOOD, Clip, RunningServer, start_server, stop_server
from tests.looking import unexpected
from tests.tiny_gguf import WORDS, hearing_model

TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
PLUGIN = """
from parley.models.fakes import FakeDuplexModel, FakeSpeechChat

def hears(spec):
    return FakeSpeechChat([spec.options["answer"]])

def native(spec):
    return FakeDuplexModel()
"""
ENTRY_POINTS = "[parley.adapters]\nodd-hearing = odd_models:hears\nodd-native = odd_models:native\n"
CATALOGUE = """
- {id: listener, kind: speech_llm, family: odd-hearing, licence: MIT, runtime_licence: MIT,
   options: {answer: I heard the sound of your words.}}
- {id: native, kind: duplex, family: odd-native, licence: MIT, runtime_licence: MIT}
"""


def plug_in(folder: Path) -> dict[str, str]:
    """Install it for a server, whose environment is returned."""
    package = folder / "package"
    (info := package / "odd_models-1.0.dist-info").mkdir(parents=True)
    (package / "odd_models.py").write_text(PLUGIN, encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-models\nVersion: 1.0\n", encoding="utf-8")
    home = folder / "home"
    home.mkdir()
    (folder / "ears").mkdir()
    (home / "models").symlink_to(Store().root / "models")
    (home / "catalogue.yaml").write_text(CATALOGUE, encoding="utf-8")
    return {
        "PYTHONPATH": str(package), "PARLEY_HOME": str(home), "PARLEY_LLM": "listener",
        "PARLEY_LLMS": json.dumps(["native", "smollm2-135m", str(hearing_model(folder / "ears")["tiny.gguf"])]),
    }  # fmt: skip


async def talk(server: RunningServer, question: Clip) -> None:
    client = AsyncOpenAI(api_key="none", base_url=f"{server.url}/v1")
    async with client.realtime.connect(model="listener") as raw:
        c, model = Conversation(raw), "listener"
        await c.until("session.created")

        async def say() -> tuple[str, dict[str, Any]]:
            """The question in real time, with an open microphone; what of it is written down, and the response."""
            count = c.kinds.count("response.done")
            microphone = asyncio.create_task(c.speak(question, tail_s=30))
            try:
                done = await c.until("response.done", count + 1)
                heard = await c.until(TRANSCRIBED, c.kinds.count("response.done"))
            finally:
                microphone.cancel()
            assert done["response"]["status"] in ("completed", "incomplete"), done  # some models know no end
            return heard["transcript"], done["response"]

        async def ask() -> dict[str, Any]:
            """What is answered to the question, once it was heard: a busy machine may cut it in two."""
            for _ in range(4):
                heard, response = await say()
                if UNDERSTOOD.search(heard):
                    return response
            pytest.fail(f"what is said is not written down beside '{model}': {heard}")

        def words(response: dict[str, Any]) -> str:
            return str(response["output"][0]["content"][0]["transcript"]).strip()

        async def choose(chosen: str) -> None:
            nonlocal model
            model, count = chosen, c.kinds.count("session.updated")
            most: Any = 10 if model == "tiny" else "inf"
            await raw.session.update(session={"type": "realtime", "model": model, "max_output_tokens": most})
            assert (await c.until("session.updated", count + 1))["session"]["model"] == model

        assert words(await ask()) == "I heard the sound of your words."
        await choose("native")
        assert words(await ask()) == "right so yes"
        await raw.response.create()
        assert "takes turns itself" in (await c.until("error"))["error"]["message"]
        await choose("smollm2-135m")
        response = await ask()
        if not response["usage"]["total_tokens"]:  # the model that counts none: to what it had heard before the change
            response = await ask()
        assert response["usage"]["total_tokens"]
        assert words(response)
        await choose("listener")
        assert words(await ask()) == "I heard the sound of your words."
        await choose("tiny")
        answer = words(await ask())
        assert set(answer.split()) <= set(WORDS), "a real server of llama.cpp, and a model that knows no others"


@pytest.mark.timeout(240)
def test_models_of_every_kind_are_configured_and_swapped_in_mid_conversation(question: Clip, tmp_path: Path) -> None:
    with ExitStack() as stack:
        process, server = start_server(tmp_path / "serve.log", **plug_in(tmp_path))
        stack.callback(stop_server, process, server)
        asyncio.run(talk(server, question))
        assert not unexpected(server.log.read_text(errors="replace"))
