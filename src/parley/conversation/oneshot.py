"""Whole recordings to words, whole texts to sound: the same models without a conversation."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from parley.audio.pcm import Float32, Int16
from parley.conversation.chunker import Chunker
from parley.conversation.speakable import speakable
from parley.conversation.voice_activity import VoiceActivity
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

_PAD_S = 0.3
_JOIN_S = 0.6
_LONGEST_S = 14.0


async def speech_segments(vad: Vad, samples: Float32) -> list[tuple[int, int]]:
    """Stretches of speech (sample ranges at 16 kHz), padded, joined over short pauses, at most 14 s each."""
    stream, activity = vad.open(), VoiceActivity()
    edges: list[int] = []
    size = vad.window_samples
    for start in range(0, len(samples) - size + 1, size):
        window = samples[start : start + size]
        (probability,) = await stream.feed(window)
        if edge := activity.push(window, probability):
            edges.append(edge.sample)
    stream.close()
    if len(edges) % 2:
        edges.append(len(samples))
    pad = int(_PAD_S * MODEL_RATE_HZ)
    segments: list[tuple[int, int]] = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        padded = (max(0, begin - pad), min(len(samples), end + pad))
        if segments and _joins(segments[-1], padded):
            segments[-1] = (segments[-1][0], padded[1])
        else:
            segments.append((max(padded[0], segments[-1][1] if segments else 0), padded[1]))
    return segments


def _joins(last: tuple[int, int], following: tuple[int, int]) -> bool:
    near = following[0] - last[1] < _JOIN_S * MODEL_RATE_HZ
    return near and following[1] - last[0] < _LONGEST_S * MODEL_RATE_HZ


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
    vad: Vad, recognizer: Recognizer, samples: Float32, language: str | None, caller: Caller
) -> AsyncGenerator[TimedText, None]:
    """Words of a recording (16 kHz), segment by segment as they are understood; raises `ModelError`."""
    for begin, end in await speech_segments(vad, samples):
        transcript = await transcribe_utterance(recognizer, samples[begin:end], language, caller)
        if transcript.text:
            yield TimedText(transcript.text, begin / MODEL_RATE_HZ, end / MODEL_RATE_HZ)


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
