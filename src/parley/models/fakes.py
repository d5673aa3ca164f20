"""Exact fakes of every kind of model: known text, known durations, no randomness. For tests only.

Time passes in `asyncio.sleep`, so that scripted conversations run on a virtual clock.
"""

# Above 300 lines: one fake for each kind of model stands here, each of a few lines.
from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing

import numpy as np

from parley.audio.files import wav_header
from parley.audio.pcm import Float32, Int16, rms_dbfs
from parley.errors import ModelError, RequestAbandoned
from parley.models.interfaces import (
    MODEL_RATE_HZ,
    UNGUIDED,
    UNTOLD,
    Caller,
    ChatDelta,
    ChatOptions,
    DuplexFrame,
    DuplexOpening,
    DuplexSlot,
    Guidance,
    Message,
    RecognizerStream,
    SpeakingStyle,
    SpeechChunk,
    ToolCall,
    Transcript,
    Usage,
    VadStream,
    WordTiming,
)


def tone(seconds: float, rate_hz: int, hz: float = 220.0, level: float = 0.3) -> Int16:
    """A sine, for what must be audible."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (np.sin(2 * np.pi * hz * t) * level * 32767).astype(np.int16)


class FakeVad:
    """Loud is speech."""

    window_samples = 512

    def __init__(self) -> None:
        self.open_streams = 0

    def open(self) -> VadStream:
        """A stream."""
        self.open_streams += 1
        return _FakeVadStream(self)


class _FakeVadStream:
    def __init__(self, vad: FakeVad) -> None:
        self._vad = vad
        self._rest: Float32 = np.empty(0, np.float32)

    async def feed(self, samples: Float32) -> list[float]:
        data = np.concatenate([self._rest, samples])
        full = len(data) // 512 * 512
        self._rest = data[full:]
        return [1.0 if rms_dbfs(data[i : i + 512]) > -40 else 0.0 for i in range(0, full, 512)]

    def close(self) -> None:
        self._vad.open_streams -= 1


class FakeEndOfTurn:
    """Always of the same opinion."""

    languages: Sequence[str] = ("en",)

    def __init__(self, probability: float = 0.95, delay_s: float = 0.03) -> None:
        self.value = probability
        self._delay_s = delay_s
        self.asked = 0

    async def probability(self, samples: Float32, caller: Caller) -> float:
        """After the delay."""
        self.asked += 1
        await asyncio.sleep(self._delay_s)
        return self.value


class FakeEndOfSentence:
    """Always of the same opinion about words."""

    languages: Sequence[str] = ("en",)

    def __init__(self, probability: float = 0.5, delay_s: float = 0.02) -> None:
        self.value = probability
        self._delay_s = delay_s
        self.asked: list[tuple[str, str]] = []

    async def probability(self, text: str, caller: Caller, before: str = "") -> float:
        """After the delay."""
        self.asked.append((before, text))
        await asyncio.sleep(self._delay_s)
        return self.value

    async def read(self, before: str, caller: Caller) -> None:
        """Noted as a question about no words."""
        self.asked.append((before, ""))


class FakeRecognizer:
    """Understands the next of `texts` for each utterance (the last one again when they run out)."""

    languages: Sequence[str] = ("*",)
    guided_by: Collection[str] = ()
    idle = True

    def __init__(
        self, texts: Sequence[str] = ("What time is it?",), delay_s: float = 0.1, finished: float | None = None
    ) -> None:
        self._texts = deque(texts)
        self._delay_s = delay_s
        self.finished = finished
        self.tells_ends = finished is not None
        self.fail = False
        self.spared = 0  # times that what was asked was not wanted any more
        self.heard_s: list[float] = []  # how much of its utterance was there each time that it was asked
        self.told: tuple[str | None, Guidance] = (None, UNGUIDED)  # about the last utterance

    def open(self, language: str | None = None, guidance: Guidance = UNGUIDED) -> RecognizerStream:
        """An utterance."""
        self.told = (language, guidance)
        text = self._texts.popleft() if len(self._texts) > 1 else self._texts[0]
        return _FakeRecognizerStream(self, text, self._delay_s)


class _FakeRecognizerStream:
    def __init__(self, recognizer: FakeRecognizer, text: str, delay_s: float) -> None:
        self._recognizer, self._text, self._delay_s = recognizer, text, delay_s
        self.samples = 0

    def feed(self, samples: Float32) -> None:
        self.samples += len(samples)

    async def partial(self, caller: Caller) -> Transcript:
        return await self.finish(caller)

    async def finish(self, caller: Caller) -> Transcript:
        self._recognizer.heard_s.append(self.samples / MODEL_RATE_HZ)
        await asyncio.sleep(self._delay_s)
        if not caller.wanted():
            self._recognizer.spared += 1
            raise RequestAbandoned
        if self._recognizer.fail:
            raise ModelError("the fake recogniser fails as told")
        return Transcript(self._text, "en", finished=self._recognizer.finished)

    def close(self) -> None:
        pass


class FakeChat:
    """Says the next of `answers`, a word at a time; None in an answer's place fails, "…" stalls for ever.

    An answer that begins with ``tool:`` is a call of that function.
    """

    name = "fake-chat"
    off_host = False
    hears = False
    context_tokens: int | None = None

    def __init__(self, answers: Sequence[str | None] = ("It is noon.",), token_s: float = 0.01) -> None:
        self.answers = deque(answers)
        self._token_s = token_s
        self.prompts: list[list[Message]] = []
        self.open_streams = 0

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        """See `ChatModel.stream`."""
        self.prompts.append(list(messages))
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        self.open_streams += 1
        try:
            await asyncio.sleep(self._token_s * 3)
            if answer is None:
                raise ModelError("the fake chat fails as told", retryable=True)
            if answer.startswith("tool:"):
                yield ChatDelta(
                    tool_call=ToolCall(0, "call_1", name := answer.removeprefix("tool:"), '{"place": "here"}')
                )
                yield ChatDelta(tool_call=ToolCall(0, "call_1", name, '{"place": "here"}', done=True))
                return
            for index, word in enumerate(answer.split(" ")):
                if word == "…":
                    await asyncio.Event().wait()
                await asyncio.sleep(self._token_s)
                yield ChatDelta(text=word if index == 0 else f" {word}")
            yield ChatDelta(usage=Usage(10, len(answer.split())))
        finally:
            self.open_streams -= 1

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """Nothing to read ahead."""


class FakeSpeechChat(FakeChat):
    """A chat model that hears; remembers how much sound it was given. It may refuse sound, as a server may."""

    hears = True

    def __init__(self, answers: Sequence[str | None] = ("I heard you.",), *, refuses_sound: bool = False) -> None:
        super().__init__(answers)
        self.heard_s: list[float] = []
        """Of the sound in each request's last message."""
        self._refuses_sound = refuses_sound

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        """See `ChatModel.stream`."""
        content = messages[-1]["content"]
        sounds = [p for p in content if p["type"] == "input_audio"] if not isinstance(content, str) else []
        wavs = [base64.b64decode(part["input_audio"]["data"]) for part in sounds]
        header = len(wav_header(0, MODEL_RATE_HZ))
        self.heard_s.append(sum(len(wav) - header for wav in wavs) / 2 / MODEL_RATE_HZ)
        if sounds and self._refuses_sound:
            raise ModelError("the fake chat takes no sound")
        async with aclosing(super().stream(messages, options, caller)) as deltas:
            async for delta in deltas:
                yield delta


