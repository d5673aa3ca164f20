"""Events that no client should send: each is an ``error`` event, and the connection goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import RunningServer
from tests.wild.talking import Talk

DIGITS = int("9" * 400)
DEEP: Any = "x"
for _ in range(200):
    DEEP = [DEEP]

EVENTS: list[tuple[str, dict[str, Any] | str]] = [
    ("integers of 400 digits", {"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": DIGITS}),
    ("negative ones", {"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": -DIGITS}),
    ("a huge position", {"type": "parley.playout.position", "response_id": "x", "audio_ms": DIGITS}),
    ("a huge speed", {"type": "session.update", "session": {"audio": {"output": {"speed": DIGITS}}}}),
    ("a huge rate", {"type": "session.update", "session": {"audio": {"input": {"format": {"rate": DIGITS}}}}}),
    ("a huge bound", {"type": "response.create", "response": {"max_output_tokens": DIGITS}}),
    ("numbers beyond numbers", '{"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": 1e999}'),
    ("no number", '{"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": NaN}'),
    ("half a character", '{"type": "conversation.item.delete", "item_id": "\\ud800"}'),
    ("a type that is a list", {"type": ["session.update"]}),
    ("a type that is an object", {"type": {"a": 1}}),
    ("metadata of numbers", {"type": "response.create", "response": {"metadata": {"a": DIGITS}}}),
    ("metadata that is a list", {"type": "response.create", "response": {"metadata": ["a"]}}),
    ("tools that are numbers", {"type": "session.update", "session": {"tools": [1]}}),
    ("tools that are an object", {"type": "session.update", "session": {"tools": {"a": 1}}}),
    ("a tool without a name", {"type": "session.update", "session": {"tools": [{"type": "function", "name": {}}]}}),
    ("parameters that are a list", {
        "type": "session.update",
        "session": {"tools": [{"type": "function", "name": "w", "parameters": [1]}]},
    }),
    ("a tool choice that is a number", {"type": "session.update", "session": {"tool_choice": 7}}),
    ("a tool choice that is a list", {"type": "response.create", "response": {"tool_choice": [[]]}}),
    ("a voice that is a number", {"type": "session.update", "session": {"audio": {"output": {"voice": 7}}}}),
    ("modalities that are deep", {"type": "session.update", "session": {"output_modalities": DEEP}}),
    ("an item that is deep", {"type": "conversation.item.create", "item": DEEP}),
    ("content that is deep", {
        "type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [DEEP]},
    }),
    ("an input that is text", {"type": "response.create", "response": {"input": "hello"}}),
    ("turn detection that is text", {
        "type": "session.update", "session": {"audio": {"input": {"turn_detection": "x"}}},
    }),
]  # fmt: skip


def case(name: str, event: dict[str, Any] | str) -> Any:
    return pytest.param(event, id=name, marks=pytest.mark.wild(case=name, before="some ended the connection"))


@pytest.mark.parametrize("event", [case(n, e) for n, e in EVENTS])
async def test_a_surprise_is_an_error_event(server: RunningServer, event: dict[str, Any] | str) -> None:
    async with Talk(server.websocket) as talk:
        await talk.socket.send(event if isinstance(event, str) else json.dumps(event))
        await talk.socket.send('{"type": "session.update", "session": {"type": "realtime", "instructions": "go on"}}')
        first = await talk.receive()
        assert first["type"] == "error", first
        assert first["error"]["message"]
        assert first["error"]["code"] != "internal_error"
        assert (await talk.receive())["type"] == "session.updated"
