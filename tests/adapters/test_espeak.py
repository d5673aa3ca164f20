"""espeak-ng's library has one global state, whoever uses it."""

from __future__ import annotations

import asyncio

import pytest

from parley.adapters.espeak import Espeak
from parley.errors import ModelError
from parley.languages import NAMES
from parley.models.interfaces import Caller, SpeakingStyle

TEXTS = {
    "en": "The ship sailed at dawn.",
    "de": "Das Schiff lief im Morgengrauen aus.",
    "te": "ఓడ తెల్లవారుజామున బయలుదేరింది.",
}
ROUNDS = 40


async def said_s(voice: Espeak, language: str) -> float:
    chunks = voice.synthesize(TEXTS[language], SpeakingStyle(language=language), Caller("test"))
    return sum([len(c.samples) async for c in chunks]) / voice.rate_hz


async def test_it_claims_the_languages_that_it_speaks_and_no_others() -> None:
    voice = await asyncio.to_thread(Espeak)

    async def speaks(code: str) -> bool:
        try:
            return bool([c async for c in voice.synthesize("1 2 3", SpeakingStyle(language=code), Caller("test"))])
        except ModelError:
            return False

    assert [code for code in NAMES if await speaks(code)] == list(voice.languages)
    assert {"en", "te", "zh", "no"} <= set(voice.languages)
    assert "yo" not in voice.languages
    voice.close()


async def test_voices_that_are_loaded_and_unloaded_leave_the_speech_of_others_alone() -> None:
    first = await asyncio.to_thread(Espeak)
    alone = {language: await said_s(first, language) for language in TEXTS}

    async def speak(language: str) -> None:
        voice = await asyncio.to_thread(Espeak)
        for _ in range(ROUNDS):
            assert await said_s(voice, language) == pytest.approx(alone[language], abs=0.05)
        voice.close()

    async def come_and_go() -> None:
        for _ in range(ROUNDS):
            (await asyncio.to_thread(Espeak)).close()

    await asyncio.gather(*(speak(language) for language in TEXTS), come_and_go())
    first.close()
