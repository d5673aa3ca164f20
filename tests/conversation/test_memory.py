"""What fits into a prompt, what must always be in it, and what is summed up before it leaves."""

from __future__ import annotations

from typing import Literal

import pytest

from parley.conversation.items import Item
from parley.conversation.memory import Memory, cost

MIDDLE = " … (shortened) … "


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


def user(text: str, name: str = "u") -> Item:
    return Item(name, role="user", text=text)


def says(text: str, name: str = "a") -> Item:
    return Item(name, role="assistant", text=text)


def same(count: int) -> list[Item]:
    """Turns that cost ten tokens each, the user's and the assistant's."""
    return [(user if i % 2 == 0 else says)(f"{i:04}" + "x" * 20, f"i{i}") for i in range(count)]


@pytest.mark.parametrize(
    ("item", "tokens"),
    [
        (user(""), 4.0),
        (user("x" * 16), 8.0),
        (user("é" * 8), 8.0),  # as many more as bytes
        (Item("a", role="assistant", text="x" * 16, heard=8), 6.0),
        (Item("c", "function_call", arguments="x" * 8), 6.0),
        (Item("r", "function_call_output", output="x" * 8), 6.0),
        (user("\ud800"), 4.25),
    ],
)
def test_an_item_costs_by_its_length(item: Item, tokens: float) -> None:
    assert cost([item]) == tokens
    assert cost([item, item]) == 2 * tokens


def test_a_prompt_is_as_long_as_its_budget() -> None:
    assert cost(same(10)) == 100
    assert len(Memory().messages(same(10), "", 100)) == 10
    assert len(Memory().messages(same(10), "", 99)) < 10


def test_when_nobody_waits_a_little_less_is_too_long() -> None:
    assert len(Memory().messages(same(9), "", 100, ahead=True)) == 9
    assert len(Memory().messages(same(10), "", 100, ahead=True)) < 10


@pytest.mark.parametrize(("budget", "begins"), [(100, 6), (80, 6), (79, 8), (60, 8), (40, 8), (10, 8), (1000, 0)])
def test_half_the_budget_is_kept_and_begins_with_the_users_words(budget: int, begins: int) -> None:
    assert Memory().cut(same(10), budget) == begins


def test_where_no_user_spoke_the_last_item_is_kept() -> None:
    items = [says(f"{i:04}" + "x" * 20, f"i{i}") for i in range(10)]
    assert Memory().cut(items, 60) == 9
    assert Memory().cut([], 60) == 0


def test_what_has_left_does_not_come_back() -> None:
    memory, items = Memory(), same(10)
    kept = memory.messages(items, "", 99)
    assert kept[0]["content"].startswith("0006")
    assert memory.messages(items, "", 1000) == kept
    assert memory.cut(items, 1000) == 6


@pytest.mark.parametrize(("budget", "leaving"), [(125, 0), (124, 4), (112, 6)])
def test_what_is_about_to_leave_is_told_from_four_fifths_of_the_budget(budget: int, leaving: int) -> None:
    assert len(Memory().leaving(same(10), budget)) == leaving


def test_a_question_for_notes_tells_who_said_what() -> None:
    items = [
        user("Look it up. "), Item("c", "function_call", name="w", arguments="{}"),
        Item("r", "function_call_output", output="4" * 500), says("It is 4."), says("Never heard"), user(" "),
        Item("s", role="system", text="Be brief."), Item("n", text="Hm."),
    ]  # fmt: skip
    items[4] = Item("h", role="assistant", text="Never heard", heard=0)
    system, asked = Memory().question(items)
    assert system["role"] == "system"
    assert system["content"].startswith("You keep the notes of a conversation.")
    assert asked == {
        "role": "user",
        "content": f"User: Look it up.\nTool: {'4' * 400}\nAssistant: It is 4.\nSystem: Be brief.\nUser: Hm.",
    }


def test_notes_that_are_there_go_into_the_next_and_into_the_prompt() -> None:
    memory, items = Memory(), [user("Her name is Ann.", "a"), user("Bye", "b")]
    memory.take_summary(items[:1], items, " Her name is Ann. ")
    assert memory.summary == "Her name is Ann."
    assert memory.question([])[-1]["content"] == "What was said before, in short: Her name is Ann."
    assert memory.messages(items, "Be kind.", 1000) == [
        {"role": "system", "content": "Be kind.\n\nWhat was said before, in short: Her name is Ann."},
        {"role": "user", "content": "Bye"},
    ]


def test_notes_about_all_that_there_is_are_not_taken() -> None:
    memory, items = Memory(), [user("Her name is Ann.", "a")]
    memory.take_summary(items, items, "Her name is Ann.")
    assert memory.summary == ""


