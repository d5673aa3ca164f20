"""One response: what it tells before its commit waits, its items are whole, and each ends once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.items import Item
from parley.conversation.responses.response import Response, ResponseOptions
from parley.models.interfaces import ToolCall, Usage
from parley.turns.actions import Ending


@dataclass
class Told:
    """A response, what it told the outside, and where it put its items."""

    committed: bool = True
    speaks: bool = True
    options: ResponseOptions = field(default_factory=ResponseOptions)

    def __post_init__(self) -> None:
        self.told: list[nt.Notification] = []
        self.placed: list[tuple[str, str | None]] = []
        self.response = Response(
            "r1",
            self.told.append,
            self.options,
            "assistant",
            "user",
            1,
            "Hi.",
            self.committed,
            self.speaks,
            place=self.place,
        )

    def place(self, item: Item, behind: str | None) -> str | None:
        self.placed.append((item.id, behind))
        return behind

    @property
    def message(self) -> Item:
        found = self.response.message
        assert found is not None
        return found


def kinds(told: list[Any]) -> list[str]:
    return [type(one).__name__ for one in told]


def test_it_has_a_name_of_its_own_unless_it_is_given_one() -> None:
    assert Told().response.id.startswith("resp_")
    assert Told().response.id != Told().response.id
    assert Told(options=ResponseOptions(response_id="mine")).response.id == "mine"


def test_text_becomes_one_message_and_is_told_as_it_comes() -> None:
    t = Told()
    t.response.add_text("It is ")
    t.response.add_text("noon.")
    assert (t.message.text, t.message.role, t.message.spoken, t.message.status) == (
        "It is noon.", "assistant", True, "in_progress"
    )  # fmt: skip
    assert t.message.kind == "message"
    assert t.message.id.startswith("item_")
    started, first, second = t.told
    assert isinstance(started, nt.ResponseItemStarted)
    assert (started.response, started.index, started.item.id) == (t.response.id, 0, t.message.id)
    assert started.item.text == ""
    assert first == nt.ResponseText(t.response.id, t.message.id, 0, "It is ")
    assert second == nt.ResponseText(t.response.id, t.message.id, 0, "noon.")


def test_one_that_is_written_is_not_spoken() -> None:
    t = Told(speaks=False)
    t.response.add_text("Noon.")
    assert not t.message.spoken


def test_what_is_prepared_is_told_at_its_commit_and_placed_then() -> None:
    t = Told(committed=False)
    t.response.behind = "last"
    t.response.add_text("Noon.")
    assert (t.told, t.placed) == ([], [])
    t.response.committed = True
    t.response.release()
    assert kinds(t.told) == ["ResponseItemStarted", "ResponseText"]
    assert t.placed == [(t.message.id, "last")]
    started = t.told[0]
    assert isinstance(started, nt.ResponseItemStarted)
    assert started.previous == "last"


def test_items_stand_behind_each_other() -> None:
    t = Told()
    t.response.behind = "last"
    t.response.add_text("Let me see.")
    t.response.add_call(ToolCall(0, "c", "f", "{}", True))
    assert t.placed == [(t.response.items[0].id, "last"), (t.response.items[1].id, t.response.items[0].id)]


def test_text_that_was_none_is_forgotten_and_so_is_what_was_to_be_told_of_it() -> None:
    t = Told(committed=False)
    t.response.retract()
    t.response.add_text("<think>")
    t.response.retract()
    t.response.add_text("Noon.")
    t.response.committed = True
    t.response.release()
    assert t.message.text == "Noon."
    assert [one.text for one in t.told if isinstance(one, nt.ResponseText)] == ["Noon."]
    assert kinds(t.told)[0] == "ResponseItemStarted"


def test_a_call_grows_and_is_whole_in_the_end() -> None:
    t = Told()
    t.response.add_call(ToolCall(0, "c", "f", "", False))
    t.response.add_call(ToolCall(0, "c", "f", '{"a"', False))
    t.response.add_call(ToolCall(0, "c", "f", ": 1}", False))
    t.response.add_call(ToolCall(0, "c", "f", '{"a": 1}', True))
    (call,) = t.response.items
    assert (call.kind, call.name, call.call_id, call.arguments) == ("function_call", "f", "c", '{"a": 1}')
    assert call.status == "completed"
    assert kinds(t.told) == ["ResponseItemStarted", "ResponseArguments", "ResponseArguments", "ResponseItemDone"]
    assert t.told[1] == nt.ResponseArguments(t.response.id, call.id, 0, "c", '{"a"')
    done = t.told[3]
    assert isinstance(done, nt.ResponseItemDone)
    assert (done.index, done.item) == (0, call)


def test_parallel_calls_are_items_of_their_own_and_a_call_without_an_id_gets_one() -> None:
    t = Told()
    t.response.add_text("Let me see.")
    t.response.add_call(ToolCall(0, "", "f", "{}", True))
    t.response.add_call(ToolCall(1, "d", "g", "[]", True))
    assert [(i.name, i.arguments) for i in t.response.items] == [("", ""), ("f", "{}"), ("g", "[]")]
    assert t.response.items[1].call_id.startswith("call_")
    assert t.message.text == "Let me see."


def test_an_items_end_is_told_once() -> None:
    t = Told()
    t.response.add_text("Noon.")
    t.response.tell_done(0)
    t.response.tell_done(0)
    assert kinds(t.told).count("ResponseItemDone") == 1
    assert t.response.done == {t.message.id}


@pytest.mark.parametrize(
    ("ending", "heard", "status"),
    [(Ending.FINISHED, None, "completed"), (Ending.CUT, 3, "incomplete"), (Ending.FAILED, 0, "incomplete")],
)
def test_in_the_end_the_message_counts_as_far_as_it_was_heard(ending: Ending, heard: int | None, status: str) -> None:
    t = Told()
    t.response.add_text("It is noon.")
    t.response.add_call(ToolCall(0, "c", "f", "{}", True))
    t.response.add_call(ToolCall(1, "d", "g", "{", False))
    t.response.settle(ending, heard)
    message, whole, broken = t.response.items
    assert (message.status, message.heard, message.text) == (status, heard, "It is noon.")
    assert (whole.status, whole.heard) == ("completed", None), "it was done before"
    assert (broken.status, broken.heard) == (status, None)


async def test_one_that_is_made_anew_has_nothing_of_before() -> None:
    t = Told(committed=False)
    t.response.add_text("It is")
    t.response.usage = Usage(5, 5, 0)
    t.response.failure, t.response.cut_short, t.response.written = "broken", True, True
    t.response.voice_stalled.set()
    t.response.restart()
    assert (t.response.items, t.response.message, t.response.usage) == ([], None, Usage())
    assert (t.response.failure, t.response.cut_short, t.response.written) == ("", False, False)
    t.response.committed = True
    t.response.release()
    assert t.told == []
    await asyncio.sleep(0)


def test_nothing_is_known_of_one_that_has_just_begun() -> None:
    new = Response("r1", print, ResponseOptions(), "assistant", "user", None, "", committed=False, speaks=True)
    assert (new.again, new.cut_short, new.written, new.awaits_text, new.produced) == (False,) * 5
    assert (new.failure, new.progressed, new.items, new.done) == ("", 0.0, [], set())
    nothing = (new.task, new.behind, new.revision, new.truncated, new.speech, new.message)
    assert nothing == (None,) * 6
    assert new.place(Item("a"), "b") is None
    assert not new.voice_stalled.is_set()


def test_a_client_asks_for_nothing_unless_it_says_so() -> None:
    asked = ResponseOptions()
    assert not asked.out_of_band
    assert (asked.participant, asked.rounds, asked.ahead, asked.gap_s) == ("user", 0, False, 0.0)
    told = ("out_of_band", "participant", "rounds", "ahead", "gap_s")
    assert {getattr(asked, name) for name in asked.__dataclass_fields__ if name not in told} == {None}


def test_one_is_produced_once_everything_was_generated() -> None:
    t = Told()
    t.response.marks.produced = 5.0
    assert t.response.produced


def test_one_that_is_made_anew_is_of_no_history_yet() -> None:
    t = Told(committed=False)
    t.response.revision, t.response.marks.produced = 3, 5.0
    t.response.done.add("x")
    t.response.restart()
    remembered: tuple[Any, ...] = (t.response.revision, t.response.produced, t.response.done)
    assert remembered == (None, False, set())


def test_an_end_that_was_held_back_knows_what_stands_before_it() -> None:
    t = Told(committed=False)
    t.response.behind = "last"
    t.response.add_call(ToolCall(0, "c", "f", "{}", True))
    t.response.release()
    assert kinds(t.told) == ["ResponseItemStarted", "ResponseItemDone"]
    assert [getattr(one, "previous") for one in t.told] == ["last", "last"]  # noqa: B009
    assert t.placed == [(t.response.items[0].id, "last")]
    assert t.response.committed
