"""Language models and their servers as they are: slow, broken, thinking aloud, calling in their own ways."""

from __future__ import annotations

import asyncio
import difflib
import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from parley.audio.files import wav_header
from parley.audio.pcm import to_bytes
from tests.conftest import RunningServer, start_server, stop_server
from tests.looking import unexpected
from tests.wild.scripted import Reply, Script, ScriptedServer, running
from tests.wild.talking import RATE_HZ, Answer, Talk

BRIDGE = "The bridge was opened in 1883 and it is still in use."
LONG = (
    "The Brooklyn Bridge was opened in 1883. It joins Manhattan and Brooklyn, and many people still walk over it "
    "on every day of the year."
)
WEATHER = {
    "type": "function", "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What a server does, and what is right then."""

    name: str
    script: Script
    before: str
    text: str | None = None
    """What counts of the answer in the end; None: it failed."""
    calls: tuple[tuple[str, Any], ...] = ()
    tools: bool = False
    requests: int | None = None
    """How many the server may see for it."""
    written: bool = False


CASES: list[Case] = []


def case(before: str, text: str | None = None, **more: Any) -> Callable[[Script], Script]:
    def add(script: Script) -> Script:
        name = getattr(script, "__name__", "").replace("_", " ")
        CASES.append(Case(f"case {name};", script, before, text, **more))
        return script

    return add


def whole(text: str, reason: str = "stop") -> Script:
    async def script(reply: Reply) -> None:
        await reply.say(text)
        await reply.done(reason)

    return script


# -- slow, and broken off ---------------------------------------------------------------------------------------------


@case("said twice", BRIDGE, requests=2)
async def breaks_and_the_model_goes_on(reply: Reply) -> None:
    if reply.tries == 1:
        await reply.say("The bridge was opened in 1883 and it")
        reply.drop()
        return
    await reply.say(BRIDGE[len(reply.prefix) :].lstrip() if BRIDGE.startswith(reply.prefix) else BRIDGE)
    await reply.done()


@case("said twice", BRIDGE, requests=2)
async def breaks_and_the_model_begins_again(reply: Reply) -> None:
    await reply.say("The bridge was opened in 1883 and it" if reply.tries == 1 else BRIDGE)
    if reply.tries == 1:
        reply.drop()
    else:
        await reply.done()


@case("said twice", BRIDGE, requests=2)
async def breaks_in_the_middle_of_a_word(reply: Reply) -> None:
    await reply.say("The bridge was opened in 1883 and it is sti" if reply.tries == 1 else BRIDGE)
    if reply.tries == 1:
        reply.drop()
    else:
        await reply.done()


@case("refused and given up", BRIDGE, requests=3)
async def takes_no_answer_as_the_last_message(reply: Reply) -> None:
    if reply.tries == 1:
        await reply.say("The bridge was opened in 1883 and it")
        reply.drop()
    elif reply.prefix:
        await reply.json({"error": {"message": "last message must be from the user"}}, 400)
    else:
        await reply.say(BRIDGE)
        await reply.done()


@case("nothing of it was said", "The first half is here, but then")
async def breaks_and_never_comes_back(reply: Reply) -> None:
    if reply.tries == 1:
        await reply.say("The first half is here, but then")
        reply.drop()
    else:
        await reply.json({"error": {}}, 400)


@case(
    "said twice, then a third time",
    "Let me look that up.",
    calls=(("weather", {"city": "Paris"}),),
    tools=True,
    requests=1,
)
async def thinks_long_over_arguments(reply: Reply) -> None:
    await reply.say("Let me look that up.")
    await reply.delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "weather", "arguments": '{"ci'}}])
    for letter in 'ty": "Paris"}':
        await asyncio.sleep(0.35)
        await reply.delta(tool_calls=[{"index": 0, "function": {"arguments": letter}}])
    await reply.done("tool_calls")


@case("begun anew in the middle of its thoughts", "Well, it is so. But it is late.", requests=1)
async def thinks_in_the_middle(reply: Reply) -> None:
    await reply.say("Well, it is so.")
    for _ in range(8):
        await asyncio.sleep(0.5)
        await reply.delta(reasoning_content="hm ")
    await reply.say(" But it is late.")
    await reply.done()