def test_very_much_is_told_without_its_middle() -> None:
    content = Memory().question([user("x" * 7000), user("y" * 7000)])[-1]["content"]
    assert content == "User: " + "x" * 7000 + "\nUser: " + "y" * 987 + MIDDLE + "y" * 4000


def test_long_notes_lose_their_middle() -> None:
    words = " ".join(f"word{i:03}" for i in range(200))
    memory, items = Memory(), [user(words, "a"), user("Bye", "b")]
    memory.take_summary(items[:1], items, words)
    assert memory.summary == words[:800] + MIDDLE + words[-400:]


SAID = "My sister Priya lives near the river in Hyderabad with seven cats."


@pytest.mark.parametrize(
    ("notes", "believed"),
    [
        ("Priya lives near Hyderabad.", True),
        ("priya LIVES near hyderabad", True),
        ("Priya lives, Sherlock Holmes", True),  # half of the words were said
        ("Priya lives, Sherlock Holmes Watson", False),
        ("", False),
        ("a b c", False),  # no word that says anything
        ("User: Priya lives near Hyderabad.", False),
        ("Priya\nassistant: lives", False),
        ("Priya lives\nPriya lives\nnear river\nwith cats", False),  # a litany
        ("Priya lives\nnear river\nwith cats\nin Hyderabad\nPriya lives", True),
        ("Priya Priya Priya Priya", False),
        ("Priya Priya Priya", True),
    ],
)
def test_notes_are_believed_when_they_are_notes_of_what_was_said(notes: str, *, believed: bool) -> None:
    memory, items = Memory(), [user(SAID, "a"), user("Bye", "b")]
    memory.take_summary(items[:1], items, notes)
    assert memory.summary == (notes if believed else SAID)


def test_where_they_are_not_believed_the_users_statements_are_kept_behind_the_notes_before() -> None:
    memory = Memory()
    items = [
        user(SAID, "a"), user("What time is it?", "b"), says("Noon, dear.", "c"), user("z" * 300, "d"), user("Bye", "e")
    ]  # fmt: skip
    memory.take_summary(items[:1], items, "")
    memory.take_summary(items[1:4], items, "")
    assert memory.summary == f"{SAID} {'z' * 200}"


@pytest.mark.parametrize(
    ("length", "budget", "room"), [(401, 10, 400), (400, 10, None), (1001, 1000, 1000), (1000, 1000, None)]
)
def test_a_long_answer_or_result_loses_its_middle(length: int, budget: int, room: int | None) -> None:
    text = "a" * (length - 100) + "z" * 100
    expected = text if room is None else text[: room * 2 // 3] + MIDDLE + text[length - room // 3 :]
    items = [
        user("q", "u"), Item("c", "function_call", call_id="c", name="w", arguments="{}"),
        Item("r", "function_call_output", call_id="c", output=text),
    ]  # fmt: skip
    assert Memory().messages(items, "", budget)[-1]["content"] == expected
    assert Memory().messages([user("q", "u"), says(text)], "", budget)[-1]["content"] == expected


def test_the_last_question_may_be_twice_as_long() -> None:
    assert Memory().messages([user("x" * 2000)], "", 1000)[-1]["content"] == "x" * 2000
    assert MIDDLE in Memory().messages([user("x" * 2001)], "", 1000)[-1]["content"]
    first, _, _ = Memory().messages([user("x" * 2000, "a"), says("Hm."), user("So?", "b")], "", 1000)
    assert MIDDLE in first["content"]


def test_what_was_not_heard_of_a_long_answer_does_not_come_back_with_its_end() -> None:
    long = Item("a", role="assistant", text="x" * 1500 + "y" * 500, heard=1500)
    (_, answer) = Memory().messages([user("q"), long], "", 1000)
    assert answer["content"] == "x" * 666 + MIDDLE + "x" * 333


def test_only_results_get_their_call_back_and_that_once() -> None:
    call = Item("c", "function_call", call_id="a", name="w", arguments="{}")
    items = [
        user("Look it up", "q"), call, *turns(20), user("And?", "late"),
        Item("r", "function_call_output", call_id="a", output="42"),
        Item("s", "function_call_output", call_id="a", output="43"), says("So.", "z"),
    ]  # fmt: skip
    found = Memory().messages(items, "", 300)
    assert [len(m["tool_calls"]) for m in found if "tool_calls" in m] == [1]
    assert found[-1]["content"] == "So."


@pytest.mark.parametrize("field", ["text", "arguments", "output"])
def test_each_part_of_an_item_costs(field: str) -> None:
    assert cost([Item("a", **{field: "x" * 40})]) == 14.0  # type: ignore[arg-type]
