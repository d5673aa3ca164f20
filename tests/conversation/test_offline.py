"""Texts to sound without a conversation."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from parley.conversation.offline import Said, given_to_voice, say_text
from parley.models.fakes import FakeSynthesizer
from parley.models.interfaces import Caller, SpeakingStyle


def said(text: str, language: str | None = None) -> tuple[list[str], list[np.ndarray]]:
    voice = FakeSynthesizer(delay_s=0)

    async def run() -> list[np.ndarray]:
        return [chunk async for chunk in say_text(voice, text, SpeakingStyle(language=language), Caller())]

    return voice.said, asyncio.run(run())


def test_the_voice_gets_words_and_pauses_become_silence() -> None:
    words, sound = said('It is $5 <break time="1s"/> now.')
    assert [text.strip() for text in words] == ["It is five dollars", "now."]
    assert [len(chunk) for chunk in sound] == [round(22050 * s) for s in (1.2, 1.0, 0.3)]
    assert not sound[1].any()
    assert sound[0].any()


def test_the_wanted_language_is_spoken() -> None:
    assert said("3,5 km", "de-AT")[0] == ["drei Komma fünf Kilometer"]


@pytest.mark.parametrize("text", ["😀", "***", "<!-- x -->", " "])
def test_what_cannot_be_said_gives_no_sound(text: str) -> None:
    assert said(text) == ([], [])


def test_a_long_text_is_cut_and_said_beside_the_loop() -> None:
    words, _ = said("It is $5. " * 200)
    assert len(words) == 200
    assert {text.strip() for text in words} == {"It is five dollars."}


def test_nobody_waits_for_the_first_words_so_that_no_sentence_is_cut() -> None:
    text = "When was, by the way, the old Brooklyn Bridge opened? It is old."
    assert [said.words for said in given_to_voice(text, "en")] == [text[:53], text[54:]]


def test_what_a_voice_would_get_can_be_seen() -> None:
    assert given_to_voice("Hi, there [pause=2s]😀\nBye", "en") == [
        Said("Hi, there", 2.0),
        Said("", 0.0),
        Said("Bye", 0.0),
    ]
