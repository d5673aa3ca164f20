"""What fits into a prompt, what must always be in it, and what is summed up before it leaves."""

from __future__ import annotations

from typing import Literal

import pytest

from parley.conversation.items import Item
from parley.conversation.memory import Memory, cost


def turns(count: int, length: int = 200) -> list[Item]:
    roles: tuple[Literal["user", "assistant"], ...] = ("user", "assistant")
    return [
        Item(f"i{i}", role=roles[i % 2], text=f"{i} " + "xxxx Her name is Ann. " * (length // 22)) for i in range(count)
    ]


def test_a_long_result_loses_its_middle_and_never_the_question() -> None:
    items = [
        Item("q", role="user", text="What is the weather in Paris?"),
        Item("c", "function_call", call_id="a", name="w", arguments="{}"),
        Item("r", "function_call_output", call_id="a", output="begin " + "x" * 50_000 + " end"),
    ]
    found = Memory().messages(items, "", 1000)
    assert [m["role"] for m in found] == ["user", "assistant", "tool"]
    assert "Paris" in found[0]["content"]
    assert found[2]["content"].startswith("begin")
    assert found[2]["content"].endswith("end")
    assert len(found[2]["content"]) < 2000


def test_a_result_that_came_long_after_its_call_keeps_it() -> None:
    items = [
        Item("q", role="user", text="Look it up"), Item("c", "function_call", call_id="a", name="w", arguments="{}"),
        *turns(20), Item("late", role="user", text="And?"), Item("r", "function_call_output", call_id="a", output="42"),
    ]  # fmt: skip
    found = Memory().messages(items, "", 300)
    at = next(i for i, m in enumerate(found) if m["role"] == "tool")
    assert found[at]["content"] == "42"
    assert found[at - 1]["tool_calls"][0]["function"]["name"] == "w"


def test_a_prompt_begins_with_the_users_words_and_holds_the_last_of_them() -> None:
    items = [*turns(20), Item("q", role="user", text="y" * 5000)]
    found = Memory().messages(items, "", 300)
    assert found[0]["role"] == "user"
    assert "y" in found[-1]["content"]


def test_what_is_about_to_leave_is_summed_up_once_and_stays_as_a_summary() -> None:
    memory, items = Memory(), turns(12)
    budget = int(cost(items) * 1.1)
    leaving = memory.leaving(items, budget)
    assert leaving
    assert leaving[0].id == "i0"
    assert "0 xxxx" in memory.question(leaving)[-1]["content"]
    memory.take_summary(leaving, items, "Her name is Ann.")
    found = memory.messages(items, "Be kind.", budget)
    assert "Her name is Ann." in found[0]["content"]
    assert not any(m["content"].startswith("0 xxxx") for m in found)
    assert not memory.leaving(items, budget)


def test_what_left_without_a_summary_is_summed_up_later() -> None:
    memory, items = Memory(), turns(12)
    budget = int(cost(items) * 0.9)
    memory.messages(items, "", budget)
    leaving = memory.leaving(items, budget)
    assert leaving[0].id == "i0"
    memory.take_summary(leaving, items, "Her name is Ann.")
    later = [*items, *(Item(f"j{i.id}", role=i.role, text=i.text) for i in turns(8))]
    question = memory.question(memory.leaving(later, budget))[-1]["content"]
    assert "Her name is Ann." in question
    assert "0 xxxx" not in question.split("Ann.")[1].split("\n")[1]


def test_a_summary_of_items_that_were_deleted_meanwhile_does_no_harm() -> None:
    memory, items = Memory(), turns(12)
    leaving = memory.leaving(items, int(cost(items)))
    memory.take_summary(leaving, items[-1:], "x")
    assert memory.messages(items[-1:], "", 1000)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "User: Hi.\nAssistant: Hello.",
        "The weather in Spain stays mainly in the plain.",
        "Priya\nPriya\nPriya\nPriya",
    ],
)
def test_where_a_model_writes_no_notes_the_users_own_statements_are_kept(written: str) -> None:
    items = [
        Item("a", role="user", text="My name is Priya and I live in Hyderabad."),
        Item("b", role="assistant", text="Nice to meet you, Priya."),
        Item("c", role="user", text="What time is it?"),
        Item("d", role="user", text="Bye"),
    ]
    memory = Memory()
    memory.take_summary(items[:3], items, written)
    assert memory.summary == "My name is Priya and I live in Hyderabad."


def test_notes_in_the_words_of_the_conversation_are_believed() -> None:
    items = [
        Item("a", role="user", text="My name is Priya and I live in Hyderabad."),
        Item("d", role="user", text="Bye"),
    ]
    memory = Memory()
    memory.take_summary(items[:1], items, "The name is Priya; lives in Hyderabad.")
    assert memory.summary == "The name is Priya; lives in Hyderabad."
