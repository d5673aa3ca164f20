"""What an engine is asked: the client's wishes before the session's, and no more of the past than fits."""

from __future__ import annotations

import base64
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from parley.conversation.agent import Agent, Persona
from parley.conversation.history import History
from parley.conversation.items import Item
from parley.conversation.responses.request_builder import RequestBuilder
from parley.conversation.responses.response import Response, ResponseOptions
from parley.conversation.settings import SessionSettings
from parley.models.fakes import FakeSynthesizer
from parley.models.interfaces import ChatOptions, Priority, SpeakingStyle
from parley.turns.ledger import HeardLedger, SpokenWord

TOOL = {"type": "function", "function": {"name": "f"}}


class Session:
    """What a request is made of."""

    def __init__(
        self, settings: SessionSettings | None = None, *, off_host: bool = False, tokens: int | None = 4000,
        hears: bool = False,
    ) -> None:  # fmt: skip
        self.history = History()
        self.ledger = HeardLedger()
        self.voices = {"first": FakeSynthesizer(), "second": FakeSynthesizer()}
        engine: Any = SimpleNamespace(off_host=off_host, context_tokens=tokens, accepts_audio=hears)
        models: Any = SimpleNamespace(engine=engine, voices=self.voices, voice_is_here=lambda _: True)
        own = settings or SessionSettings(instructions="Be kind.")
        self.agent = Agent(Persona(), own, models)
        context: Any = SimpleNamespace(
            id="s1", settings=own, history=self.history, ledger=self.ledger, models=models, several=False,
            agent=lambda _="": self.agent, audience=SimpleNamespace(left_s=lambda _: 1.5),
        )  # fmt: skip
        self.requests = RequestBuilder(context)

    def chat_options(self, options: ResponseOptions) -> ChatOptions:
        return self.requests.chat_options(self.agent, options)

    def budget_tokens(self, options: ResponseOptions) -> int:
        return self.requests.budget_tokens(self.agent, options)

    def response(self, options: ResponseOptions | None = None, *, committed: bool = True, **more: Any) -> Response:
        told: list[Any] = []
        return Response(
            "r1",
            told.append,
            options or ResponseOptions(),
            "assistant",
            "user",
            1,
            "So?",
            committed,
            **{"speaks": True, **more},
        )


def test_a_committed_answer_is_asked_for_with_what_was_said() -> None:
    s = Session()
    s.history.insert(Item("a", role="user", text="What time is it?"))
    response = s.response()
    request = s.requests.of(response)
    assert list(request.messages) == [
        {"role": "system", "content": "Be kind."}, {"role": "user", "content": "What time is it?"}
    ]  # fmt: skip
    assert (request.caller.owner, request.caller.priority) == ("s1", Priority.COMMITTED)
    assert request.synthesizer is s.voices["first"]
    assert request.heard is None
    assert request.voice_stalled is response.voice_stalled
    assert (request.say, request.begun) == (None, None)
    assert request.left_s() == 1.5


def test_a_prepared_one_has_the_words_of_its_turn_and_gives_way() -> None:
    s = Session()
    request = s.requests.of(s.response(committed=False))
    assert request.messages[-1] == {"role": "user", "content": "So?"}
    assert request.caller.priority is Priority.SPECULATIVE
    assert request.left_s() == math.inf, "nobody listens yet"


def shapes(messages: Any) -> list[Any]:
    """What users said, sound by its length in seconds."""
    contents = [m["content"] for m in messages if m["role"] == "user"]
    return [c if isinstance(c, str) else [part.get("text") or seconds_of(part) for part in c] for c in contents]


def seconds_of(part: Any) -> float:
    return round((len(base64.b64decode(part["input_audio"]["data"])) - 44) / 32000, 1)


def test_an_engine_that_hears_gets_what_was_said_as_sound_and_as_words() -> None:
    s = Session(hears=True)
    s.history.insert(Item("typed", role="user", text="Good day."))
    s.history.insert(Item("answer", role="assistant", text="Hello."))
    assert s.requests.of(s.response(committed=False)).heard is None, "nothing was said yet"
    s.history.insert(Item("a", role="user", text="What time is it?", spoken=True))
    s.history.sounds.keep("a", np.zeros(16000, np.float32))
    request = s.requests.of(s.response())
    assert shapes(request.messages) == ["Good day.", "What time is it?"]
    assert shapes(request.heard) == ["Good day.", [1.0]]
    prepared = s.response(committed=False)
    prepared.speech = np.zeros(8000, np.float32)
    request = s.requests.of(prepared)
    assert shapes(request.messages) == ["Good day.", "What time is it? So?"]
    assert shapes(request.heard) == ["Good day.", [1.0, 0.5]]
    s.history.delete("a")
    assert s.requests.of(s.response()).heard is None


