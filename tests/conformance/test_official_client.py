"""The official `openai` package is the judge: its client talks to us, its types validate what we send."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any, get_args

import msgspec
import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

from parley.audio.pcm import to_bytes
from parley.realtime.client_events import CLIENT_EVENTS
from parley.realtime.server_events import EXTENSION_EVENTS, NEVER_SENT, STOCK_EVENTS
from tests.conftest import UNDERSTOOD, Clip, RunningServer, silence

ADAPTER: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
RATE = 24000
VAD = {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 300}


def event_types(union: Any) -> set[str]:
    """The ``type`` literals of a union of event models."""
    (members, *_) = get_args(union)
    return {get_args(m.model_fields["type"].annotation)[0] for m in get_args(members)}


def test_every_server_event_of_the_official_package_is_listed_as_sent_or_never() -> None:
    official = event_types(RealtimeServerEvent)
    assert official == STOCK_EVENTS.keys() | NEVER_SENT.keys()
    assert not STOCK_EVENTS.keys() & NEVER_SENT.keys()
    assert all(name.startswith("parley.") for name in EXTENSION_EVENTS)


def test_every_client_event_of_the_official_package_is_understood() -> None:
    assert event_types(RealtimeClientEvent) == {e for e in CLIENT_EVENTS if not e.startswith("parley.")}


class Conversation:
    """The official client, with every raw event validated and kept."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[dict[str, Any]] = []

    async def until(self, kind: str, count: int = 1, within_s: float = 30.0) -> dict[str, Any]:
        async with asyncio.timeout(within_s):
            while sum(e["type"] == kind for e in self.events) < count:
                event = msgspec.json.decode(await self.connection.recv_bytes())
                assert event["type"] in STOCK_EVENTS, f"a stock client got {event['type']}"
                ADAPTER.validate_python(event)
                self.events.append(event)
        return [e for e in self.events if e["type"] == kind][-1]

    @property
    def kinds(self) -> list[str]:
        return [e["type"] for e in self.events]

    async def speak(self, clip: Clip, tail_s: float = 1.0) -> None:
        samples = clip.samples(RATE)
        frames = [samples, silence(tail_s, RATE)]
        for part in frames:
            for start in range(0, len(part), RATE // 50):
                data = base64.b64encode(to_bytes(part[start : start + RATE // 50])).decode()
                await self.connection.input_audio_buffer.append(audio=data)
                await asyncio.sleep(0.02)


@pytest.fixture
async def client(server: RunningServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        api_key="none", base_url=f"{server.url}/v1", websocket_base_url=f"{server.websocket}/v1"
    ) as official:
        yield official


async def test_an_item_that_is_a_recording_is_understood_and_answered(client: AsyncOpenAI, question: Clip) -> None:
    async with client.realtime.connect(model="gpt-realtime") as connection:
        talk = Conversation(connection)
        await talk.until("session.created")
        audio = base64.b64encode(to_bytes(question.samples(RATE))).decode()
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": audio}]}
        )
        await connection.response.create(response={"output_modalities": ["text"]})
        understood = await talk.until("conversation.item.input_audio_transcription.completed")
        assert UNDERSTOOD.search(understood["transcript"])
        assert "response.created" not in talk.kinds
        done = await talk.until("response.done")
        assert done["response"]["status"] in ("completed", "incomplete")


async def test_a_spoken_conversation_through_the_official_client(client: AsyncOpenAI, question: Clip) -> None:
    async with client.realtime.connect(model="gpt-realtime") as connection:
        talk = Conversation(connection)
        await talk.until("session.created")
        await connection.session.update(session={"type": "realtime", "instructions": "Answer in one short sentence."})
        await talk.until("session.updated")
        speaking = asyncio.create_task(talk.speak(question))
        done = await talk.until("response.done")
        await speaking
        assert done["response"]["status"] in ("completed", "incomplete")
        assert done["response"]["usage"]["output_tokens"] > 0
        heard = next(e for e in talk.events if e["type"].endswith("transcription.completed"))
        assert UNDERSTOOD.search(heard["transcript"])
        order = [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "response.created",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_audio.delta",
            "response.output_audio.done",
            "response.output_item.done",
            "response.done",
        ]
        positions = [talk.kinds.index(kind) for kind in order]
        assert positions == sorted(positions)
        audio = sum(
            len(base64.b64decode(e["delta"])) for e in talk.events if e["type"] == "response.output_audio.delta"
        )
        assert audio > RATE  # more than half a second
        output = done["response"]["output"][0]
        text = "".join(e["delta"] for e in talk.events if e["type"] == "response.output_audio_transcript.delta")
        assert output["content"][0]["transcript"] == text


async def test_typed_text_items_and_errors(client: AsyncOpenAI) -> None:
    async with client.realtime.connect(model="gpt-realtime") as connection:
        talk = Conversation(connection)
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        content = [{"type": "input_text", "text": "Say hello."}]
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})  # type: ignore
        added = await talk.until("conversation.item.done")
        await connection.response.create()
        done = await talk.until("response.done")
        assert done["response"]["output"][0]["content"][0]["text"]
        assert "response.output_text.done" in talk.kinds
        await connection.conversation.item.retrieve(item_id=added["item"]["id"])
        assert (await talk.until("conversation.item.retrieved"))["item"]["content"] == content
        await connection.conversation.item.delete(item_id=added["item"]["id"])
        await talk.until("conversation.item.deleted")
        await connection.conversation.item.delete(item_id="nowhere")
        assert (await talk.until("error"))["error"]["param"] == "item_id"
        await connection.response.cancel()
        assert (await talk.until("error", 2))["error"]["code"] == "response_cancel_not_active"


async def test_push_to_talk_and_truncation(client: AsyncOpenAI, question: Clip) -> None:
    async with client.realtime.connect(model="gpt-realtime") as connection:
        talk = Conversation(connection)
        await connection.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
        await talk.until("session.updated")
        await connection.input_audio_buffer.commit()
        assert (await talk.until("error"))["error"]["code"] == "input_audio_buffer_commit_empty"
        await talk.speak(question, tail_s=0.2)
        await connection.input_audio_buffer.commit()
        await connection.response.create()
        created = await talk.until("response.output_item.added")
        await talk.until("response.output_audio.delta", 10)
        assert "input_audio_buffer.speech_started" not in talk.kinds
        await connection.response.cancel()
        done = await talk.until("response.done")
        assert done["response"]["status"] == "cancelled"
        await connection.conversation.item.truncate(item_id=created["item"]["id"], content_index=0, audio_end_ms=1)
        await talk.until("conversation.item.truncated")
        await connection.conversation.item.retrieve(item_id=created["item"]["id"])
        item = (await talk.until("conversation.item.retrieved"))["item"]
        assert item["content"][0]["transcript"] == ""


async def test_an_out_of_band_response_with_its_own_input(client: AsyncOpenAI) -> None:
    async with client.realtime.connect(model="gpt-realtime") as connection:
        talk = Conversation(connection)
        await connection.response.create(
            response={
                "conversation": "none",
                "output_modalities": ["text"],
                "metadata": {"purpose": "title"},
                "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}],
            }
        )
        done = await talk.until("response.done")
        assert done["response"]["conversation_id"] is None
        assert done["response"]["metadata"] == {"purpose": "title"}


async def test_rest_audio_through_the_official_client(client: AsyncOpenAI, question: Clip) -> None:
    speech = await client.audio.speech.create(
        model="tts-1", voice="alloy", input="The library is open.", response_format="wav"
    )
    heard = await client.audio.transcriptions.create(model="whisper-1", file=("answer.wav", speech.content))
    assert "library" in heard.text.lower()
    models = [m.id async for m in client.models.list()]
    assert "gpt-realtime" in models
    answer = await client.chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": "Say hi."}], max_tokens=5
    )
    assert answer.choices[0].message.content
    responded = await client.responses.create(model="gpt-5-mini", input="Say hi.", max_output_tokens=16)
    assert responded.output_text


