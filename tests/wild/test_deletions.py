"""Items that are deleted while they are spoken, written or awaited."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import RunningServer
from tests.wild.talking import Talk

STORY = "Tell me a long story about the sea."


@pytest.mark.wild(before="everybody lost sound for seconds, and the answer never ended")
async def test_deleting_the_item_that_is_spoken_ends_that_answer_and_disturbs_nobody(server: RunningServer) -> None:
    async with Talk(server.websocket) as talk, Talk(server.websocket) as neighbour:
        beside = asyncio.create_task(neighbour.ask(STORY))
        await talk.say(STORY)
        await talk.send(type="response.create")
        spoken = await talk.until("response.output_audio.delta")
        await talk.send(type="conversation.item.delete", item_id=spoken["item_id"])
        ended = await talk.until("response.done", 10)
        assert ended["response"]["status"] == "cancelled"
        deleted = await talk.until("conversation.item.deleted", 10)
        assert deleted["item_id"] == spoken["item_id"]
        await talk.send(type="conversation.item.retrieve", item_id=spoken["item_id"])
        assert (await talk.until("error"))["error"]["code"] == "item_retrieve_invalid_item_id"
        answer = await beside
        times = [at for at, e in answer.events if e["type"] == "response.output_audio.delta"]
        assert answer.status in ("completed", "incomplete")
        assert times
        assert (await talk.ask("And now?")).status in ("completed", "incomplete")


@pytest.mark.wild(before="an internal error when the answer ended")
async def test_deleting_a_written_answer_on_its_way_ends_it(server: RunningServer) -> None:
    async with Talk(server.websocket) as talk:
        await talk.say(STORY)
        await talk.send(type="response.create", response={"output_modalities": ["text"]})
        written = await talk.until("response.output_text.delta")
        await talk.send(type="conversation.item.delete", item_id=written["item_id"])
        ended = await talk.until("response.done", 10)
        assert ended["response"]["status"] in ("cancelled", "completed", "incomplete")
        assert (await talk.ask("And now?")).status in ("completed", "incomplete")