def test_of_what_was_not_understood_there_is_the_sound_alone() -> None:
    s = Session(hears=True)
    s.history.insert(Item("a", role="user", text="", spoken=True))
    s.history.sounds.keep("a", np.zeros(16000, np.float32))
    request = s.requests.of(s.response())
    assert request.messages == request.heard
    assert shapes(request.messages) == [[1.0]]


def test_where_several_speak_their_names_stand_before_their_sound() -> None:
    s = Session(hears=True)
    s.requests._context.several = True  # type: ignore[misc]
    s.requests._context.agents = {"assistant": s.agent}
    s.requests._context.people = {}
    s.history.insert(Item("a", role="user", text="Well?", spoken=True, speaker="Ann"))
    s.history.sounds.keep("a", np.zeros(16000, np.float32))
    prepared = s.response(committed=False)
    prepared.speech = np.zeros(8000, np.float32)
    request = s.requests.of(prepared)
    assert shapes(request.messages) == ["Ann: Well? user: So?"]
    assert shapes(request.heard) == [["Ann:", 1.0, "user:", 0.5]]


def test_sound_takes_room_from_what_was_said_before() -> None:
    s = Session(hears=True)
    before = s.budget_tokens(ResponseOptions())
    s.history.insert(Item("a", role="user", text="Well?", spoken=True))
    s.history.sounds.keep("a", np.zeros(20 * 16000, np.float32))
    assert s.budget_tokens(ResponseOptions()) == pytest.approx(before - 125, abs=2)


def test_sound_that_there_is_of_it_is_told() -> None:
    s = Session()
    request = s.requests.of(s.response())
    s.ledger.add_words("r1", [SpokenWord(7, 0.0, 1.0)])
    assert request.spoken_chars() == 7


def test_its_own_items_are_not_in_its_prompt() -> None:
    s = Session()
    response = s.response()
    response.place = s.history.insert_behind
    s.history.insert(Item("a", role="user", text="What time is it?"))
    response.add_text("It is")
    assert s.requests.of(response).messages[-1]["content"] == "What time is it?"


def test_a_prompt_of_its_own_takes_the_place_of_the_history() -> None:
    s = Session()
    s.history.insert(Item("a", role="user", text="What time is it?"))
    options = ResponseOptions(input=[Item("b", role="user", text="Hi.")], instructions="Be brief.")
    assert list(s.requests.of(s.response(options)).messages) == [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi."}
    ]  # fmt: skip


def test_instructions_of_one_response_may_be_none_at_all() -> None:
    s = Session()
    s.history.insert(Item("a", role="user", text="Hi."))
    assert list(s.requests.of(s.response(ResponseOptions(instructions=""))).messages) == [
        {"role": "user", "content": "Hi."}
    ]


def test_one_that_is_written_has_no_voice() -> None:
    s = Session()
    assert s.requests.of(s.response(speaks=False)).synthesizer is None


def test_the_session_says_how_to_answer() -> None:
    settings = SessionSettings(
        tools=(TOOL,), tool_choice="none", parallel_tool_calls=True, reasoning_effort="low", max_output_tokens=50,
        temperature=0.5,
    )  # fmt: skip
    assert Session(settings).chat_options(ResponseOptions()) == ChatOptions((TOOL,), "none", 50, 0.5, True, "low")


def test_the_client_says_it_otherwise_for_one_response() -> None:
    settings = SessionSettings(
        tools=(TOOL,), tool_choice="none", parallel_tool_calls=True, reasoning_effort="low", max_output_tokens=50
    )
    options = ResponseOptions(
        tools=(), tool_choice="auto", parallel_tool_calls=False, reasoning_effort="high", max_output_tokens=9
    )
    assert Session(settings).chat_options(options) == ChatOptions((), "auto", 9, None, False, "high")


def test_an_answer_is_bounded_where_nobody_says() -> None:
    options = Session(SessionSettings(longest_answer_tokens=77)).chat_options(ResponseOptions())
    assert options == ChatOptions((), "auto", 77, None, None, None)


