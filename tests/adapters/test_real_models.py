"""Each adapter on its real model."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import numpy as np
import psutil
import pytest

from parley.adapters.chat_servers import find_servers
from parley.adapters.openai_chat import OpenAiChat
from parley.audio import files, loudness
from parley.audio.pcm import Float32, to_float
from parley.audio.resample import resample
from parley.cli import local
from parley.client.word_errors import rate
from parley.errors import ModelError
from parley.models.interfaces import MODEL_RATE_HZ, UNGUIDED, Caller, ChatOptions, Guidance, SpeakingStyle
from tests.conftest import SHARED, Clip

CALLER = Caller("test")


def sound(clip: Clip) -> Float32:
    return files.read_float(clip.path, MODEL_RATE_HZ)


async def closed(model: Any) -> None:
    if hasattr(model, "aclose"):
        await model.aclose()
    else:
        model.close()


async def test_silero_finds_speech_and_batches_streams(question: Clip) -> None:
    vad = await local.load_model("silero-vad", "vad", quiet=True)
    audio = np.concatenate([np.zeros(16000, np.float32), sound(question), np.zeros(16000, np.float32)])
    alone = await vad.open().feed(audio)
    together = await asyncio.gather(*(vad.open().feed(audio) for _ in range(8)))
    assert max(alone[:20]) < 0.3
    assert max(alone) > 0.9
    assert max(alone[-10:]) < 0.3
    for other in together:
        assert other == pytest.approx(alone, abs=1e-3)
    await closed(vad)


async def test_smart_turn_tells_a_whole_question_from_a_cut_one(question: Clip) -> None:
    model = await local.load_model("smart-turn-v3", "end_of_turn", quiet=True)
    audio, pause = sound(question), np.zeros(3200, np.float32)  # it is asked in pauses only

    async def judged(part: int) -> float:
        return float(await model.probability(np.concatenate([audio[: len(audio) * part // 20], pause]), CALLER))

    whole, cuts = await judged(20), [await judged(part) for part in range(5, 13)]
    assert np.mean(cuts) < 0.75 * whole, "of one cut it may be wrong: some happen to sound like an end"
    assert whole > 0.4 or not SHARED.exists(), "of a synthetic question it is less sure, and each time otherwise"
    await closed(model)


async def test_moonshine_hears_whether_a_question_is_whole(question: Clip) -> None:
    model = await local.load_model("moonshine-tiny-en", "asr", quiet=True)
    audio, pause = sound(question), np.zeros(1600, np.float32)

    async def judged(part: int) -> float:
        stream = model.open("en")
        stream.feed(np.concatenate([audio[: len(audio) * part // 20], pause]))
        finished = (await stream.finish(CALLER)).finished
        assert finished is not None
        return float(finished)

    whole, cuts = await judged(20), [await judged(part) for part in range(5, 13)]
    assert model.tells_ends
    assert np.mean(cuts) < 0.75 * whole, "of one cut it may be wrong: some happen to sound like an end"
    assert (await model.open("en").finish(CALLER)).finished is None
    await closed(model)


async def test_a_small_language_model_tells_whether_words_can_end() -> None:
    model = await local.load_model("smollm2-135m", "llm", quiet=True, family="sentence-end")
    assert await model.probability("What time is it?", CALLER) > 0.1
    assert await model.probability("I would like the.", CALLER) < 0.01
    assert await model.probability("", CALLER) == 0
    piece_of_a_character_follows = "I hope I can get high confidence from language, Jed."
    assert await model.probability(piece_of_a_character_follows, CALLER) < 0.1
    await closed(model)


@pytest.mark.parametrize("name", ["moonshine-tiny-en", "whisper-base"])
async def test_recognisers_understand_and_go_on(name: str, question: Clip) -> None:
    model = await local.load_model(name, "asr", quiet=True)
    stream = model.open("en")
    audio = sound(question)
    stream.feed(audio[: len(audio) // 2])
    await stream.partial(CALLER)
    stream.feed(audio[len(audio) // 2 :])
    transcript = await stream.finish(CALLER)
    assert rate(question.transcript, transcript.text) <= 0.4
    assert (await model.open("en").finish(CALLER)).text == ""
    await closed(model)


async def test_whisper_detects_the_language_or_takes_the_one_it_is_told(question: Clip) -> None:
    model = await local.load_model("whisper-base", "asr", quiet=True)
    detected = model.open(None)
    detected.feed(sound(question))
    assert (await detected.finish(CALLER)).language == "en"
    telugu = SHARED / "te-common-voice-43371458.wav"
    told = model.open("te")
    told.feed(files.read_float(telugu, MODEL_RATE_HZ) if telugu.exists() else sound(question))
    transcript = await told.finish(CALLER)
    assert transcript.language == "te"
    assert transcript.text or not telugu.exists()
    await closed(model)


@pytest.mark.parametrize(("name", "median_s"), [("moonshine-tiny-en", 0.06), ("whisper-base", 0.16)])
async def test_recognisers_tell_when_words_were_said(name: str, median_s: float) -> None:
    text = "My sister lives in a small town near the coast of Norway."
    voice = await local.load_model("hibari-heart", "tts", quiet=True)  # says it the same each time
    chunks = [c async for c in voice.synthesize(text, SpeakingStyle(), CALLER)]
    said = to_float(np.concatenate([c.samples for c in chunks]))
    quiet = np.zeros(MODEL_RATE_HZ // 2, np.float32)
    model = await local.load_model(name, "asr", quiet=True)
    stream = model.open("en", Guidance(word_times=True))
    stream.feed(np.concatenate([quiet, resample(said, voice.rate_hz, MODEL_RATE_HZ), quiet]))
    heard = await stream.finish(CALLER)
    assert [w.text for w in heard.words] == heard.text.split()
    truth = [w.start_s + 0.5 for c in chunks for w in c.words]
    assert len(truth) == len(heard.words), heard.text
    off = sorted(abs(w.start_s - true) for w, true in zip(heard.words, truth, strict=True))
    assert off[len(off) // 2] <= median_s
    assert heard.mean_logprob < 0
    assert heard.tokens
    await closed(model)
    await closed(voice)


async def test_whisper_keeps_what_was_said_twice_and_takes_hints(question: Clip) -> None:
    model = await local.load_model("whisper-base", "asr", quiet=True)
    voice = await local.load_model("hibari-heart", "tts", quiet=True)

    async def heard(samples: Float32, guidance: Guidance = UNGUIDED) -> str:
        stream = model.open("en", guidance)
        stream.feed(samples)
        return str((await stream.finish(CALLER)).text)

    chunks = [c.samples async for c in voice.synthesize("It is very, very good.", SpeakingStyle(), CALLER)]
    twice = resample(to_float(np.concatenate(chunks)), voice.rate_hz, MODEL_RATE_HZ)
    assert (await heard(twice)).lower().count("very") == 2
    assert await heard(sound(question), Guidance(prompt="Names: Brooklynn Bridgge."))
    assert "bridge" in (await heard(sound(question), Guidance(translate=True))).lower()
    await closed(model)
    await closed(voice)


@pytest.mark.parametrize("name", ["hibari-heart", "hibari-low", "piper-en-us-joe", "espeak"])
async def test_voices_speak_at_target_loudness_with_ordered_words(name: str) -> None:
    voice = await local.load_model(name, "tts", quiet=True)
    text = "Hello there, how are you today? In 1984, Dr. Smith paid $3.50 for it."
    chunks = [c async for c in voice.synthesize(text, SpeakingStyle(), CALLER)]
    audio = np.concatenate([c.samples for c in chunks])
    words = [w for c in chunks for w in c.words]
    assert [w.start_s for w in words] == sorted(w.start_s for w in words)
    assert words[-1].end_s <= len(audio) / voice.rate_hz + 0.01
    assert text[words[0].text_start : words[0].text_end].startswith("Hello")
    assert loudness.integrated_lufs(to_float(audio), voice.rate_hz) == pytest.approx(-16, abs=2.5)
    quick = [c.samples async for c in voice.synthesize(text, SpeakingStyle(speed=2.0), CALLER)]
    assert sum(map(len, quick)) < 0.75 * len(audio)
    await closed(voice)


@pytest.mark.parametrize("name", ["hibari-heart", "hibari-low", "hibari-high", "hibari-alto", "piper-en-us-joe"])
async def test_words_sound_where_they_are_said_to(name: str) -> None:
    voice = await local.load_model(name, "tts", quiet=True)
    recogniser = await local.load_model("moonshine-tiny-en", "asr", quiet=True)
    text = "The weather is sunny today and tomorrow it will rain in the mountains."
    chunks = [c async for c in voice.synthesize(text, SpeakingStyle(), CALLER)]
    audio = to_float(np.concatenate([c.samples for c in chunks]))
    words = [w for c in chunks for w in c.words]
    half = next(w for w in words if text[w.text_start : w.text_end] == "today")
    stream = recogniser.open("en")
    stream.feed(resample(audio[: int((half.end_s + 0.05) * voice.rate_hz)], voice.rate_hz, MODEL_RATE_HZ))
    heard = (await stream.finish(CALLER)).text
    assert rate("the weather is sunny today", heard) <= 0.2, heard
    await closed(voice)
    await closed(recogniser)


async def test_the_embedded_language_model_answers_stops_and_dies_with_its_owner() -> None:
    model = await local.load_model("smollm2-135m", "llm", quiet=True)
    messages = [{"role": "user", "content": "Count to twenty."}]
    texts = [d.text async for d in model.stream(messages, ChatOptions(max_tokens=12), CALLER)]
    assert "".join(texts).strip()
    async with aclosing(model.stream(messages, ChatOptions(max_tokens=400), CALLER)) as deltas:
        await anext(deltas)
    after = [d async for d in model.stream(messages, ChatOptions(max_tokens=4), CALLER)]
    assert any(d.usage for d in after)
    process = psutil.Process(model.pid)
    await model.aclose()
    assert not process.is_running()
    with pytest.raises(ModelError, match="died"):
        await anext(model.stream(messages, ChatOptions(), CALLER))


async def test_an_embedded_language_model_that_is_killed_comes_back() -> None:
    model = await local.load_model("smollm2-135m", "llm", quiet=True)
    messages = [{"role": "user", "content": "Tell me a long story about a dragon and its hundred children."}]
    kills = broken_off = 0
    while broken_off < 2:
        fault = await killed_in_an_answer(model, messages)
        kills += 1
        async with asyncio.timeout(120):
            while not await model.keeper.replaced(kills, 60):  # on a busy machine what was killed lives on for a while
                pass
        assert model.keeper.restarts == kills
        if fault is None:
            assert kills < 8, "an answer is over, as it seems, when its process is killed"
            continue
        broken_off += 1
        assert fault.retryable
        texts = [d.text async for d in model.stream(messages, ChatOptions(max_tokens=8), CALLER)]
        assert "".join(texts).strip()
    await model.aclose()


async def killed_in_an_answer(model: Any, messages: list[dict[str, str]]) -> ModelError | None:
    """What is said of an answer whose process is killed; None: on a busy machine it was over before."""
    try:
        async with aclosing(model.stream(messages, ChatOptions(max_tokens=400), CALLER)) as deltas:
            await anext(deltas)
            psutil.Process(model.pid).kill()
            async for _ in deltas:
                pass
    except ModelError as fault:
        return fault
    return None


async def test_a_language_model_server_that_is_not_there_is_named() -> None:
    chat = OpenAiChat("http://127.0.0.1:9/v1", "nobody")
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9"):
        await anext(chat.stream([], ChatOptions(), CALLER))
    await chat.aclose()
    assert all(s.name for s in await find_servers())
