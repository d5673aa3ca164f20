"""Notifications as events: values in, values out, nothing kept of what is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.circle import Place
from parley.conversation.items import Item
from parley.models.interfaces import Usage
from parley.realtime.session_object import Extensions, RealtimeSession
from parley.transports.server_event_encoder import ServerEventEncoder
from parley.turns.actions import Ending

STOCK = RealtimeSession("sess_1", "fake-chat", "alloy", "Be kind.")
PAGE = replace(STOCK, extensions=Extensions())
SAID = Item("item_1", role="assistant", text="Good morning.", spoken=True)


def encoder(shown: RealtimeSession = STOCK) -> ServerEventEncoder:
    return ServerEventEncoder(lambda: shown, Place())


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


@pytest.mark.parametrize(
    ("notification", "stock", "extension"),
    [
        (nt.SpeechStarted("i", 10), ["input_audio_buffer.speech_started"], []),
        (nt.SpeechStopped("i", 10), ["input_audio_buffer.speech_stopped"], []),
        (nt.InputTaken("i", None), ["input_audio_buffer.committed"], []),
        (nt.InputCleared(), ["input_audio_buffer.cleared"], []),
        (nt.ItemDeleted("i"), ["conversation.item.deleted"], []),
        (nt.ItemTruncated("i", 10), ["conversation.item.truncated"], []),
        (nt.TranscriptFailed("i", "lost"), ["conversation.item.input_audio_transcription.failed"], []),
        (nt.ModelKept("no slot"), ["error"], []),
        (nt.VoiceChosen("other", "coming"), [], ["parley.voice"]),
        (nt.VoiceChosen("other", "failed", "no room"), ["error"], ["parley.voice"]),
        (nt.IdleTimedOut("i", 10), ["input_audio_buffer.timeout_triggered"], []),
        (nt.WordsSoFar("i", "well"), [], ["parley.input.words"]),
        (nt.StateChanged("LISTENING"), [], ["parley.state"]),
        (nt.PlayoutPaused("r", "i"), [], ["parley.playout.pause"]),
        (nt.PlayoutResumed("r", "i"), [], ["parley.playout.resume"]),
        (nt.PlayoutFlushed("r", "i"), [], ["parley.playout.flush"]),
        (nt.ResponseWords("r", "i", ((4, 0.0),)), [], ["parley.response.words"]),
        (nt.Waterfall("r", 10, {"detection": 10}), [], ["parley.waterfall"]),
        (nt.PreparedResponse(True, 10), [], ["parley.prepared"]),
        (nt.RoomChanged(("Ann",), ("Ada",), ("Ann", "Ben"), "addressed"), [], ["parley.room.updated"]),
        (nt.HeardChanged("r", "i", "a b", "a", 10), [], ["parley.response.heard"]),
    ],
)
def test_extensions_are_for_those_who_opted_in(
    notification: nt.Notification, stock: list[str], extension: list[str]
) -> None:
    assert kinds(encoder().encode(notification)) == stock
    assert kinds(encoder(PAGE).encode(notification)) == stock + extension


def test_who_opted_in_learns_whose_words_it_gets_and_who_only_listens() -> None:
    spoken = Item("i", role="user", text="Hello.", spoken=True, speaker="Ann")
    started = nt.ResponseStarted("r", agent="Ada", participant="Ann", listeners=("Ann", "Ben"))
    for event, who in (
        (nt.SpeechStarted("i", 10, "Ann"), {"participant": "Ann"}),
        (nt.TranscriptDone("i", "Hello.", 1.0, "Ann"), {"participant": "Ann"}),
        (nt.TranscriptFailed("i", "lost", "Ann"), {"participant": "Ann"}),
        (nt.ItemAdded(spoken, None), {"speaker": "Ann"}),
        (started, {"agent": "Ada", "to": "Ann", "listeners": ["Ann", "Ben"]}),
    ):
        for told in encoder(PAGE).encode(event):
            assert (told.get("item") or told.get("response") or told)["parley"] == who
        assert all("parley" not in str(told) for told in encoder().encode(event))
    (told,) = encoder(PAGE).encode(nt.RoomChanged(("Ann",), ("Ada", "Eve"), ("Ann", "Ben"), "round"))
    assert told["room"] == {
        "people": ["Ann"], "agents": ["Ada", "Eve"], "listeners": ["Ben"], "floor": "round", "members": [],
        "you": {"name": "user", "role": "host"},
    }  # fmt: skip


def test_words_without_transcription_are_kept_from_the_client() -> None:
    silent = replace(PAGE, transcription=None)
    assert not encoder(silent).encode(nt.TranscriptDone("i", "hello", 1.0))
    assert not encoder(silent).encode(nt.WordsSoFar("i", "hel"))
    assert kinds(encoder().encode(nt.TranscriptDone("i", "", 1.0))) == [
        "conversation.item.input_audio_transcription.completed"
    ]


def test_reckoned_times_of_words_say_so() -> None:
    (known,) = encoder(PAGE).encode(nt.ResponseWords("r", "i", ((4, 0.5),)))
    (reckoned,) = encoder(PAGE).encode(nt.ResponseWords("r", "i", ((4, 0.5),), estimated=True))
    assert known["words"] == [[4, 500]]
    assert "estimated" not in known
    assert reckoned["estimated"] is True


def answer(
    one: ServerEventEncoder, item: Item, ending: Ending = Ending.FINISHED, reason: str = ""
) -> list[dict[str, Any]]:
    said: list[nt.Notification] = [
        nt.ResponseStarted("resp_1"),
        nt.ResponseItemStarted("resp_1", 0, replace(item, text=""), None),
        nt.ResponseText("resp_1", item.id, 0, item.text),
        nt.ResponseItemDone("resp_1", 0, item, None),
        nt.ResponseEnded("resp_1", ending, reason, (item,), Usage(3, 4, 1)),
    ]
    return [event for notification in said for event in one.encode(notification)]


@pytest.mark.parametrize(("spoken", "part"), [(True, "response.output_audio"), (False, "response.output_text")])
def test_an_answer_is_told_in_the_order_of_the_official_service(part: str, *, spoken: bool) -> None:
    told = kinds(answer(encoder(), replace(SAID, spoken=spoken)))
    assert told[0] == "response.created"
    assert told[-1] == "response.done"
    assert [kind for kind in told if kind.endswith(".delta")] == [
        "response.output_audio_transcript.delta" if spoken else "response.output_text.delta"
    ]
    assert any(kind.startswith(part) for kind in told)
    assert told.index("response.output_item.added") < told.index("response.content_part.added")
    assert told.index("response.content_part.done") < told.index("response.output_item.done")


@pytest.mark.parametrize(
    ("ending", "reason", "status", "detail"),
    [
        (Ending.FINISHED, "", "completed", None),
        (Ending.FINISHED, "max_output_tokens", "incomplete", "max_output_tokens"),
        (Ending.CUT, "turn_detected", "cancelled", "turn_detected"),
        (Ending.FAILED, "no model", "failed", None),
    ],
)
def test_how_it_ended_is_its_status(ending: Ending, reason: str, status: str, detail: str | None) -> None:
    response = answer(encoder(), SAID, ending, reason)[-1]["response"]
    assert response["status"] == status
    assert response["status_details"].get("reason") == detail
    assert response["usage"]["total_tokens"] == 7


def test_nothing_is_kept_of_an_answer_that_is_over() -> None:
    one = encoder()
    answer(one, SAID)
    assert not one._modality
    assert not one._shapes