@pytest.mark.parametrize(
    ("said", "again", "repeated"),
    [
        ([("assistant", "Noon.", None)], True, "Noon."),
        ([("assistant", "Noon.", None)], False, None),
        ([("assistant", "Noon it is.", 4)], True, "Noon"),
        ([("assistant", "Noon.", None), ("assistant", "Never heard.", 0), ("user", "Again?", None)], True, "Noon."),
        ([("user", "Again?", None)], True, None),
    ],
)
def test_the_last_answer_is_said_again_as_far_as_it_was_heard(
    said: list[tuple[Any, str, int | None]], repeated: str | None, *, again: bool
) -> None:
    s = Session()
    for number, (role, text, heard) in enumerate(said):
        s.history.insert(Item(str(number), role=role, text=text, heard=heard))
    assert s.requests.of(s.response(again=again)).say == repeated


def test_fixed_words_are_said_whatever_is_wanted_again() -> None:
    s = Session()
    s.history.insert(Item("a", role="assistant", text="Noon."))
    assert s.requests.of(s.response(ResponseOptions(say="Sorry."), again=True)).say == "Sorry."


@pytest.mark.parametrize(
    ("asked", "session", "name", "style"),
    [
        (None, None, "first", None),
        (None, "second", "second", "second"),
        ("second", "first", "second", "second"),
        ("unknown", None, "first", "unknown"),
    ],
)
def test_a_voice_is_the_responses_the_sessions_or_the_first(
    asked: str | None, session: str | None, name: str, style: str | None
) -> None:
    s = Session(SessionSettings(voice=session, speed=1.5))
    request = s.requests.of(s.response(ResponseOptions(voice=asked)))
    assert request.synthesizer is s.voices[name]
    assert request.style == SpeakingStyle(style, 1.5, None)


@pytest.mark.parametrize(
    ("languages", "language", "spoken"),
    [(("*",), "te", "te"), (("te",), "te", "te"), (("en",), "te", None), ((), "te", "te"), (("en",), None, None)],
)
def test_a_voice_is_told_the_language_if_it_knows_it(
    languages: tuple[str, ...], language: str | None, spoken: str | None
) -> None:
    s = Session(SessionSettings(language=language))
    s.voices["first"].languages = languages
    assert s.requests.of(s.response()).style.language == spoken


def test_without_voices_nothing_is_spoken() -> None:
    s = Session(SessionSettings(language="en"))
    s.voices.clear()
    request = s.requests.of(s.response())
    assert (request.synthesizer, request.style.language) == (None, None)


BARE = SessionSettings(instructions="", longest_answer_tokens=1000)


@pytest.mark.parametrize(
    ("settings", "off_host", "tokens", "budget"),
    [
        (BARE, False, 5000, 1700),  # 85 % of what the answer leaves, half of it where these processors read it
        (BARE, True, 5000, 3400),
        (BARE, True, None, 2631),  # nobody knows: 4096
        (BARE, True, 100_000, 24_000),  # longer prompts answer later
        (replace(BARE, memory_tokens=500), True, 5000, 500),
        (replace(BARE, memory_tokens=50_000), True, 100_000, 50_000),
        (replace(BARE, memory_tokens=9000), True, 5000, 3400),  # no more than there is
        (replace(BARE, memory_share=0.5), True, 5000, 1700),
        (replace(BARE, instructions="x" * 400), True, 5000, 3300),
        (replace(BARE, circumstances="x" * 400), True, 5000, 3300),
        (replace(BARE, tools=({"function": {"name": "f"}, "a": "x" * 363},)), True, 5000, 3300),
        (BARE, True, 1100, 200),  # something must be said
        (replace(BARE, longest_answer_tokens=0), True, 5000, 4250),
    ],
)
def test_the_past_gets_what_the_rest_leaves(
    settings: SessionSettings, tokens: int | None, budget: int, *, off_host: bool
) -> None:
    session = Session(settings, off_host=off_host, tokens=tokens)
    assert session.budget_tokens(ResponseOptions()) == budget


def test_instructions_of_one_response_count_for_it() -> None:
    session = Session(BARE, off_host=True, tokens=5000)
    assert session.budget_tokens(ResponseOptions(instructions="x" * 400)) == 3300


def test_what_did_not_fit_gets_half_the_room_from_then_on() -> None:
    session = Session(BARE, off_host=True, tokens=5000)
    session.requests.shorten()
    assert session.budget_tokens(ResponseOptions()) == 1700
    session.requests.shorten()
    assert session.budget_tokens(ResponseOptions()) == 850


def test_a_prompt_keeps_to_that_room() -> None:
    session = Session(replace(BARE, memory_tokens=300), off_host=True, tokens=5000)
    for number in range(20):
        session.history.insert(Item(str(number), role="user" if number % 2 == 0 else "assistant", text="x" * 100))
    assert len(session.requests.of(session.response()).messages) < 10