class FakeSynthesizer:
    """Every word takes 0.3 s; speech is a tone."""

    name = "fake-voice"
    rate_hz = 22050
    voices: Sequence[str] = ("fake-voice",)
    languages: Sequence[str] = ("*",)
    times_words = True
    fixed_speed = False
    emotions: Collection[str] = ("neutral", "happy", "sad")
    word_s = 0.3

    def __init__(self, delay_s: float = 0.05) -> None:
        self._delay_s = delay_s
        self.fail = False
        self.stall_after: int | None = None
        """Pieces after which nothing more comes."""
        self.said: list[str] = []
        self.styles: list[SpeakingStyle] = []
        """Of what was said."""

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        """See `Synthesizer.synthesize`."""
        await asyncio.sleep(self._delay_s)
        if self.fail:
            raise ModelError("the fake voice fails as told")
        if self.stall_after is not None and len(self.said) >= self.stall_after:
            await asyncio.Event().wait()
        self.said.append(text)
        self.styles.append(style)
        words: list[WordTiming] = []
        at = 0
        for index, word in enumerate(text.split()):
            start = text.index(word, at)
            at = start + len(word)
            words.append(WordTiming(start, at, index * self.word_s, (index + 1) * self.word_s))
        sound = tone(len(words) * self.word_s, self.rate_hz)
        if self.times_words:
            yield SpeechChunk(sound, tuple(words))
            return
        half = len(sound) // 2
        yield SpeechChunk(sound[:half])
        yield SpeechChunk(sound[half:])


class FakeDuplexModel:
    """80 ms frames at 24 kHz: after 0.4 s of silence behind speech it says "right so yes" in three words."""

    name = "fake-duplex"
    rate_hz = 24000
    frame_samples = 1920
    voices: Sequence[str] = ()

    def __init__(self) -> None:
        self.open_slots = 0
        self.openings: list[DuplexOpening] = []
        """What each slot was told, the last one's last."""
        self.whispers: list[str] = []

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        """A slot."""
        self.open_slots += 1
        self.openings.append(opening)
        return _FakeDuplexSlot(self)


class _FakeDuplexSlot:
    _WORDS = ("right", " so", " yes")
    _FRAMES_A_WORD = 4

    def __init__(self, model: FakeDuplexModel) -> None:
        self._model = model
        self._heard = False
        self._silent_frames = 0
        self._speaking: int | None = None

    async def step(self, samples: Float32) -> DuplexFrame:
        await asyncio.sleep(0.01)
        if rms_dbfs(samples) > -40:
            self._heard, self._silent_frames = True, 0
        elif self._heard:
            self._silent_frames += 1
        if self._heard and self._silent_frames >= 5:
            self._heard, self._speaking = False, 0
        if self._speaking is None:
            return DuplexFrame(np.zeros(self._model.frame_samples, np.int16))
        word, within = divmod(self._speaking, self._FRAMES_A_WORD)
        self._speaking += 1
        if self._speaking == len(self._WORDS) * self._FRAMES_A_WORD:
            self._speaking = None
        text = self._WORDS[word] if within == 0 else ""
        return DuplexFrame(tone(0.08, self._model.rate_hz), text)

    async def whisper(self, text: str) -> None:
        self._model.whispers.append(text)

    async def aclose(self) -> None:
        self._model.open_slots -= 1
