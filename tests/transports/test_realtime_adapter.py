"""The protocol as stock clients meet it: order of items, out-of-band responses, overrides, truncation, sound."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any

import pytest

from parley.audio.pcm import to_bytes
from parley.models.fakes import FakeChat, FakeRecognizer, FakeSynthesizer, tone
from parley.realtime.session_object import Extensions, RealtimeSession, TurnDetection
from tests.transports.client import AVAILABLE, RATE_HZ, STOCK, Client, Event, talk

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."
PAGE = replace(STOCK, extensions=Extensions())
PUSH_TO_TALK = replace(STOCK, turn_detection=None)


def previous(client: Client, kind: str) -> dict[str, str | None]:
    return {e["item"]["id"]: e["previous_item_id"] for e in client.of(f"conversation.item.{kind}")}


def test_every_item_is_told_behind_the_one_before_it_whatever_comes_while_an_answer_is_given() -> None:
    async def script(c: Client) -> None:
        c.say("Where am I?", id="one")
        c.send("response.create")
        await c.until("response.created")
        c.say("Quickly, please.", id="two")  # before the answer's first item
        await c.until("response.done")
        c.say("Thanks.", id="three")
        order = [item.id for item in c.session.history.items]
        expected = dict(zip(order, [None, *order], strict=False))
        assert previous(c, "added") == expected
        assert previous(c, "done") == expected
        assert order[0] == "one"
        assert order[1] == "two"

    talk(script, chat=FakeChat(["tool:where"]))


def test_the_items_of_one_answer_follow_each_other() -> None:
    async def script(c: Client) -> None:
        await c.silence(0.3)
        await c.speak(1.0)
        while not c.of("response.done"):
            await c.silence(0.02)
        order = [item.id for item in c.session.history.items]
        assert len(order) == 2
        assert previous(c, "added") == {order[0]: None, order[1]: order[0]}
        assert previous(c, "done") == previous(c, "added")
        assert c.of("input_audio_buffer.committed")[0]["previous_item_id"] is None

    talk(script)


@pytest.mark.parametrize("modality", ["text", "audio"])
def test_items_of_an_out_of_band_response_are_none_of_the_conversation(modality: str) -> None:
    async def script(c: Client) -> None:
        wish = {"conversation": "none", "output_modalities": [modality], "metadata": {"topic": "title"}}
        c.send("response.create", response=wish)
        done = (await c.until("response.done"))["response"]
        assert done["conversation_id"] is None
        assert done["output_modalities"] == [modality]
        assert done["metadata"] == {"topic": "title"}
        assert done["output"]
        assert c.of("response.output_item.added")
        assert c.of("response.output_item.done")
        assert not c.of("conversation.item.added")
        assert not c.of("conversation.item.done")
        c.send("conversation.item.retrieve", item_id=done["output"][0]["id"], event_id="mine")
        assert c.error["code"] == "item_retrieve_invalid_item_id"

    talk(script)


def test_a_response_shows_what_it_overrides_and_the_next_one_does_not() -> None:
    async def script(c: Client) -> None:
        c.say("Hello.")
        output = {"voice": "sage", "format": {"type": "audio/pcmu"}}
        c.send("response.create", response={"max_output_tokens": 30, "audio": {"output": output}})
        await c.until("response.done")
        for event in ("response.created", "response.done"):
            response = c.of(event)[0]["response"]
            assert response["max_output_tokens"] == 30
            assert response["audio"]["output"] == output
            assert response["output_modalities"] == ["audio"]
        sent = sum(len(base64.b64decode(e["delta"])) for e in c.of("response.output_audio.delta"))
        assert sent == pytest.approx(8000 * 0.9, abs=400)  # three words of 0.3 s, one byte a sample
        c.send("response.create", response={"output_modalities": ["text"]})
        await c.until("response.done", 2)
        assert c.of("response.done")[1]["response"]["output_modalities"] == ["text"]
        c.send("response.create")
        response = (await c.until("response.created", 3))["response"]
        assert response["audio"]["output"] == {"voice": "alloy", "format": {"type": "audio/pcm", "rate": 24000}}
        assert response["max_output_tokens"] == "inf"

    talk(script)


def test_truncating_what_sounds_stops_it_and_counts() -> None:
    async def script(c: Client) -> None:
        c.say("Count.")
        c.send("response.create")
        item = (await c.until("response.output_audio.delta"))["item_id"]
        await asyncio.sleep(2.0)
        c.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=950)
        done = (await c.until("response.done"))["response"]
        sounded = len(c.of("response.output_audio.delta"))
        assert done["status"] == "cancelled"
        assert done["output"][0]["content"][0]["transcript"] == "One two three"
        assert (await c.until("conversation.item.truncated"))["audio_end_ms"] == 950
        await asyncio.sleep(1.0)
        assert len(c.of("response.output_audio.delta")) == sounded
        c.send("conversation.item.retrieve", item_id=item)
        assert c.of("conversation.item.retrieved")[0]["item"]["content"][0]["transcript"] == "One two three"

    talk(script, chat=FakeChat([LONG]))


def test_truncating_beyond_what_was_sent_counts_that() -> None:
    async def script(c: Client) -> None:
        c.say("Count.")
        c.send("response.create")
        item = (await c.until("response.output_audio.delta"))["item_id"]
        await asyncio.sleep(1.0)
        c.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=60_000)
        done = (await c.until("response.done"))["response"]
        assert done["output"][0]["content"][0]["transcript"] in ("One two three", "One two three four")

    talk(script, chat=FakeChat([LONG]))


def test_what_is_not_sound_cannot_be_truncated() -> None:
    async def script(c: Client) -> None:
        c.say("Hello.", id="typed")
        c.send("conversation.item.truncate", item_id="typed", content_index=0, audio_end_ms=1, event_id="e7")
        assert c.error["message"] == "Only model output audio messages can be truncated"
        assert c.error["event_id"] == "e7"

    talk(script)


@pytest.mark.parametrize(
    ("event", "code", "message"),
    [
        ({"type": "response.cancel"}, "response_cancel_not_active", "Cancellation failed: no active response found"),
        (
            {"type": "conversation.item.retrieve", "item_id": "x"}, "item_retrieve_invalid_item_id",
            "Error retrieving item: the item with id 'x' does not exist.",
        ),
        (
            {"type": "conversation.item.delete", "item_id": "x"}, "item_delete_invalid_item_id",
            "Error deleting item: the item with id 'x' does not exist.",
        ),
        (
            {"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": 1}, "item_truncate_invalid_item_id",
            "Error truncating item: the item with id 'x' does not exist.",
        ),
        (
            {"type": "conversation.item.create", "previous_item_id": "x",
             "item": {"type": "message", "role": "user", "content": []}}, "item_create_invalid_previous_item_id",
            "Error adding item: the previous item with id 'x' does not exist.",
        ),
        (
            {"type": "conversation.item.create",
             "item": {"id": "there", "type": "message", "role": "user", "content": []}},
            "item_create_duplicate_item_id", "Error adding item: an item with id 'there' already exists.",
        ),
        (
            {"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "x"}]}},
            "item_not_found", "Item with item_id not found: x",
        ),
        (
            {"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty",
            "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only "
            "has 0.00ms of audio.",
        ),
    ],
)  # fmt: skip
def test_errors_have_the_words_and_codes_that_clients_match_on(event: Event, code: str, message: str) -> None:
    async def script(c: Client) -> None:
        c.say("Hello.", id="there")
        c.adapter.receive({"event_id": "rci_x", **event})
        assert (c.error["code"], c.error["message"], c.error["event_id"]) == (code, message, "rci_x")
        assert c.error["type"] == "invalid_request_error"
        assert c.of("error")[-1]["event_id"].startswith("event_")

    talk(script)


def test_a_second_response_is_refused_in_the_official_words() -> None:
    async def script(c: Client) -> None:
        c.say("Count.")
        c.send("response.create")
        first = (await c.until("response.created"))["response"]["id"]
        c.send("response.create")
        assert c.error["code"] == "conversation_already_has_active_response"
        assert c.error["message"] == (
            f"Conversation already has an active response in progress: {first}. Wait until the response is finished "
            "before creating a new one."
        )

    talk(script, chat=FakeChat([LONG]))


def test_words_that_were_typed_beside_a_recording_stay() -> None:
    async def script(c: Client) -> None:
        sound = base64.b64encode(to_bytes(tone(1.0, RATE_HZ))).decode()
        parts = [{"type": "input_text", "text": "Translate:"}, {"type": "input_audio", "audio": sound}]
        c.send("conversation.item.create", item={"type": "message", "role": "user", "content": parts})
        await c.until("conversation.item.input_audio_transcription.completed")
        assert c.session.history.items[0].text == "Translate: What time is it?"
        c.send("conversation.item.create", item={"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "Translate:"}, {"type": "input_audio", "audio": "%%%"},
        ]})  # fmt: skip
        assert (c.error["code"], c.error["param"]) == ("invalid_base64", "item.content[1].audio")

    talk(script)


@pytest.mark.parametrize(
    ("shown", "told"),
    [(PAGE, True), (STOCK, False), (replace(PAGE, transcription=None), False)],
    ids=["page", "stock client", "who wants no transcription"],
)
def test_words_are_told_while_they_are_spoken_to_clients_that_know_of_it(*, shown: RealtimeSession, told: bool) -> None:
    async def script(c: Client) -> None:
        await c.silence(0.3)
        await c.speak(3.0)
        events = c.of("parley.input.words")
        item = c.of("input_audio_buffer.speech_started")[0]["item_id"]
        assert {(e["item_id"], e["text"]) for e in events} == ({(item, "What time is it?")} if told else set())

    talk(script, shown=shown)


@pytest.mark.parametrize("size", [1, 3, 959, 961])
def test_chunks_that_end_within_a_sample_are_carried_over(size: int) -> None:
    async def script(c: Client) -> None:
        data = to_bytes(tone(0.5, RATE_HZ))
        for start in range(0, len(data), size):
            c.send("input_audio_buffer.append", audio=base64.b64encode(data[start : start + size]).decode())
        assert not c.of("error")
        assert c.connection.uncommitted_s == pytest.approx(0.5)

    talk(script, shown=PUSH_TO_TALK)


@pytest.mark.parametrize("ends", ["input_audio_buffer.clear", "input_audio_buffer.commit"])
def test_half_a_sample_does_not_outlive_its_turn(ends: str) -> None:
    async def script(c: Client) -> None:
        whole = to_bytes(tone(0.5, RATE_HZ))
        c.send("input_audio_buffer.append", audio=base64.b64encode(whole + b"\x7f").decode())
        c.send(ends)
        await asyncio.sleep(1.0)
        c.send("input_audio_buffer.append", audio=base64.b64encode(whole[:-1]).decode())
        assert c.connection.uncommitted_s == pytest.approx(0.5, abs=1 / RATE_HZ * 1.5)
        assert c.connection.uncommitted_s < 0.5

    talk(script, shown=PUSH_TO_TALK)


def test_a_session_that_is_begun_with_a_threshold_has_it() -> None:
    strict = TurnDetection("server_vad", threshold=0.9, prefix_padding_ms=500)

    async def script(c: Client) -> None:
        assert c.session.people["user"].input._activity.threshold == 0.9
        assert c.session.people["user"].input._pre_roll_s == 0.5

    talk(script, shown=replace(PUSH_TO_TALK, turn_detection=strict))


def test_a_wish_is_not_lost_when_an_answer_was_prepared_already() -> None:
    async def script(c: Client) -> None:
        c.adapter.connection.update(replace(c.session.settings, anticipate=True))
        await c.silence(0.3)
        await c.speak(1.0)
        await c.silence(0.12)
        c.send("response.create", response={"metadata": {"for": "this"}, "instructions": "Rhyme."})
        while not c.of("response.done"):
            await c.silence(0.02)
        assert len(c.of("response.done")) == 1
        assert c.of("response.created")[0]["response"]["metadata"] == {"for": "this"}
        assert str(c.chat.prompts[-1][0]["content"]).startswith("Rhyme.")

    talk(script, recognizer=FakeRecognizer(delay_s=0.02))


def test_one_call_at_a_time_where_no_more_are_wanted() -> None:
    from collections.abc import AsyncGenerator

    from parley.models.interfaces import ChatDelta, ToolCall

    class TwoCalls(FakeChat):
        async def stream(self, *_: Any) -> AsyncGenerator[ChatDelta, None]:
            for index in (0, 1):
                yield ChatDelta(tool_call=ToolCall(index, f"call_{index}", "f", "{}"))
                yield ChatDelta(tool_call=ToolCall(index, f"call_{index}", "f", "{}", done=True))

    async def script(c: Client) -> None:
        c.send("response.create")
        assert len((await c.until("response.done"))["response"]["output"]) == 2
        c.send("response.create", response={"parallel_tool_calls": False})
        assert len((await c.until("response.done", 2))["response"]["output"]) == 1
        c.send("session.update", session={"type": "realtime", "parallel_tool_calls": False})
        c.send("response.create")
        assert len((await c.until("response.done", 3))["response"]["output"]) == 1

    talk(script, chat=TwoCalls())


def test_answers_are_spoken_as_the_session_wants_and_what_the_voice_cannot_be_is_refused() -> None:
    moody = replace(AVAILABLE, voices=replace(AVAILABLE.voices, emotions=lambda _: FakeSynthesizer.emotions))
    voice, chat = FakeSynthesizer(), FakeChat(["[happy] We won."])

    async def script(c: Client) -> None:
        c.send("session.update", session={"type": "realtime", "parley": {"style": {"emotion": "calm"}}})
        assert (c.error["param"], c.error["code"]) == ("session.parley.style.emotion", "unsupported")
        assert c.session.settings.emotion == "neutral"
        style = {"emotion": "sad", "intensity": 0.9, "expressive": True}
        c.send("session.update", session={"type": "realtime", "parley": {"style": style}})
        c.say("Hello.")
        c.send("response.create", response={"instructions": "Be brief."})
        await c.until("response.done")
        assert (voice.styles[-1].emotion, voice.styles[-1].intensity) == ("happy", 0.9)
        assert "[happy] or [sad]" in chat.prompts[-1][0]["content"]
        style["expressive"] = False
        c.send("session.update", session={"type": "realtime", "parley": {"style": style}})
        chat.answers[0] = "We lost."
        c.send("response.create")
        await c.until("response.done", 2)
        assert voice.styles[-1].emotion == "sad"
        assert "[happy]" not in chat.prompts[-1][0]["content"]

    talk(script, available=moody, voice=voice, chat=chat, shown=PAGE)


def test_a_speed_that_the_voice_cannot_have_is_refused() -> None:
    steady = replace(AVAILABLE, voices=replace(AVAILABLE.voices, fixed_speed=lambda _: True))

    async def script(c: Client) -> None:
        c.send("session.update", session={"type": "realtime", "audio": {"output": {"speed": 1.2}}})
        assert (c.error["param"], c.error["code"]) == ("session.audio.output.speed", "unsupported")
        assert c.session.settings.speed == 1.0
        c.send("session.update", session={"type": "realtime", "audio": {"output": {"speed": 1}}})
        assert len(c.of("error")) == 1

    talk(script, available=steady)
