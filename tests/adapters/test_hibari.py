"""Several voices of one network: other pitch, other formants, the same words at the same times."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from parley.adapters.hibari import stretched
from parley.audio.pcm import Float32, to_float
from parley.cli import local
from parley.models.interfaces import Caller, Pronunciation, SpeakingStyle, Synthesizer, WordTiming

TEXT = "We all know every rainy morning."
"""Voiced nearly all of the time."""


@pytest.fixture(params=["hibari-low", "hibari-high", "hibari-alto"])
async def other(request: pytest.FixtureRequest) -> AsyncIterator[Synthesizer]:
    voice = await local.load_model(request.param, "tts", quiet=True)
    yield voice
    voice.close()


async def said(voice: Synthesizer) -> tuple[Float32, list[str]]:
    chunks = [c async for c in voice.synthesize(TEXT, SpeakingStyle(), Caller("listener"))]
    words = [TEXT[w.text_start : w.text_end] for c in chunks for w in c.words]
    return to_float(np.concatenate([c.samples for c in chunks])), words


def pitch_hz(sound: Float32, rate_hz: int) -> float:
    """Median over windows of 50 ms, by autocorrelation between 70 and 400 Hz."""
    size = rate_hz // 20
    found = []
    for window in np.lib.stride_tricks.sliding_window_view(sound, size)[:: size // 2]:
        if np.abs(window).max() < 0.1:
            continue
        likeness = np.correlate(window, window, "full")[size - 1 :] / np.arange(size, 0, -1)
        shortest, longest = rate_hz // 400, rate_hz // 70
        found.append(rate_hz / (shortest + likeness[shortest:longest].argmax()))
    return float(np.median(found))


async def test_voices_of_one_network_differ_in_pitch_and_say_the_same(other: Synthesizer) -> None:
    heart = await local.load_model("hibari-heart", "tts", quiet=True)
    usual, words = await said(heart)
    sound, the_same = await said(other)
    wanted = {"hibari-low": 0.56, "hibari-high": 1.2, "hibari-alto": 0.78}[other.name]
    assert pitch_hz(sound, other.rate_hz) / pitch_hz(usual, heart.rate_hz) == pytest.approx(wanted, rel=0.15)
    assert the_same == words
    assert len(sound) == pytest.approx(len(usual), rel=0.05)
    heart.close()


GIVEN = (Pronunciation(12, 15, "bəˈnænə"), Pronunciation(20, 33, "ˈsɪti ˈhɔːl"), Pronunciation(34, 36, "ʘ"))
ASKED = "Please buy, xyz, at the green house me."


async def test_sounds_that_are_given_are_said_in_place_of_the_letters_and_every_word_has_its_time() -> None:
    voice: Any = await local.load_model("hibari-heart", "tts", quiet=True)
    [sentence] = voice._sentences(ASKED)
    [utterance] = voice._phonemize(sentence, voice.voices[0], GIVEN)
    letters = {number: phoneme for phoneme, number in voice._ids.items()}
    spoken = "".join(letters.get(number, "") for number in utterance.ids)
    assert "bənˈænə," in spoken
    assert "sˈɪti hˈɔl" in spoken
    assert "ɡɹˈin" not in spoken
    assert spoken.endswith("mˌi.") or "mˈi" in spoken, "what nobody can say is said by its letters"
    words: list[WordTiming] = []
    async for chunk in voice.synthesize(ASKED, SpeakingStyle(pronounced=GIVEN), Caller("listener")):
        words += chunk.words
    assert [ASKED[w.text_start : w.text_end] for w in words] == ASKED.split()
    assert all(one.start_s <= other.start_s for one, other in itertools.pairwise(words))
    assert all(w.start_s <= w.end_s for w in words)
    voice.close()


async def test_sounds_that_reach_over_two_sentences_are_said_once() -> None:
    voice: Any = await local.load_model("hibari-heart", "tts", quiet=True)
    text = "Doctor Who? No."
    letters = {number: phoneme for phoneme, number in voice._ids.items()}
    said: set[Pronunciation] = set()
    given = (Pronunciation(7, 14, "zæz"),)
    spoken = [
        "".join(letters.get(n, "") for n in utterance.ids)
        for sentence in voice._sentences(text)
        for utterance in voice._phonemize(sentence, voice.voices[0], given, said)
    ]
    assert "".join(spoken).count("zæz") == 1
    voice.close()


@pytest.mark.parametrize(("factor", "at"), [(1.0, 40), (0.85, 34), (1.1, 44), (2.0, 80)])
def test_formants_are_moved_by_their_factor(factor: float, at: int) -> None:
    spectra = np.full((101, 3), -5.0, np.float32)
    spectra[40] = 1.0
    moved = stretched(spectra, factor)
    assert moved.shape == spectra.shape
    assert moved.argmax(axis=0).tolist() == [at] * 3
    assert np.isfinite(moved).all()
