"""Whole recordings to words, whole texts to sound: the same models without a conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from parley.audio.pcm import Float32, Int16, silence
from parley.conversation.input.utterances import utterances
from parley.conversation.output.text_chunker import chunks_of
from parley.conversation.output.text_normalizer import made_speakable, speakable
from parley.conversation.spoken.manners import AS_USUAL, Manner
from parley.models.interfaces import (
    MODEL_RATE_HZ,
    UNGUIDED,
    Caller,
    Guidance,
    Pronunciation,
    Recognizer,
    SpeakingStyle,
    Synthesizer,
    TimedText,
    Transcript,
    Vad,
)

_LONG_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Heard(TimedText):
    """An utterance of a recording: its words, where it stands, and all that its recogniser tells."""

    transcript: Transcript

    @property
    def words(self) -> list[TimedText]:
        """When each word was said, seconds of the recording."""
        at = self.start_s
        return [TimedText(w.text, w.start_s + at, w.end_s + at) for w in self.transcript.words]


async def transcribe_utterance(
    recognizer: Recognizer, samples: Float32, language: str | None, caller: Caller, guidance: Guidance = UNGUIDED
) -> Transcript:
    """Words of one utterance (16 kHz); raises `ModelError`."""
    stream = recognizer.open(language, guidance)
    stream.feed(samples)
    try:
        return await stream.finish(caller)
    finally:
        stream.close()


async def transcribe_recording(
    vad: Vad, recognizer: Recognizer, blocks: AsyncGenerator[Float32, None], language: str | None, caller: Caller,
    guidance: Guidance = UNGUIDED,
) -> AsyncGenerator[Heard, None]:  # fmt: skip
    """Words of a recording (16 kHz), utterance by utterance while it is read; raises `ModelError`."""
    async with aclosing(utterances(vad, blocks)) as found:
        async for utterance in found:
            transcript = await transcribe_utterance(recognizer, utterance.sound, language, caller, guidance)
            if transcript.text:
                begin_s, end_s = utterance.begin / MODEL_RATE_HZ, utterance.end / MODEL_RATE_HZ
                yield Heard(transcript.text, begin_s, end_s, transcript)


async def at_once(samples: Float32) -> AsyncGenerator[Float32, None]:
    """A recording that is there as a whole, as `transcribe_recording` takes it."""
    yield samples


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of a text as a voice gets it."""

    words: str
    """"" for a mere pause."""
    pause_s: float
    """Silence behind it."""
    manner: Manner = AS_USUAL
    pronounced: tuple[Pronunciation, ...] = ()


async def sayable(text: str, style: SpeakingStyle, synthesizer: Synthesizer) -> list[Said]:
    """A text as the voice is given it; no piece has words when nothing of it can be said."""
    return [piece async for piece in _given(text, style, synthesizer)]


async def say_pieces(
    synthesizer: Synthesizer, pieces: Sequence[Said], style: SpeakingStyle, caller: Caller
) -> AsyncGenerator[Int16, None]:
    """Sound of pieces of text at the voice's rate, one after the other; raises `ModelError`."""
    for piece in pieces:
        if piece.words:
            manner = replace(piece.manner.of(style, synthesizer), pronounced=piece.pronounced)
            said = synthesizer.synthesize(piece.words, manner, caller)
            async with aclosing(said) as chunks:
                async for chunk in chunks:
                    yield chunk.samples
        if piece.pause_s:
            yield silence(piece.pause_s, synthesizer.rate_hz)


async def say_text(
    synthesizer: Synthesizer, text: str, style: SpeakingStyle, caller: Caller
) -> AsyncGenerator[Int16, None]:
    """Sound of a text at the voice's rate, piece by piece; raises `ModelError`."""
    async with aclosing(_given(text, style, synthesizer)) as pieces:
        async for piece in pieces:
            async with aclosing(say_pieces(synthesizer, [piece], style, caller)) as chunks:
                async for samples in chunks:
                    yield samples


async def _given(text: str, style: SpeakingStyle, synthesizer: Synthesizer) -> AsyncGenerator[Said, None]:
    """What the voice gets of a text, piece by piece; a long text is cut beside the loop."""
    pieces = chunks_of(text) if len(text) <= _LONG_CHARS else await asyncio.to_thread(chunks_of, text)
    for piece in pieces:
        spoken = await made_speakable(piece.text, style, synthesizer)
        yield Said(_words(spoken.text), piece.pause_s, piece.manner, spoken.pronounced)


def _words(spoken: str) -> str:
    """What is said, "" where that is but marks."""
    return spoken if any(map(str.isalnum, spoken)) else ""


def given_to_voice(text: str, language: str) -> list[Said]:
    """What a voice of that language gets of a text, piece by piece."""
    return [Said(_words(speakable(p.text, language).text), p.pause_s, p.manner) for p in chunks_of(text)]
