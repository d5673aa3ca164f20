"""Function calls in every shape that servers and models give them."""

from __future__ import annotations

from typing import Any

import pytest

from parley.adapters.chat_calls import CallAssembler, calls_in


def fragment(index: Any, call_id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}


ASSEMBLED = {
    "as specified": [
        fragment(0, "a", "w", ""), fragment(0, None, None, '{"c":'), fragment(0, None, None, '"P"}'),
        fragment(1, "b", "t", "{}"),
    ],
    "the same index for all": [fragment(0, "a", "w", '{"c":"P"}'), fragment(0, "b", "t", "{}")],
    "the same index, in pieces": [
        fragment(0, "a", "w", ""), fragment(0, "", "", '{"c":"P"}'), fragment(0, "b", "t", ""),
        fragment(0, "", "", "{}"),
    ],
    "no index": [fragment(None, "a", "w", '{"c"'), fragment(None, None, None, ':"P"}'), fragment(None, "b", "t", "{}")],
    "out of order": [
        fragment(1, "b", "t", "{"), fragment(0, "a", "w", '{"c"'), fragment(1, None, None, "}"),
        fragment(0, None, None, ':"P"}'),
    ],
    "the name comes late": [
        fragment(0, "a", None, '{"c":'), fragment(0, None, "w", '"P"}'), fragment(1, "b", None, ""),
        fragment(1, None, "t", "{}"),
    ],
    "arguments as an object": [fragment(0, "a", "w", {"c": "P"}), fragment(1, "b", "t", {})],
    "the id changes": [fragment(0, "a", "w", '{"c":'), fragment(0, "a2", None, '"P"}'), fragment(1, "b", "t", "{}")],
    "the name is repeated": [
        fragment(0, "a", "w", '{"c":'), fragment(0, "a", "w", '"P"}'), fragment(1, "b", "t", "{}"),
    ],
    "the index is text": [fragment("0", "a", "w", '{"c":"P"}'), fragment("1", "b", "t", "{}")],
    "a comma too many": [fragment(0, "a", "w", '{"c":"P",}'), fragment(1, "b", "t", "")],
    "a brace too few": [fragment(0, "a", "w", '{"c":"P"'), fragment(1, "b", "t", "")],
}  # fmt: skip


@pytest.mark.parametrize("shape", ASSEMBLED)
def test_two_parallel_calls_come_out_whatever_their_shape(shape: str) -> None:
    calls = CallAssembler()
    found = [c for f in ASSEMBLED[shape] for c in calls.push(f)] + calls.finish()
    done = {c.name: c.arguments.replace(" ", "") for c in found if c.done}
    assert done == {"w": '{"c":"P"}', "t": "{}"}
    assert len({c.index for c in found}) == 2


def test_a_call_is_done_as_soon_as_its_arguments_are_closed() -> None:
    calls = CallAssembler()
    assert not any(c.done for c in calls.push(fragment(0, "a", "w", '{"c": {}')))
    assert any(c.done for c in calls.push(fragment(0, None, None, "}")))
    assert calls.finish() == []


def test_the_legacy_form_is_one_call() -> None:
    calls = CallAssembler()
    found = [*calls.push({"name": "w", "arguments": '{"c":'}), *calls.push({"arguments": "1}"}), *calls.finish()]
    assert [(c.name, c.arguments) for c in found if c.done] == [("w", '{"c":1}')]


@pytest.mark.parametrize("nonsense", [None, 7, "x", [], {}, {"function": None}, {"index": {}, "function": {"name": 1}}])
def test_what_is_no_call_is_left_out(nonsense: Any) -> None:
    calls = CallAssembler()
    assert [*calls.push(nonsense), *calls.finish()] == []


WRITTEN = [
    '<tool_call>\n{"name": "w", "arguments": {"c": 1}}\n</tool_call>',
    '<tool_call>{"name":"w","arguments":"{\\"c\\":1}"}</tool_call>',
    "<tool_call>w\n<arg_key>c</arg_key>\n<arg_value>1</arg_value>\n</tool_call>",
    "<tool_call>\n<function=w>\n<parameter=c>\n1\n</parameter>\n</function>\n</tool_call>",
    '<function=w>{"c":1}</function>',
    '[TOOL_CALLS] [{"name": "w", "arguments": {"c":1}}]',
    '[TOOL_CALLS]w[ARGS]{"c":1}',
    '<|python_tag|>{"name":"w","parameters":{"c":1}}<|eom_id|>',
    "<|python_tag|>w.call(c=1)",
    '<function_calls><invoke name="w"><parameter name="c">1</parameter></invoke></function_calls>',
    '<｜tool▁call▁begin｜>function<｜tool▁sep｜>w\n```json\n{"c":1}\n```<｜tool▁call▁end｜>',
    '<｜tool▁call▁begin｜>w<｜tool▁sep｜>{"c":1}<｜tool▁call▁end｜>',
    '<|tool_call_begin|>functions.w:0<|tool_call_argument_begin|>{"c":1}<|tool_call_end|>',
    '<|START_ACTION|>[{"tool_name":"w","parameters":{"c":1}}]<|END_ACTION|>',
    '<|channel|>commentary to=functions.w <|constrain|>json<|message|>{"c":1}<|call|>',
    'functools[{"name":"w","arguments":{"c":1}}]',
    '```tool_call\n{"name":"w","arguments":{"c":1}}\n```',
    "```tool_code\nprint(w(c=1))\n```",
    '{"name":"w","parameters":{"c":1}}',
    '{"name":"w","arguments":{"c":1}',
    "[w(c=1)]",
    '<|tool_call>call:w{"c":1}<tool_call|>',
]


@pytest.mark.parametrize("written", WRITTEN)
def test_models_own_notations_become_calls(written: str) -> None:
    assert calls_in(written, {"w"}) == [{"name": "w", "arguments": {"c": 1}}]


@pytest.mark.parametrize("written", WRITTEN)
def test_a_call_of_what_is_no_tool_is_none(written: str) -> None:
    assert calls_in(written, {"other"}) == []
