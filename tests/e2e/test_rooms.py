"""Two people, a listener and two agents in one conversation, through real sockets, with real recognition and voices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parley.audio.pcm import Float32, Int16, to_float
from parley.client.audibility import speech_starts_s
from parley.client.caller import RecordedCaller, load_clip
from parley.client.connection import RATE_HZ, Connection
from tests.conftest import UNDERSTOOD, Clip, RunningServer, start_server, stop_server
from tests.e2e.test_swaps import language_models
from tests.looking import unexpected

STORY = " ".join(
    f"Chapter {number} of this long story is about a river that runs to the sea." for number in ("one", "two", "three")
)
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
SHORT = "I am the second voice in this room, and I have little to say."


class Client:
    """One who talks in real time, and keeps every event."""

    def __init__(self, connection: Connection, caller: RecordedCaller) -> None:
        self.connection = connection
        self.caller = caller
        self.events: list[dict[str, Any]] = []
        connection.on_event = self.events.append

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def until(self, kind: str, count: int = 1, within_s: float = 60.0) -> dict[str, Any]:
        assert await self.caller.wait_for(lambda: len(self.of(kind)) >= count, within_s), (
            f"no {kind} {count}: {[e for e in self.events if 'delta' not in e['type']][-5:]}"
        )
        return self.of(kind)[count - 1]

    async def ask(self, kind: str, answer: str, **fields: Any) -> dict[str, Any]:
        count = len(self.of(answer))
        await self.connection.send({"type": kind, **fields})
        return await self.until(answer, count + 1)

    async def until_here(self, people: list[str], listeners: list[str]) -> None:
        """Until those are who takes part."""

        def here() -> tuple[list[str], list[str]]:
            room = self.of("parley.room.updated")[-1]["room"]
            return room["people"], room["listeners"]

        assert await self.caller.wait_for(lambda: here() == (people, listeners), 60), here()

    async def until_agents(self, names: list[str]) -> None:
        """Until those answer; before, it is told that it is there itself."""

        def here() -> bool:
            told = self.of("parley.room.updated")
            return bool(told) and told[-1]["room"]["agents"] == names

        assert await self.caller.wait_for(here, 60)

    async def item(self, item_id: str) -> dict[str, Any]:
        told = await self.ask("conversation.item.retrieve", "conversation.item.retrieved", item_id=item_id)
        item: dict[str, Any] = told["item"]
        return item

    async def heard_again(self, began_s: float) -> Int16:
        """What sounded since a moment of the caller's time line."""
        return self.caller.played[round(began_s * RATE_HZ) :]


@asynccontextmanager
async def client(server: RunningServer, query: str) -> AsyncIterator[Client]:
    async with (
        Connection(f"{server.websocket}/v1/realtime?{query}") as connection,
        RecordedCaller(connection) as caller,
    ):
        yield Client(connection, caller)