@case("begun anew while the server said that it is at work", "Well, it is so. But it is late.", requests=1)
async def sends_comments_meanwhile(reply: Reply) -> None:
    await reply.say("Well, it is so.")
    for _ in range(8):
        await asyncio.sleep(0.5)
        await reply.raw(": keep-alive\n\n")
    await reply.say(" But it is late.")
    await reply.done()


@case("waits for the socket", "It is noon.")
async def keeps_the_socket_open(reply: Reply) -> None:
    await reply.say("It is noon.")
    await reply.done()
    await asyncio.sleep(60)


# -- thoughts and calls in the words ----------------------------------------------------------------------------------

for name, text in {
    "think": "<think>They want Paris.</think>Paris it is.",
    "think without an opening": "They want to know the capital, I think.</think>Paris it is.",
    "harmony": "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Paris it is.",
    "control tokens": "<|im_start|>assistant\nParis it is.<|im_end|>\n<|im_start|>user\nThanks a lot!",
    "another bracket": "[THINK]They want Paris.[/THINK]Paris it is.",
}.items():
    CASES.append(Case(f"case thoughts as {name};", whole(text), "spoken", "Paris it is."))

for name, text in {
    "hermes": '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>',
    "mistral": '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Paris"}}]',
    "llama": '<|python_tag|>{"name": "weather", "parameters": {"city": "Paris"}}',
    "bare": '{"name": "weather", "parameters": {"city": "Paris"}}',
    "xml": '<function_calls><invoke name="weather"><parameter name="city">Paris</parameter></invoke></function_calls>',
}.items():
    CASES.append(
        Case(f"case call as {name};", whole(text), "spoken", "", calls=(("weather", {"city": "Paris"}),), tools=True)
    )


@case("fails without a word", "Paris it is.")
async def thoughts_eat_the_bound(reply: Reply) -> None:
    await reply.delta(reasoning_content="hm, what may they mean ")
    if "chat_template_kwargs" in reply.request:
        await reply.say("Paris it is.")
        await reply.done()
    else:
        await reply.done("length")


# -- calls ------------------------------------------------------------------------------------------------------------

BOTH = (("weather", {"city": "Paris"}), ("weather", {"city": "Rome"}))


def called(*fragments: dict[str, Any]) -> Script:
    async def script(reply: Reply) -> None:
        await reply.say("Let me check.")
        for fragment in fragments:
            await reply.delta(tool_calls=[fragment])
        await reply.done("tool_calls")

    return script


