"""Prompts that the strictest servers take, whatever a conversation looks like."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from parley.conversation.items import Item
from parley.conversation.responses.prompt import answerable, as_messages


def user(text: str) -> Item:
    return Item("", role="user", text=text)


def says(text: str) -> Item:
    return Item("", role="assistant", text=text)


def call(call_id: str, name: str = "w", arguments: str = "{}") -> Item:
    return Item("", "function_call", call_id=call_id, name=name, arguments=arguments)


def result(call_id: str, output: str) -> Item:
    return Item("", "function_call_output", call_id=call_id, output=output)


def roles(messages: list[dict[str, Any]]) -> list[str]:
    return [m["role"] for m in messages]


def test_parallel_calls_are_one_message_and_their_results_follow_in_their_order() -> None:
    found = as_messages([user("Hi"), says("Let me see."), call("a"), call("b"), result("b", "2"), result("a", "1")], "")
    assert roles(found) == ["user", "assistant", "tool", "tool"]
    assert [c["id"] for c in found[1]["tool_calls"]] == ["a", "b"]
    assert found[1]["content"] == "Let me see."
    assert [(m["tool_call_id"], m["content"]) for m in found[2:]] == [("a", "1"), ("b", "2")]


def test_a_result_that_came_late_stands_behind_its_call() -> None:
    found = as_messages([user("Hi"), call("a"), user("And?"), result("a", "1")], "")
    assert roles(found) == ["user", "assistant", "tool", "user"]
    assert found[2]["content"] == "1"


def test_a_result_that_came_after_an_answer_without_it_has_the_last_word_and_its_call_stands_before_it() -> None:
    asked = [user("Hi"), call("a"), call("b"), result("a", "1")]
    found = as_messages(asked, "")
    assert [m["content"] for m in found if m["role"] == "tool"] == ["1", "There is no result yet."]
    found = answerable(as_messages([*asked, says("It is 1."), result("b", "2")], ""))
    assert roles(found) == ["user", "assistant", "tool", "assistant", "tool"]
    assert [c["id"] for m in found for c in m.get("tool_calls", ())] == ["a", "b"]
    assert [found[3]["content"], found[4]["content"]] == ["It is 1.", "2"]


def test_an_answer_while_a_tool_runs_does_not_hide_the_result() -> None:
    waiting = [user("Hi"), call("a"), user("Still there?"), says("I am looking.")]
    found = as_messages([*waiting, result("a", "1"), says("It is 1.")], "")
    assert roles(found) == ["user", "assistant", "tool", "assistant"]
    assert found[1]["content"] == "I am looking."
    assert found[1]["tool_calls"][0]["id"] == found[2]["tool_call_id"] == "a"


def test_words_beside_a_call_and_a_result_that_is_given_again_move_nothing() -> None:
    found = as_messages(
        [user("Hi"), call("a"), says("Let me see."), result("a", "1"), says("1."), result("a", "2")], ""
    )
    assert roles(found) == ["user", "assistant", "tool", "assistant"]
    assert [found[1]["content"], found[2]["content"]] == ["Let me see.", "2"]


def test_a_call_without_a_result_has_one_that_says_so_and_of_two_results_the_later_counts() -> None:
    found = as_messages([user("Hi"), call("a"), call("b"), result("b", "old"), result("b", "new"), user("So?")], "")
    assert [m["content"] for m in found if m["role"] == "tool"] == ["There is no result yet.", "new"]


def test_a_result_of_an_unknown_call_is_told_as_words() -> None:
    found = as_messages([user("Hi"), result("gone", "42")], "")
    assert roles(found) == ["user"]
    assert "42" in found[0]["content"]


def test_arguments_are_json_whatever_the_model_wrote() -> None:
    found = as_messages([user("Hi"), call("a", arguments='{"c": 1,'), call("b", arguments="nonsense")], "")
    assert [c["function"]["arguments"] for c in found[1]["tool_calls"]] == ['{"c": 1}', "{}"]


def test_system_items_at_the_front_are_instructions_and_later_ones_are_folded() -> None:
    note = Item("", role="system", text="Be brief.")
    found = as_messages([note, user("Hi"), says("Hello."), note, user("Bye")], "You are kind.")
    assert roles(found) == ["system", "user", "assistant", "user"]
    assert found[0]["content"] == "You are kind.\n\nBe brief."
    assert found[-1]["content"] == "(Be brief.) Bye"


def test_an_assistant_who_spoke_first_was_greeted_and_one_who_spoke_last_is_asked_to_go_on() -> None:
    found = answerable(as_messages([says("Welcome!")], "Be kind."))
    assert roles(found) == ["system", "user", "assistant", "user"]
    assert roles(answerable([])) == ["user"]


ITEMS = st.lists(
    st.one_of(
        st.builds(user, st.text(max_size=5)),
        st.builds(says, st.text(max_size=5)),
        st.builds(lambda t: Item("", role="system", text=t), st.text(max_size=5)),
        st.builds(
            call,
            st.sampled_from(["", "a", "b", "c"]),
            arguments=st.sampled_from(["{}", "", "[", '{"a":']),
        ),
        st.builds(result, st.sampled_from(["", "a", "b", "z"]), st.text(max_size=5)),
    ),
    max_size=14,
)


@given(ITEMS)
def test_every_conversation_makes_a_prompt_that_strict_servers_take(items: list[Item]) -> None:
    found = answerable(as_messages(items, "Be kind."))
    assert roles(found).count("system") == 1
    assert found[1]["role"] == "user"
    assert found[-1]["role"] in ("user", "tool")
    open_calls: list[str] = []
    for before, message in pairwise(found):
        if message["role"] == "tool":
            assert message["tool_call_id"] == open_calls.pop(0)
            continue
        assert not open_calls, "all results follow their calls at once"
        assert message["role"] != before["role"]
        open_calls = [c["id"] for c in message.get("tool_calls", ())]
        assert len(open_calls) == len(set(open_calls))
        assert message["content"] or open_calls
    assert not open_calls