async def test_a_transcription_session_through_the_official_client(client: AsyncOpenAI, question: Clip) -> None:
    async with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        talk = Conversation(connection)
        assert (await talk.until("session.created"))["session"]["type"] == "transcription"
        listening = {"transcription": {"model": "gpt-4o-transcribe", "language": "en-US"}, "turn_detection": VAD}
        await connection.session.update(session={"type": "transcription", "audio": {"input": listening}})  # type: ignore
        await talk.until("session.updated")
        speaking = asyncio.create_task(talk.speak(question))
        heard = await talk.until("conversation.item.input_audio_transcription.completed")
        await speaking
        assert "bridge" in heard["transcript"].lower()
        await connection.response.create()
        assert (await talk.until("error"))["error"]["code"] == "unsupported"
        assert not [kind for kind in talk.kinds if kind.startswith("response.")]


async def test_a_voice_as_events_and_a_recording_with_its_words(client: AsyncOpenAI) -> None:
    text = "The library is open today."
    async with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="nova", input=text, response_format="wav", stream_format="sse"
    ) as streamed:
        lines = [line async for line in streamed.iter_lines() if line]
    events = [msgspec.json.decode(line.removeprefix("data: ")) for line in lines]
    assert {e["type"] for e in events[:-1]} == {"speech.audio.delta"}
    assert events[-1]["type"] == "speech.audio.done"
    sound = b"".join(base64.b64decode(e["audio"]) for e in events[:-1])
    heard = await client.audio.transcriptions.create(
        model="whisper-1", file=("it.wav", sound), response_format="verbose_json",
        timestamp_granularities=["word", "segment"], language="en",
    )  # fmt: skip
    assert heard.language == "english"
    assert heard.segments
    assert heard.words
    assert [w.word for w in heard.words] == heard.text.split()
    assert all(0 <= w.start <= w.end <= heard.duration + 0.01 for w in heard.words)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # OpenAI is about to give translations up
async def test_what_is_not_here_is_refused_in_the_official_clients_terms(client: AsyncOpenAI) -> None:
    assert (await client.models.retrieve("gpt-realtime")).id == "gpt-realtime"
    with pytest.raises(NotFoundError) as missing:
        await client.models.retrieve("gpt-17")
    assert missing.value.code == "model_not_found"
    with pytest.raises(BadRequestError) as untranslated:
        await client.audio.translations.create(model="whisper-1", file=("it.wav", b"RIFF"))
    assert untranslated.value.code == "translation_not_supported"
    with pytest.raises(BadRequestError) as silent:
        await client.audio.speech.create(model="tts-1", voice="onyx", input="...")
    assert silent.value.param == "input"
    with pytest.raises(NotFoundError) as unknown:
        await client.embeddings.create(model="x", input="y")
    assert unknown.value.code == "unknown_url"
