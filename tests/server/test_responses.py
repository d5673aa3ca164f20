"""``/v1/responses``: where the language model's server has it, and where it has not."""

from __future__ import annotations

import pytest

from parley.adapters.openai_chat import OpenAiChat
from tests.server.fake_server import served
from tests.wild.scripted import ScriptedServer, running


@pytest.mark.parametrize("key", [None, "sk-secret"])
async def test_a_server_without_the_interface_is_said_to_have_none(key: str | None) -> None:
    with running(ScriptedServer()) as scripted:
        chat = OpenAiChat(scripted.url, "scripted", key)
        async with served(chat=chat) as client:
            answer = await client.post("/v1/responses", json={"model": "gpt-5-mini", "input": "Hello."})
        await chat.aclose()
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "not_supported"
    assert "/v1/chat/completions" in answer.json()["error"]["message"]