def part(index: Any, call_id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    found = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
    return {k: v for k, v in found.items() if k != "index" or index != "none"}


for name, fragments in {
    "with the same index": (part(0, "a", "weather", '{"city":"Paris"}'), part(0, "b", "weather", '{"city":"Rome"}')),
    "without an index": (
        part("none", "a", "weather", '{"city":"Paris"}'), part("none", "b", "weather", '{"city":"Rome"}'),
    ),
    "with null for an index": (
        part(None, "a", "weather", '{"city":'), part(None, None, None, '"Paris"}'),
        part(None, "b", "weather", '{"city":"Rome"}'),
    ),
    "with objects for arguments": (
        part(0, "a", "weather", {"city": "Paris"}), part(1, "b", "weather", {"city": "Rome"}),
    ),
    "with late names": (
        part(0, "a", None, '{"city":"Paris"'), part(0, None, "weather", "}"), part(1, "b", None, '{"city":'),
        part(1, None, "weather", '"Rome"}'),
    ),
    "with broken arguments": (part(0, "a", "weather", '{"city":"Paris",}'), part(1, "b", "weather", '{"city":"Rome"')),
}.items():  # fmt: skip
    CASES.append(
        Case(f"case calls {name};", called(*fragments), "one call of both", "Let me check.", calls=BOTH, tools=True)
    )


@case("no call", "", calls=(("weather", {"city": "Paris"}),), tools=True)
async def legacy_call(reply: Reply) -> None:
    await reply.delta(function_call={"name": "weather", "arguments": '{"city":'})
    await reply.delta(function_call={"arguments": '"Paris"}'})
    await reply.done("function_call")


# -- what is no answer, or one in another form ------------------------------------------------------------------------


@case("an answer without a word", None)
async def a_page(reply: Reply) -> None:
    await reply.head(200, "text/html")
    await reply.raw("<!doctype html><html><body>Sign in, sk-secret</body></html>")


@case("an answer without a word", None)
async def nothing_at_all(reply: Reply) -> None:
    await reply.done()


@case("the provider's words with the key in them", None)
async def an_error_that_quotes_the_key(reply: Reply) -> None:
    await reply.json({"error": {"message": "Incorrect API key provided: sk-secret"}}, 401)


@case("the provider's words with the key in them", None)
async def an_error_in_the_stream(reply: Reply) -> None:
    await reply.event({"error": {"message": "Incorrect API key provided: sk-secret", "code": "invalid_api_key"}})


@case("an answer without a word", "It is noon.")
async def one_json_object(reply: Reply) -> None:
    await reply.json({"choices": [{"message": {"role": "assistant", "content": "It is noon."}}]})


@case("broken event", "It is\u2028noon.")
async def a_line_separator(reply: Reply) -> None:
    await reply.delta(content="It is\u2028noon.")
    await reply.done()


@case("an internal error", "It is noon.")
async def odd_types(reply: Reply) -> None:
    odd: list[Any] = [None, [], 7, {"choices": None}, {"choices": [None]}, {"choices": [{"delta": None}]}]
    for event in odd:
        await reply.event(event)
    await reply.delta(content=None, tool_calls=None)
    await reply.delta(content=[{"type": "text", "text": "It is noon."}], role=7)
    await reply.done(usage={"prompt_tokens": "12", "completion_tokens": None, "prompt_tokens_details": []})


@case("failed at once", "Now it works.", requests=2)
async def busy_for_a_moment(reply: Reply) -> None:
    if reply.tries == 1:
        await reply.json({"error": {}}, 429, Retry_After="0.2")
    else:
        await whole("Now it works.")(reply)


@case("waits or fails", None, requests=1)
async def busy_for_an_hour(reply: Reply) -> None:
    await reply.json({"error": {}}, 429, Retry_After="3600")


@case("refused and given up", "It is noon.", requests=2)
async def wants_max_completion_tokens(reply: Reply) -> None:
    if "max_tokens" in reply.request:
        await reply.json({"error": {"message": "Unsupported parameter: use 'max_completion_tokens' instead"}}, 400)
    else:
        await whole("It is noon.")(reply)


@case("given up after 20 s", "One two three four five six seven eight nine ten.", written=True)
async def slowly_written(reply: Reply) -> None:
    await reply.say("One two three four five six seven eight nine ten.", tokens_a_second=3)
    await reply.done()


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedServer]:
    with running(ScriptedServer({c.name: c.script for c in CASES})) as server:
        yield server


@pytest.fixture(scope="module")
def wild(model: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    log = tmp_path_factory.mktemp("wild") / "serve.log"
    process, found = start_server(log, LLM_BASE_URL=model.url, LLM_API_KEY="sk-secret", PARLEY_LOG_LEVEL="info")
    yield found
    stop_server(process, found)
    text = log.read_text(errors="replace")
    assert not unexpected(text)
    assert "sk-secret" not in text


async def understood(wild: RunningServer, answer: Answer) -> str:
    """What a recogniser hears of an answer."""
    sound = answer.sound
    data = wav_header(len(sound), RATE_HZ) + to_bytes(sound)
    async with httpx.AsyncClient(timeout=60) as client:
        found = await client.post(f"{wild.url}/v1/audio/transcriptions", files={"file": ("a.wav", io.BytesIO(data))})
    return str(found.json()["text"])


def alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.lower().split(), other.lower().split()).ratio()


def cased(found: Case) -> Any:
    return pytest.param(found, id=found.name, marks=pytest.mark.wild(case=found.name[5:-1], before=found.before))


@pytest.mark.parametrize("expected", [cased(c) for c in CASES])
async def test_what_a_model_does_is_answered_as_well_as_can_be(
    expected: Case, wild: RunningServer, model: ScriptedServer
) -> None:
    how: dict[str, Any] = {"tools": [WEATHER]} if expected.tools else {}
    if expected.written:
        how["output_modalities"] = ["text"]
    async with Talk(wild.websocket) as talk:
        answer = await talk.ask(expected.name, **how)
        fails = expected.text is None or "never comes back" in expected.name
        assert answer.status == ("failed" if fails else "completed"), answer.response
        assert "secret" not in str(answer.events)
        assert " ".join(answer.text.split(" ")) == (expected.text or "")
        assert tuple(answer.calls) == expected.calls
        if expected.text and not expected.written:
            assert answer.seconds < 0.6 + 0.12 * len(expected.text), "it is said once"
        if expected.requests is not None:
            assert len(model.of(expected.name)) == expected.requests
        if fails:
            apology = await talk.answer()
            assert apology.text.startswith("Sorry")
        again = await talk.ask("Hello")
        assert again.text == "Hello there."


@pytest.mark.wild(before="below 16 tokens a second said twice, slower three times, then 'stalled'")
async def test_slow_models_are_heard_once_eight_at_a_time(
    wild: RunningServer, model: ScriptedServer, record_property: Callable[[str, object], None]
) -> None:
    speeds = (25, 12, 8, 4, 2, 8, 4, 2)
    for number, speed in enumerate(speeds):

        async def script(reply: Reply, speed: int = speed) -> None:
            await reply.say(LONG, speed)
            await reply.done()

        model.scripts[f"speed {number};"] = script

    async def ask(number: int) -> Answer:
        async with Talk(wild.websocket) as talk:
            return await talk.ask(f"speed {number};", 120)

    answers = await asyncio.gather(*(ask(n) for n in range(len(speeds))))
    for number, (speed, answer) in enumerate(zip(speeds, answers, strict=True)):
        times = [at for at, e in answer.events if e["type"] == "response.output_audio.delta"]
        gaps = [b - a for a, b in itertools.pairwise(times) if b - a > 0.2]
        heard = f"first sound {times[0]:.1f} s, {len(gaps)} gaps, longest {max(gaps, default=0):.1f} s"
        record_property(f"{number}: {speed} tokens a second", heard)
        assert (answer.status, answer.text) == ("completed", LONG)
        assert len(model.of(f"speed {number};")) == 1
        assert alike(await understood(wild, answer), LONG) > 0.6


@pytest.mark.wild(before="4.9 s later, after the sentence was played")
async def test_a_call_leaves_when_it_is_complete_not_when_the_sentence_before_it_was_played(
    wild: RunningServer, model: ScriptedServer
) -> None:
    model.scripts["an early call;"] = called(part(0, "a", "weather", '{"city":"Paris"}'))
    async with Talk(wild.websocket) as talk:
        answer = await talk.ask("an early call;", tools=[WEATHER])
    order = [e["type"] for _, e in answer.events]
    last_sound = max(i for i, kind in enumerate(order) if kind == "response.output_audio.delta")
    assert order.index("response.function_call_arguments.done") < last_sound
    item = next(e for e in answer.of("response.output_item.done") if e["item"]["type"] == "function_call")
    assert item["item"]["status"] == "completed"
    assert answer.text == "Let me check."


@pytest.mark.wild(before="roles in any order, results anywhere, system items in the middle")
async def test_prompts_are_what_strict_servers_take(wild: RunningServer, model: ScriptedServer) -> None:
    async def strict(reply: Reply) -> None:
        roles = [m["role"] for m in reply.request["messages"]]
        rest = roles[1:] if roles[0] == "system" else roles
        good = "system" not in rest and rest[0] == "user" and rest[-1] in ("user", "tool")
        good = good and all(a != b or a == "tool" for a, b in itertools.pairwise(rest))
        await whole("All is well." if good else f"Bad: {roles}")(reply)

    model.scripts["be strict;"] = strict
    async with Talk(wild.websocket) as talk:
        for role, kind, text in (
            ("assistant", "output_text", "Welcome."), ("user", "input_text", "Hi."), ("user", "input_text", "Again."),
            ("system", "input_text", "The user is in a hurry."), ("assistant", "output_text", "Yes?"),
        ):  # fmt: skip
            item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
            await talk.send(type="conversation.item.create", item=item)
        for call in (
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{broken"},
            {"type": "function_call", "call_id": "c2", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c2", "output": "sunny"},
            {"type": "function_call_output", "call_id": "nobody", "output": "lost"},
        ):
            await talk.send(type="conversation.item.create", item=call)
        assert (await talk.ask("be strict;")).text == "All is well."
        last = model.of("be strict;")[-1]["messages"]
        calls = next(m["tool_calls"] for m in last if m.get("tool_calls"))
        assert [c["id"] for c in calls] == ["c1", "c2"]
        assert [m["tool_call_id"] for m in last if m["role"] == "tool"] == ["c1", "c2"]


@pytest.mark.wild(before="5,000 characters of result threw the question away")
async def test_a_long_result_leaves_the_question_in_the_prompt(wild: RunningServer, model: ScriptedServer) -> None:
    model.scripts["what about the result;"] = whole("It is long.")
    async with Talk(wild.websocket) as talk:
        await talk.say("what about the result;")
        call = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
        await talk.send(type="conversation.item.create", item=call)
        result = {"type": "function_call_output", "call_id": "c1", "output": "x" * 90_000}
        await talk.send(type="conversation.item.create", item=result)
        await talk.send(type="response.create")
        assert (await talk.answer()).text == "It is long."
    messages = model.of("what about the result;")[-1]["messages"]
    assert any("what about the result;" in str(m["content"]) for m in messages)
    assert sum(len(str(m["content"])) for m in messages) < 4 * 8192


@pytest.mark.wild(before="failed at every turn from then on")
async def test_a_context_that_is_too_small_makes_the_prompt_shorter(wild: RunningServer, model: ScriptedServer) -> None:
    async def small(reply: Reply) -> None:
        if sum(len(str(m["content"])) for m in reply.request["messages"]) > 9000:
            said = "This model's maximum context length is 4096 tokens. Please reduce the length of the messages."
            await reply.json({"error": {"message": said, "code": "context_length_exceeded"}}, 400)
        else:
            await whole("It fits.")(reply)

    model.scripts["does it fit;"] = small
    async with Talk(wild.websocket) as talk:
        for number in range(8):
            await talk.say(f"Fact {number}: " + "the sky is blue and the grass is green. " * 60)
            item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I see."}]}
            await talk.send(type="conversation.item.create", item=item)
        assert (await talk.ask("does it fit;")).text == "It fits."


@pytest.mark.wild(before="it did not start")
async def test_a_server_starts_without_its_model_and_says_so(tmp_path: Any) -> None:
    log = tmp_path / "serve.log"
    process, found = await asyncio.to_thread(lambda: start_server(log, LLM_BASE_URL="http://127.0.0.1:9/v1"))
    try:
        async with Talk(found.websocket) as talk:
            answer = await talk.ask("Hello")
            assert answer.status == "failed"
            assert "127.0.0.1:9" in answer.reason
            assert (await talk.answer()).text.startswith("Sorry")
        assert "does not answer" in log.read_text()
    finally:
        await asyncio.to_thread(stop_server, process, found)


@pytest.mark.wild(before="the provider's words with the key in them")
async def test_what_is_passed_through_tells_nothing_of_the_providers_errors(
    wild: RunningServer, model: ScriptedServer
) -> None:
    async def quoting(reply: Reply) -> None:
        status = int(str(reply.request["messages"][-1]["content"]).split()[-1])
        await reply.json({"error": {"message": "Incorrect API key provided: sk-secret"}}, status)

    model.scripts["pass through"] = quoting
    async with httpx.AsyncClient(timeout=30) as client:
        for status in (400, 401, 403, 429, 500):
            body = {"model": "scripted", "messages": [{"role": "user", "content": f"pass through {status}"}]}
            answer = await client.post(f"{wild.url}/v1/chat/completions", json=body)
            assert answer.status_code == 502
            assert "secret" not in answer.text
            assert str(status) in answer.json()["error"]["message"]
        nonsense = await client.post(f"{wild.url}/v1/chat/completions", content="[" * 100_000)
        assert nonsense.status_code == 400
