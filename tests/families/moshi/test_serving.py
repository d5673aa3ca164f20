"""The tiny Moshi as a user has it: in a worker's process, and through a server's WebSocket."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np
import pytest
from openai import AsyncOpenAI

from parley.audio.pcm import to_float, to_int16
from parley.errors import Overloaded
from parley.workers.fleet import Fleet
from parley.workers.remote_duplex import RemoteDuplex
from tests.conformance.test_official_client import Conversation
from tests.conftest import Clip, RunningServer
from tests.families.moshi.conftest import SLOTS, Loader, converse, same, sounds


async def test_a_worker_steps_two_conversations_as_this_process_would(worker: str, loaded: Loader) -> None:
    heard = [[to_float(to_int16(frame)) for frame in sounds(seed, 8)] for seed in range(SLOTS)]
    here = await loaded(slots=SLOTS)
    expected = [await converse(await here.open_slot(), frames) for frames in heard]
    async with Fleet([worker]) as fleet:
        assert await fleet.loaded("tiny", 120, "duplex")
        model = await RemoteDuplex.find(fleet, "tiny")
        assert (model.rate_hz, model.frame_samples) == (24000, 1920)
        slots = [await until_free(model) for _ in range(SLOTS)]
        said = await asyncio.gather(*(converse(s, frames) for s, frames in zip(slots, heard, strict=True)))
        for one, other in zip(said, expected, strict=True):
            assert same(one, other)
        with pytest.raises(Overloaded, match="all 2 conversations that tiny can carry"):
            await model.open_slot()
        await slots[0].aclose()
        again = await until_free(model)
        assert same(await converse(again, heard[1]), expected[1])
        for slot in (again, slots[1]):
            await slot.aclose()


async def until_free(model: RemoteDuplex) -> Any:
    """A slot, as soon as the worker has noticed that somebody left."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await model.open_slot()
            except Overloaded:
                await asyncio.sleep(0.05)


async def talk(url: str, question: Clip) -> None:
    client = AsyncOpenAI(api_key="none", base_url=f"{url}/v1")
    async with client.realtime.connect(model="tiny") as raw:
        talked = Conversation(raw)
        await talked.until("session.created")
        microphone = asyncio.create_task(talked.speak(question, tail_s=120))
        try:
            for count in range(1, 1000):
                await talked.until("response.output_audio.delta", count, within_s=60)
                if sum(map(loud, deltas(talked, "audio"))) >= 3 and words(talked):
                    break
        finally:
            microphone.cancel()
        assert sum(map(loud, deltas(talked, "audio"))) >= 3
        assert words(talked)
        assert not [e for e in talked.events if e["type"] == "error"]


def deltas(talked: Conversation, of: str) -> list[dict[str, Any]]:
    return [e for e in talked.events if e["type"] == f"response.output_{of}.delta"]


def words(talked: Conversation) -> str:
    return "".join(e["delta"] for e in deltas(talked, "audio_transcript")).strip()


def loud(event: dict[str, Any]) -> bool:
    return bool(np.abs(np.frombuffer(base64.b64decode(event["delta"]), "<i2").astype(int)).max() > 100)


@pytest.mark.timeout(300)
def test_a_server_talks_through_a_worker_over_a_websocket(served: RunningServer, question: Clip) -> None:
    asyncio.run(talk(served.url, question))
