"""Words of a voice that tells no times are shared out over the sound that it makes."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.models.fakes import FakeSynthesizer, tone
from parley.models.interfaces import Caller, SpeakingStyle, SpeechChunk, WordTiming
from parley.models.word_times import timed_speech
from tests.virtual_time import run_virtual

TEXT = "Well, it is three o'clock. Is it?"


class Silent(FakeSynthesizer):
    """Says so many seconds in so many chunks; claims what is to be claimed, and tells no times."""

    def __init__(self, seconds: float, chunks: int, *, claims: bool = False) -> None:
        super().__init__()
        self.seconds = seconds
        self.chunks = chunks
        self.times_words = claims

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        for _ in range(self.chunks):
            yield SpeechChunk(tone(self.seconds / self.chunks, self.rate_hz))


async def chunks_of(voice: FakeSynthesizer, text: str) -> list[SpeechChunk]:
    return [chunk async for chunk in timed_speech(voice, text, SpeakingStyle(), Caller())]


def words_of(voice: FakeSynthesizer, text: str) -> list[WordTiming]:
    return [word for chunk in run_virtual(chunks_of(voice, text)) for word in chunk.words]


def test_a_voice_that_tells_times_is_believed() -> None:
    words = words_of(FakeSynthesizer(), TEXT)
    assert [(w.start_s, w.estimated) for w in words[:2]] == [(0.0, False), (0.3, False)]


@pytest.mark.parametrize("claims", [False, True])
@pytest.mark.parametrize("chunks", [1, 7, 40])
@pytest.mark.parametrize("seconds", [0.5, 2.2, 9.0])
def test_every_word_is_told_once_in_order_and_within_the_sound(*, seconds: float, chunks: int, claims: bool) -> None:
    words = words_of(Silent(seconds, chunks, claims=claims), TEXT)
    assert [TEXT[w.text_start : w.text_end] for w in words] == TEXT.split()
    assert all(w.estimated for w in words)
    ends = [0.0, *(w.end_s for w in words)]
    assert all(a == w.start_s <= w.end_s for a, w in zip(ends, words, strict=False))
    if chunks > 1:
        assert words[-1].end_s <= max(seconds, 2.2 + 0.5) + 1e-6


def test_words_are_told_with_the_sound_in_which_they_begin_and_the_last_at_the_end() -> None:
    passed = 0.0
    *chunks, end = run_virtual(chunks_of(Silent(3.9, 13), TEXT))
    assert [TEXT[w.text_start : w.text_end] for w in end.words] == ["it?"]
    for chunk in chunks:
        assert all(passed - 1e-6 <= w.start_s <= passed + 0.3 for w in chunk.words)
        passed += len(chunk.samples) / FakeSynthesizer.rate_hz


def test_a_long_word_and_a_pause_take_longer_than_a_short_one() -> None:
    words = words_of(Silent(3.0, 30, claims=False), "I understand. Yes.")
    lengths = [w.end_s - w.start_s for w in words]
    assert lengths[1] > 3 * lengths[0]
    assert words[-1].end_s == pytest.approx(3.0, abs=0.01), "the last word is said when the sound ends"


def test_where_no_blanks_are_written_each_letter_is_a_word() -> None:
    text = "今天天气很好。"
    assert [text[w.text_start : w.text_end] for w in words_of(Silent(1.4, 7), text)] == [*"今天天气很", "好。"]


@given(st.text(max_size=40), st.floats(0.0, 5.0), st.integers(1, 9))
def test_whatever_is_said_times_never_go_back(text: str, seconds: float, chunks: int) -> None:
    words = words_of(Silent(seconds, chunks), text)
    times = [t for w in words for t in (w.start_s, w.end_s)]
    assert times == sorted(times)
    assert [w.text_start for w in words] == sorted(w.text_start for w in words)