def pitch_hz(samples: Int16) -> float:
    """Median fundamental of the loud parts, by autocorrelation."""
    frame, found = RATE_HZ // 20, []
    audio: Float32 = to_float(samples)
    for start in range(0, len(audio) - frame, frame):
        piece = audio[start : start + frame] - audio[start : start + frame].mean()
        if np.sqrt(np.mean(piece**2)) < 0.03:
            continue
        likeness = np.correlate(piece, piece, "full")[frame - 1 :]
        lags = likeness[RATE_HZ // 400 : RATE_HZ // 60]
        found.append(RATE_HZ / (RATE_HZ // 400 + int(np.argmax(lags))))
    return float(np.median(found))


async def converse(server: RunningServer, question: Clip, interruption: Clip) -> None:
    async with AsyncExitStack() as stack:
        ann = await stack.enter_async_context(client(server, "name=Ann"))
        agents = [
            {"name": "Ada", "model": "first", "instructions": "You tell stories."},
            {"name": "Eve", "model": "second", "voice": "espeak"},
        ]
        await ann.connection.send({"type": "parley.room.update", "room": {"agents": agents}})
        await ann.until_agents(["Ada", "Eve"])
        invited = await ann.ask("parley.room.invite", "parley.room.invitation", role="speaker")
        to_listen = await ann.ask("parley.room.invite", "parley.room.invitation", role="listener")
        ben = await stack.enter_async_context(client(server, f"room={invited['token']}&name=Ben"))
        cem = await stack.enter_async_context(client(server, f"room={to_listen['token']}&name=Cem"))
        await ann.until_here(["Ann", "Ben"], ["Cem"])

        # Ann asks, Ada tells a long story, Ben interrupts it
        ann.caller.speak(load_clip(question.path))
        first = await ben.until("response.created")
        assert first["response"]["parley"] == {"agent": "Ada", "to": "Ann", "listeners": ["Ann", "Ben", "Cem"]}
        assert await ben.caller.wait_for(lambda: sum(ben.caller.fed) > 2 * RATE_HZ, 60), "two seconds of the story"
        assert not ann.caller.voices.any(), "nobody hears itself"
        assert [speech_starts_s(one.caller.voices, RATE_HZ) is not None for one in (ben, cem)] == [True, True]
        ben.caller.speak(load_clip(interruption.path))
        cut = [await one.until("response.done") for one in (ann, ben, cem)]
        assert {done["response"]["status"] for done in cut} == {"cancelled"}
        assert speech_starts_s(ann.caller.voices, RATE_HZ) is not None, "people hear each other"
        story = cut[0]["response"]["output"][0]
        heard = story["content"][0]["transcript"]
        assert STORY.startswith(heard.strip())
        assert 10 < len(heard) < len(STORY)
        assert [done["response"]["output"] for done in cut] == [cut[0]["response"]["output"]] * 3
        for one in (ann, ben, cem):
            seconds = sum(one.caller.fed) / RATE_HZ
            assert seconds > 1.5, "everybody heard the beginning of it"
            words = [e for e in one.of("parley.response.words") if e["item_id"] == story["id"]]
            starts = [at / 1000 for e in words for end, at in e["words"] if end <= len(heard.rstrip())]
            assert max(starts) < seconds + 0.3, "and what counts as heard has sounded for each"
        turns = {e["parley"]["participant"]: e["transcript"] for e in cem.of(TRANSCRIBED)}
        assert UNDERSTOOD.search(turns["Ann"])

        # Ben is answered, too; then he asks Eve, who has another voice
        await ben.until("response.done", 2)
        stories = [await one.item(story["id"]) for one in (ann, ben, cem)]
        assert stories == [stories[0]] * 3, "what was heard is the same for all"
        assert STORY.startswith(stories[0]["content"][0]["transcript"].strip())
        transcripts = {e["parley"]["participant"] for e in ann.of(TRANSCRIBED)}
        assert transcripts == {"Ann", "Ben"}
        second = ann.of("response.created")[1]["response"]["parley"]
        assert (second["agent"], second["to"]) == ("Ada", "Ben")
        ada_hz = pitch_hz(cem.caller.played)
        began = cem.caller.now_s
        await ben.connection.send({"type": "response.create", "response": {"parley": {"agents": ["Eve"]}}})
        done = await cem.until("response.done", 3)
        assert done["response"]["output"][0]["parley"] == {"speaker": "Eve", "to": "Ben"}
        assert done["response"]["output"][0]["content"][0]["transcript"] == SHORT
        eve_hz = pitch_hz(await cem.heard_again(began))
        assert eve_hz < ada_hz * 0.8, "a man's voice, and a woman's"

        # Ben's connection is lost; the others go on; he comes back and finds what was said
        token = ben.connection.token
        assert ben.connection._socket is not None
        ben.connection._socket.transport.abort()
        await ann.until_here(["Ann"], ["Cem"])
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What do you say?"}]}
        await ann.connection.send({"type": "conversation.item.create", "item": item})
        await ann.connection.send({"type": "response.create", "response": {"parley": {"agents": ["Eve"]}}})
        said = (await ann.until("response.done", 4))["response"]["output"][0]
        back = await stack.enter_async_context(client(server, f"resume={token}"))
        await ann.until_here(["Ann", "Ben"], ["Cem"])
        assert await back.item(said["id"]) == await ann.item(said["id"])
        back.caller.speak(load_clip(question.path))
        answered = await ann.until("response.created", 5)
        assert answered["response"]["parley"]["to"] == "Ben"


@pytest.mark.timeout(300)
def test_two_people_and_two_agents_talk_one_interrupts_one_leaves_and_comes_back(
    question: Clip, interruption: Clip, tmp_path: Path
) -> None:
    with language_models(first=STORY, second=SHORT) as address, ExitStack() as stack:
        process, server = start_server(
            tmp_path / "serve.log", PARLEY_LLM_BASE_URL=address, PARLEY_LLM="first", PARLEY_LLMS='["second"]'
        )
        stack.callback(stop_server, process, server)
        asyncio.run(converse(server, question, interruption))
        assert not unexpected(server.log.read_text(errors="replace"))
