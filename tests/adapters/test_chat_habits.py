"""What a server refuses is left out from then on; what it is told of its errors is ours."""

from __future__ import annotations

from typing import Any

import pytest

from parley.adapters.chat_habits import Habits, name_hears, refusal, retry_after_s
from parley.models.interfaces import ChatOptions

TOOL = {"type": "function", "function": {"name": "w", "parameters": {}}}
OPTIONS = ChatOptions(tools=[TOOL], max_tokens=100, temperature=0.5)
MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("said", "gone", "there"),
    [
        (
            "Unsupported parameter: 'max_tokens', use 'max_completion_tokens' instead",
            "max_tokens",
            "max_completion_tokens",
        ),
        ("Unsupported value: 'temperature' does not support 0.5", "temperature", "max_tokens"),
        ("unknown field stream_options", "stream_options", "tools"),
        ("Extra inputs are not permitted", "stream_options", "tools"),
        ("registry/gemma does not support tools", "tools", "messages"),
    ],
)
def test_a_field_that_is_refused_by_name_is_not_sent_again(said: str, gone: str, there: str) -> None:
    habits = Habits("m")
    request = habits.request(MESSAGES, OPTIONS)
    assert gone in request
    assert habits.learn_refusal(400, said, request)
    again = habits.request(MESSAGES, OPTIONS)
    assert gone not in again
    assert there in again


def test_a_server_without_system_messages_gets_them_as_the_users() -> None:
    habits = Habits("m")
    assert habits.learn_refusal(400, "System role not supported", habits.request(MESSAGES, OPTIONS))
    assert habits.request(MESSAGES, OPTIONS)["messages"] == [{"role": "user", "content": "Be kind.\n\nHi"}]


SOUND: list[dict[str, Any]] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": [{"type": "input_audio"}]},
]


@pytest.mark.parametrize(
    ("name", "hears"),
    [
        ("fixie-ai/ultravox-v0_5-llama-3_2-1b", True), ("mistralai/Voxtral-Mini-3B-2507", True),
        ("Qwen/Qwen2-Audio-7B-Instruct", True), ("Qwen/Qwen2.5-Omni-3B", True), ("gpt-audio-mini", True),
        ("Qwen/Qwen2.5-7B-Instruct", False), ("audiobook-writer", False), ("auto", False),
    ],
)  # fmt: skip
def test_some_names_tell_that_a_model_hears(name: str, *, hears: bool) -> None:
    assert name_hears(name) is hears


@pytest.mark.parametrize(
    ("said", "hears"),
    [
        ("audio input is not supported - hint: you may need to provide the mmproj", False),
        ("At most 0 audio(s) may be provided in one request.", False),
        ("Input should be a valid string", False),
        ("the prompt is empty", True),
    ],
)
def test_a_model_that_refuses_sound_is_given_words_from_then_on(said: str, *, hears: bool) -> None:
    habits = Habits("m", hears=True)
    assert not habits.learn_refusal(400, said, habits.request(SOUND, ChatOptions())), "whoever asked has the words"
    assert habits.hears is hears
    habits = Habits("m", hears=True)
    habits.learn_refusal(400, said, habits.request(MESSAGES, ChatOptions()))
    assert habits.hears, "it was given none"


def test_a_server_without_system_messages_gets_them_before_the_sound() -> None:
    habits = Habits("m", folds_system=True)
    assert habits.request(SOUND, ChatOptions())["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Be kind."}, {"type": "input_audio"}]}
    ]


def test_a_model_that_thinks_is_asked_not_to_and_given_room() -> None:
    habits = Habits("m", thinks=True)
    request = habits.request(MESSAGES, OPTIONS)
    assert request["chat_template_kwargs"]["enable_thinking"] is False
    assert request["max_tokens"] > OPTIONS.max_tokens + 1000  # type: ignore[operator]
    most = habits.most_chars(OPTIONS)
    assert most is not None
    assert most < 1000, "the answer itself is as short as before"
    assert habits.learn_refusal(400, "reasoning_effort: none is not allowed", request)
    assert habits.request(MESSAGES, OPTIONS)["reasoning_effort"] == "low"


def test_a_context_that_is_too_short_is_remembered() -> None:
    habits = Habits("m")
    said = "This model's maximum context length is 2048 tokens. However, your messages resulted in 3000 tokens."
    assert not habits.learn_refusal(400, said, habits.request(MESSAGES, OPTIONS))
    assert habits.context_tokens == 2048


def test_what_was_refused_for_no_known_reason_is_not_asked_again() -> None:
    habits = Habits("m")
    assert not habits.learn_refusal(400, "no", habits.request(MESSAGES, OPTIONS))


@pytest.mark.parametrize(
    ("status", "headers", "tries", "wait_s"),
    [
        (429, {"retry-after": "1"}, 0, 1.0),
        (429, {"retry-after-ms": "250"}, 0, 0.25),
        (503, {}, 0, 0.5),
        (429, {"retry-after": "3600"}, 0, None),
        (429, {"retry-after": "1"}, 2, None),
        (400, {"retry-after": "1"}, 0, None),
        (503, {"retry-after": "soon"}, 0, 0.5),
        (503, {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0, 0.5),
    ],
)
def test_only_a_short_wait_is_waited_for(status: int, headers: dict[str, str], tries: int, wait_s: Any) -> None:
    assert retry_after_s(status, headers, tries) == wait_s


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 429, 500, 503])
def test_a_providers_words_are_not_repeated(status: int) -> None:
    fault = refusal("api.example", "m", status, "Incorrect key sk-123; you said: my name is Ann")
    assert "sk-123" not in str(fault)
    assert "Ann" not in str(fault)
    assert str(status) in str(fault)
