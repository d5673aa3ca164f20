"""The language model of these tests: calls two tools at once where it has any, and tells what it learns, each once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.wild.scripted import Reply


@dataclass(frozen=True)
class Tool:
    """A tool that every client's script has, and what the model makes of it."""

    name: str
    arguments: dict[str, str]
    returns: str
    sentence: str


TOOLS = (
    Tool("bridge_age", {"bridge": "Brooklyn Bridge"}, "143 years", "The age of the bridge is {}."),
    Tool("weather", {"city": "New York"}, "sunny", "The weather is {}."),
)


async def answer(reply: Reply) -> None:
    """Call both tools, or tell what they said and was not told yet, or say when the bridge was opened."""
    offered = {tool["function"]["name"] for tool in reply.request.get("tools") or ()}
    messages = _since_the_user(reply.request["messages"])
    if any(m["role"] == "tool" for m in messages):
        await _say(reply, " ".join(_learned(messages)))
    elif offered >= {tool.name for tool in TOOLS}:
        await _call(reply)
    else:
        await _say(reply, "The Brooklyn Bridge was opened in 1883.")


def _since_the_user(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    last = max((i for i, m in enumerate(messages) if m["role"] == "user"), default=-1)
    return messages[last + 1 :]


def _learned(messages: list[dict[str, Any]]) -> list[str]:
    """A sentence for each tool whose result was not told yet; a client may ask for an answer after each result."""
    told = " ".join(str(m.get("content") or "") for m in messages if m["role"] == "assistant")
    called = {call["id"]: call["function"]["name"] for m in messages for call in m.get("tool_calls") or ()}
    results = {called[m["tool_call_id"]]: str(m["content"]) for m in messages if m["role"] == "tool"}
    return [
        tool.sentence.format(tool.returns if tool.returns in results.get(tool.name, "") else "unknown")
        for tool in TOOLS
        if tool.returns not in told
    ]


async def _say(reply: Reply, text: str) -> None:
    if reply.request.get("stream"):
        await reply.say(text)
        await reply.done()
    else:
        await reply.json(_completion({"role": "assistant", "content": text}, "stop"))


async def _call(reply: Reply) -> None:
    calls = [
        {"index": i, "id": f"call_{reply.tries}_{i}", "type": "function",
         "function": {"name": tool.name, "arguments": json.dumps(tool.arguments)}}
        for i, tool in enumerate(TOOLS)
    ]  # fmt: skip
    if reply.request.get("stream"):
        await reply.delta(tool_calls=calls)
        await reply.done("tool_calls")
    else:
        await reply.json(_completion({"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls"))


def _completion(message: dict[str, Any], reason: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip
