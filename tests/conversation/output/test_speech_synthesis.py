"""Text is taken as it comes and said piece by piece; in need of sound less text will do."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest

from parley.conversation.engines.base import (
    AlivePart,
    AwaitsTextPart,
    CutShortPart,
    PartialResponse,
    PiecePart,
    ResponsePart,
    ResponseRequest,
    RetractPart,
    SpeechPart,
    TextPart,
    ToolPart,
    UsagePart,
    WrittenPart,
)
from parley.conversation.output.speech_synthesis import speak_deltas
from parley.errors import ModelError
from parley.models.fakes import FakeSynthesizer
from parley.models.interfaces import Caller, ChatDelta, ChatOptions, Priority, SpeakingStyle, ToolCall, Usage
from tests.virtual_time import run_virtual

Step = str | float | ChatDelta | ModelError
"""Text, seconds that pass, anything else that a model gives, or its fault."""


async def deltas(steps: Sequence[Step]) -> AsyncGenerator[ChatDelta, None]:
    for step in steps:
        if isinstance(step, float):
            await asyncio.sleep(step)
        elif isinstance(step, ModelError):
            raise step
        else:
            yield ChatDelta(step) if isinstance(step, str) else step


class Spoken:
    """What comes of an answer: its parts, and when."""

    def __init__(self, *steps: Step, voice: FakeSynthesizer | None = None, **request: Any) -> None:
        self.voice = FakeSynthesizer() if voice is None else voice
        self.parts: list[ResponsePart] = []
        self.times: list[float] = []
        self.fault: ModelError | None = None
        wanted: dict[str, Any] = {"synthesizer": self.voice, **request}
        run_virtual(self.run(steps, wanted))

    async def run(self, steps: Sequence[Step], wanted: dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def emit(part: ResponsePart) -> None:
            self.parts.append(part)
            self.times.append(round(loop.time() - began, 3))

        options, caller = ChatOptions(), Caller("s", Priority.COMMITTED)
        request = ResponseRequest([], options, SpeakingStyle(), caller=caller, **wanted)
        try:
            await speak_deltas(deltas(steps), request, emit)
        except ModelError as fault:
            self.fault = fault

    def of(self, kind: type) -> list[Any]:
        return [part for part in self.parts if isinstance(part, kind)]

    def at(self, kind: type) -> list[float]:
        return [at for at, part in zip(self.times, self.parts, strict=True) if isinstance(part, kind)]

    @property
    def said(self) -> list[str]:
        return [text.strip() for text in self.voice.said]


def left(seconds: float) -> Callable[[], float]:
    return lambda: seconds


def test_text_is_passed_on_as_it_comes_and_said_in_pieces() -> None:
    s = Spoken("It is noon. ", "Good", " day.")
    assert [part.text for part in s.of(TextPart)] == ["It is noon. ", "Good", " day."]
    assert s.said == ["It is noon.", "Good day."]
    assert len(s.of(PiecePart)) == len(s.of(SpeechPart)) == 2
    assert len(s.of(WrittenPart)) == 1


def test_words_know_their_place_in_the_answer_and_in_their_part() -> None:
    s = Spoken("It is noon. Good day.")
    words = [(w.text_end, round(w.start_s, 2), round(w.end_s, 2)) for part in s.of(SpeechPart) for w in part.words]
    assert words == [(2, 0.0, 0.3), (5, 0.3, 0.6), (11, 0.6, 0.9), (16, 0.0, 0.3), (21, 0.3, 0.6)]
    assert all(part.rate_hz == 22050 for part in s.of(SpeechPart))


def test_a_sound_in_parts_has_its_times_from_the_start_of_each() -> None:
    voice = FakeSynthesizer()
    voice.times_words = False
    s = Spoken("one two three four.", voice=voice)
    parts = s.of(SpeechPart)
    begins = sum(len(part.samples) for part in parts[:1]) / 22050
    assert len(parts) > 1
    later = [w for part in parts[1:] for w in part.words]
    assert later
    assert all(w.estimated for w in later)
    assert all(-begins <= w.start_s < w.end_s for w in later)


def test_a_call_behind_words_makes_them_whole() -> None:
    call = ToolCall(0, "c", "f", "{}", True)
    s = Spoken("Let me see", ChatDelta(tool_call=call), 9.0)
    assert s.of(ToolPart) == [ToolPart(call)]
    assert s.said == ["Let me see"]
    assert s.at(SpeechPart)[0] < 1.0, "nobody waits for more of them"


def test_all_else_that_a_model_says_is_passed_on() -> None:
    usage = Usage(1, 2, 0)
    s = Spoken(
        "Hi.", ChatDelta(usage=usage), ChatDelta(finish_reason="length"), ChatDelta(finish_reason="stop"), ChatDelta()
    )
    assert s.of(UsagePart) == [UsagePart(usage)]
    assert len(s.of(CutShortPart)) == 1
    assert len(s.of(AlivePart)) == 1


def test_what_was_none_of_the_answer_is_not_said() -> None:
    s = Spoken("Let us think about ", ChatDelta("It is noon.", retracts=True), "Noon.")
    assert s.said == ["Noon."]
    assert len(s.of(RetractPart)) == 1
    assert [part.text for part in s.of(TextPart)] == ["Let us think about ", "Noon."]
    (word,) = [w for part in s.of(SpeechPart) for w in part.words]
    assert word.text_end == 5, "it is the first of the answer"


def test_sound_of_what_is_taken_back_meanwhile_is_not_heard() -> None:
    s = Spoken("Let us think. ", 0.02, ChatDelta(retracts=True), "Noon.")
    assert s.said == ["Let us think.", "Noon."]
    assert len(s.of(SpeechPart)) == 1


def test_before_a_fault_everything_is_said_and_then_it_is_raised() -> None:
    s = Spoken("It is noon and", ModelError("broken"))
    assert str(s.fault) == "broken"
    assert s.said == ["It is noon and"]
    assert s.of(WrittenPart) == []


def test_a_voice_that_fails_ends_it() -> None:
    voice = FakeSynthesizer()
    voice.fail = True
    s = Spoken("It is noon.", 5.0, "Good day.", voice=voice)
    assert "fails as told" in str(s.fault)
    assert s.of(SpeechPart) == []


def test_without_a_voice_it_is_written_alone() -> None:
    s = Spoken("It is noon. ", "Good day.", synthesizer=None)
    assert [part.text for part in s.of(TextPart)] == ["It is noon. ", "Good day."]
    assert s.of(PiecePart) == s.of(SpeechPart) == s.of(AwaitsTextPart) == []


def test_a_model_that_writes_without_end_is_stopped() -> None:
    assert Spoken("x " * 99_999, synthesizer=None).fault is None
    assert "wrote more than 200000 characters" in str(Spoken("x " * 100_001, synthesizer=None).fault)


def test_it_is_told_once_that_the_voice_waits_for_text() -> None:
    s = Spoken("It is noon. ", 2.0, "And ", 2.0, "good day.", left_s=left(math.inf))
    assert s.at(AwaitsTextPart) == [0.05], "behind the first sentence"
    assert Spoken(3.0, "Noon.").at(AwaitsTextPart) == [0.0]


@pytest.mark.parametrize(
    ("left_s", "said_at"),
    [
        (math.inf, 5.2),  # nobody listens yet
        (5.0, 5.2),  # there is sound enough
        (0.41, 5.2),
        (0.4, 0.2),
        (0.0, 0.2),
    ],
)
def test_with_little_sound_left_a_clause_is_said(left_s: float, said_at: float) -> None:
    s = Spoken("Well. ", 0.2, "It will be noon, I", 5.0, " mean.", left_s=left(left_s))
    assert s.at(PiecePart)[1] == pytest.approx(said_at)


@pytest.mark.parametrize(
    ("text", "said", "said_at"),
    [("It will be noon", "It will be", 0.71), ("It will", "It", 1.41), ("It", "It mean.", 5.2)],
)
def test_after_silence_words_are_said_that_are_no_clause(text: str, said: str, said_at: float) -> None:
    s = Spoken(0.2, text, 5.0, " mean.", left_s=left(0.0))
    assert s.said[0] == said
    assert s.at(PiecePart)[0] == pytest.approx(said_at, abs=0.02)


def test_words_behind_a_whole_sentence_have_waited_only_since_they_came() -> None:
    s = Spoken("Well. ", 3.0, "It will", 5.0, " mean.", left_s=left(0.0))
    assert s.at(PiecePart)[1] == pytest.approx(3.0 + 1.21, abs=0.02)


def test_sound_that_runs_out_is_noticed() -> None:
    began: list[float] = []

    def running_out() -> float:
        now = asyncio.get_running_loop().time()
        began.append(now)
        return max(0.0, 2.0 - (now - began[0]))

    s = Spoken("Well. ", 0.2, "It will be noon, I", 5.0, " mean.", left_s=running_out)
    assert s.at(PiecePart)[1] == pytest.approx(1.66, abs=0.03), "0.4 s before it has run out"


def test_what_has_begun_goes_on_behind_what_has_a_sound() -> None:
    s = Spoken(" And good day.", begun=PartialResponse("It is noon. It is", 11, False))
    assert " ".join(s.said) == "It is And good day."
    ends = [w.text_end for part in s.of(SpeechPart) for w in part.words]
    assert ends[0] == 14
    assert ends[-1] == len("It is noon. It is And good day.")


def test_a_voice_that_stalls_is_asked_anew_behind_what_has_a_sound() -> None:
    stalled = asyncio.Event()
    voice = FakeSynthesizer()
    voice.stall_after = 1

    def spoken_chars() -> int:
        voice.stall_after = None
        return 11

    class Stalling(Spoken):
        async def run(self, steps: Sequence[Step], wanted: dict[str, Any]) -> None:
            asyncio.get_running_loop().call_later(3.0, stalled.set)
            await super().run(steps, wanted)

    s = Stalling("It is noon. Good day.", voice=voice, voice_stalled=stalled, spoken_chars=spoken_chars)
    assert s.said == ["It is noon.", "Good day."]
    assert s.at(SpeechPart)[1] == pytest.approx(3.05)
    assert not stalled.is_set()
    assert [w.text_end for part in s.of(SpeechPart) for w in part.words] == [2, 5, 11, 16, 21]


@pytest.mark.parametrize("written", ["😀", "😀 😀"])
def test_what_has_no_sound_is_heard_with_what_stands_before_it(written: str) -> None:
    s = Spoken(f"Noon. {written}")
    assert s.said == ["Noon."]
    last = s.of(SpeechPart)[-1]
    assert len(last.samples) == 0
    assert [(w.text_end, w.start_s, w.end_s) for w in last.words] == [(len(f"Noon. {written}"), 0.0, 0.0)]
    assert Spoken(written).of(SpeechPart) == [], "there is nothing before it"


def test_a_pause_is_silence_behind_its_piece() -> None:
    s = Spoken('Wait <break time="1s"/> now.')
    sounds = [(len(part.samples), bool(part.samples.any())) for part in s.of(SpeechPart)]
    assert sounds == [(6615, True), (22050, False), (6615, True)]


def test_all_that_is_not_said_yet_is_said_again_from_the_first_word_without_a_sound() -> None:
    stalled = asyncio.Event()
    voice = FakeSynthesizer()
    voice.stall_after = 1

    def spoken_chars() -> int:
        voice.stall_after = None
        return 14

    class Stalling(Spoken):
        async def run(self, steps: Sequence[Step], wanted: dict[str, Any]) -> None:
            asyncio.get_running_loop().call_later(3.0, stalled.set)
            await super().run(steps, wanted)

    begun = PartialResponse("It is noon. ", 12, False)
    s = Stalling(
        "It is. ", "Good day. ", "Bye", voice=voice, voice_stalled=stalled, spoken_chars=spoken_chars, begun=begun
    )
    assert s.said == ["It is.", "is. Good day.", "Bye"] or s.said[1:] == ["is.", "Good day.", "Bye"]


def test_the_voice_is_asked_in_the_wanted_style_and_for_whom() -> None:
    asked: list[tuple[Any, Any]] = []

    class Noting(FakeSynthesizer):
        async def synthesize(self, text: str, style: Any, caller: Any) -> Any:
            asked.append((style, caller))
            async for chunk in super().synthesize(text, style, caller):
                yield chunk

    Spoken("Noon.", voice=Noting())
    assert asked == [(SpeakingStyle(), Caller("s", Priority.COMMITTED))]


def test_what_was_taken_back_had_no_sound() -> None:
    s = Spoken("Noon. ", 1.0, ChatDelta(retracts=True), "😀", 1.0)
    assert [len(part.words) for part in s.of(SpeechPart)] == [1], "what has no sound has nothing before it now"
