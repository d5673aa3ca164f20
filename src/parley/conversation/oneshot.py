"""Whole recordings to words, whole texts to sound: the same models without a conversation."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from parley.audio.pcm import Float32, Int16
from parley.conversation.chunker import Chunker
from parley.conversation.speakable import speakable
from parley.conversation.utterances import utterances
from parley.models.interfaces import (
    MODEL_RATE_HZ,
    Caller,
    Recognizer,
    SpeakingStyle,
    Synthesizer,
    TimedText,
    Transcript,
    Vad,
)


async def transcribe_utterance(
    recognizer: Recognizer, samples: Float32, language: str | None, caller: Caller
) -> Transcript:
    """Words of one utterance (16 kHz); raises `ModelError`."""
    stream = recognizer.open(language)
    stream.feed(samples)
    try:
        return await stream.finish(caller)
    finally:
        stream.close()


async def transcribe_recording(
    vad: Vad, recognizer: Recognizer, blocks: AsyncGenerator[Float32, None], language: str | None, caller: Caller
) -> AsyncGenerator[TimedText, None]:
    """Words of a recording (16 kHz), utterance by utterance while it is read; raises `ModelError`."""
    async with aclosing(utterances(vad, blocks)) as found:
        async for utterance in found:
            transcript = await transcribe_utterance(recognizer, utterance.sound, language, caller)
            if transcript.text:
                yield TimedText(transcript.text, utterance.begin / MODEL_RATE_HZ, utterance.end / MODEL_RATE_HZ)


async def at_once(samples: Float32) -> AsyncGenerator[Float32, None]:
    """A recording that is there as a whole, as `transcribe_recording` takes it."""
    yield samples


async def say_text(
    synthesizer: Synthesizer, text: str, style: SpeakingStyle, caller: Caller
) -> AsyncGenerator[Int16, None]:
    """Sound of a text at the voice's rate, piece by piece; raises `ModelError`."""
    chunker = Chunker()
    for piece in [*chunker.push(text), *chunker.flush()]:
        spoken = speakable(piece.text).text
        if not any(c.isalnum() for c in spoken):
            continue
        async with aclosing(synthesizer.synthesize(spoken, style, caller)) as chunks:
            async for chunk in chunks:
                yield chunk.samples
