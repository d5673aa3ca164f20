"""Thoughts, calls and control tokens in a model's words, in whatever pieces they come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.adapters.chat_markup import MarkupFilter, Retracted, Said, Written

SAID = [
    ("<think>hm, ok</think>Paris.", "Paris."),
    ("<think>\nhm\n</think>\n\nParis is it.", "Paris is it."),
    ("I think so.</think>Paris.", "Paris."),
    ("<thinking>never closed ...", ""),
    ("[THINK]x[/THINK]Yes.", "Yes."),
    ("◁think▷x◁/think▷Yes.", "Yes."),
    ("<reasoning>x</reasoning> Ok.", "Ok."),
    ("<seed:think>x</seed:think>y", "y"),
    ("<Think>A</THINK>B", "B"),
    ("First part. <think>mid</think> second.", "First part.  second."),
    ("<think>a</think>b<think>c</think>d", "bd"),
    ("<think>one</think>two</think>three", "twothree"),
    ("<｜begin▁of▁thinking｜>x<｜end▁of▁thinking｜>y", "y"),
    ("<|channel>thought\nhmm<channel|>Yes.", "Yes."),
    ("<unused94>thought\nhm<unused95>Yes", "Yes"),
    ('<details type="reasoning" done="true">x</details>Yes', "Yes"),
    ("<|START_THINKING|>x<|END_THINKING|><|START_RESPONSE|>Hi<|END_RESPONSE|>", "Hi"),
    (
        "<|channel|>analysis<|message|>asks<|end|><|start|>assistant<|channel|>final<|message|>Paris.<|return|>",
        "Paris.",
    ),
    ("analysisThe user asks.assistantfinalParis.", "Paris."),
    ("Hello.<|im_end|>\n<|im_start|>user\nThanks", "Hello."),
    ("</s>Hello", "Hello"),
    ("<s>Hello</s>", "Hello"),
    ("<|start_header_id|>assistant<|end_header_id|>\n\nHello there<|eot_id|>", "Hello there"),
    ("<|im_start|>assistant\nHello there<|im_end|>", "Hello there"),
    ("<start_of_turn>model\nHi<end_of_turn>", "Hi"),
    ("x << y and z <<SYS>> w", "x << y and z  w"),
    ("Is 5 < 6? Yes, 5<6 and a<b.", "Is 5 < 6? Yes, 5<6 and a<b."),
    ("See [this](http://x) and [1].", "See [this](http://x) and [1]."),
    ("<b>bold</b> text", "<b>bold</b> text"),
    ("a <3 you, I love it <grin>", "a <3 you, I love it <grin>"),
    ("analysis of it", "analysis of it"),
    ("Analysis shows", "Analysis shows"),
    ("Fun in the sun, func", "Fun in the sun, func"),
]
CALLS = [
    'Let me look. <tool_call>\n{"name": "w", "arguments": {"c": "P"}}\n</tool_call>',
    '<function=w>{"c":"P"}</function>',
    '[TOOL_CALLS] [{"name": "w", "arguments": {}}]',
    '<|python_tag|>{"name":"w"}<|eom_id|>',
    '<function_calls><invoke name="w"><parameter name="c">P</parameter></invoke></function_calls>',
    '<minimax:tool_call><invoke name="w"></invoke></minimax:tool_call>',
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>w\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    'functools[{"name":"w"}]',
    '```tool_call\n{"name":"w"}\n```',
    '<|channel|>commentary to=functions.w <|constrain|>json<|message|>{"c":1}<|call|>',
]


def read(text: str, size: int, **how: bool) -> tuple[str, list[str]]:
    """What is said of a text that comes `size` letters at a time, and the calls written in it."""
    markup, said, written = MarkupFilter(**how), "", list[str]()
    for piece in [p for i in range(0, len(text), size) for p in markup.push(text[i : i + size])] + markup.flush():
        if isinstance(piece, Retracted):
            said = ""
        elif isinstance(piece, Said):
            said += piece.text
        elif isinstance(piece, Written):
            written.append(piece.text)
    return said, written


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("text", "said"), SAID)
def test_only_the_answer_is_said(text: str, said: str, size: int) -> None:
    assert read(text, size) == (said, [])


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("text", CALLS)
def test_a_call_is_kept_apart_from_the_words_before_it(text: str, size: int) -> None:
    said, written = read(text, size)
    assert said in ("", "Let me look. ")
    assert "w" in "".join(written)


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_data_in_an_answers_place_may_be_a_call_where_calls_are_possible(size: int) -> None:
    assert read('{"name":"w"}', size, holds_data=True) == ("", ['{"name":"w"}'])
    assert read('{"name":"w"}', size) == ('{"name":"w"}', [])
    assert read("[1] is a source", size, holds_data=True) == ("[1] is a source", [])


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_model_that_begins_inside_of_a_thought_is_not_heard_before_its_end(size: int) -> None:
    assert read("okay, they ask</think>Paris.", size, opens_in_thought=True) == ("Paris.", [])
    assert read("No thought at all.", size, opens_in_thought=True) == ("No thought at all.", [])


def test_a_thought_that_was_cut_is_not_taken_for_the_answer() -> None:
    markup = MarkupFilter(opens_in_thought=True)
    markup.push("okay, they ask about")
    assert markup.flush(by_itself=False) == []


def test_a_server_that_tells_thoughts_apart_has_none_in_its_words() -> None:
    markup = MarkupFilter(opens_in_thought=True)
    markup.thinks_apart()
    assert markup.push("Paris.") == [Said("Paris.")]


@given(st.text(alphabet="ab <>|/[]{}`◁▷think_", max_size=60), st.integers(1, 7))
def test_how_the_text_is_cut_makes_no_difference(text: str, size: int) -> None:
    assert read(text, size) == read(text, 1000)
