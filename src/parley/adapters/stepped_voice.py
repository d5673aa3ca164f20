"""What all voices have in common that speak step by step: sentences in turn, fair between callers, one gain.

A network says a sentence step by step; each step is a job of the voice's one thread. So several texts are said at once,
and one that nobody wants any more stops behind the step that is under way.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from parley.adapters.loading import faults_named
from parley.adapters.saying import Playing, sentences, sound_begins
from parley.audio import loudness
from parley.audio.pcm import Float32, to_int16
from parley.errors import ModelError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec, Priority, SpeakingStyle, SpeechChunk, WordTiming

Written = TypeVar("Written")
_STOPS_S = 10.0
"""The step that is under way when a voice is unloaded is waited for no longer."""


class DeviceOptions(BaseModel):
    """Where a model of torch computes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field("auto", description="cpu, cuda or cuda:1; auto: a GPU where there is one.")
    threads: int | None = Field(None, ge=1, description="Of the CPU.")


class VoiceOptions(DeviceOptions):
    """Options that every such voice has."""

    voice: str = Field("", description="The speaker who speaks when none is named.")
    language: str = Field("", description="Which one it speaks, where its files do not tell.")


@dataclass(frozen=True, slots=True)
class Made:
    """What a step made of a sentence: sound that follows on what was made before, and when its words are said."""

    sound: Float32
    spans: Sequence[tuple[float, float]] = ()
    """For each word of the sentence its begin and end, seconds from the sentence's begin; once, or never."""


NOTHING_YET = Made(np.zeros(0, np.float32))
"""Of a step that brought a sentence on, and no sound."""


def in_pieces(
    written: Iterator[Written], sizes: Sequence[int], sound: Callable[[Sequence[Written], bool], Float32]
) -> Iterator[Made]:
    """Steps of a network that writes a sentence: sound whenever `sizes` more is written, and at the end.

    The last of `sizes` is that of all further pieces. `sound`: what follows on the piece before, of all that is
    written so far; whether it is the last.
    """
    so_far: list[Written] = []
    due, later = sizes[0], iter(sizes[1:])
    for one in written:
        so_far.append(one)
        if len(so_far) < due:
            yield NOTHING_YET
        else:
            due += next(later, sizes[-1])
            yield Made(sound(so_far, False))
    if so_far:
        yield Made(sound(so_far, True))


class VoiceNetwork(Protocol):
    """A kind of model. Everything, its making too, happens in one thread, which is the voice's."""

    rate_hz: int
    voices: Sequence[str]
    languages: Sequence[str]
    emotions: Collection[str]
    times_words: bool
    fixed_speed: bool
    sample_text: str
    """Something that it can say."""
    longest_chars: int
    """Of what it is to say in one go."""

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        """Say a sentence, step by step; nothing where it has no letter that the network knows.

        `owner`: whose conversation it belongs to ("": nobody's), for networks that go on from what they said.
        """

    def close(self) -> None:
        """Give the memory back."""


class SteppedVoice:
    """See `Synthesizer`."""

    def __init__(self, name: str, network: VoiceNetwork, executor: ModelExecutor) -> None:
        """In the executor's thread: says something, to be warm and to know how loud the network is."""
        self.name = name
        self.rate_hz = network.rate_hz
        self.voices = network.voices
        self.languages = network.languages
        self.emotions = network.emotions
        self.times_words = network.times_words
        self.fixed_speed = network.fixed_speed
        self.sample_text = network.sample_text
        self._network = network
        self._executor = executor
        heard = [
            made.sound
            for words in sentences(network.sample_text, network.longest_chars)
            for made in network.say(words, SpeakingStyle(), "")
        ]
        self._gain = loudness.gain_towards(np.concatenate(heard), self.rate_hz)

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        """See `Synthesizer.synthesize`. Raises `ModelError` also where it has no letter for a text with letters."""
        playing, made_any = Playing(self.rate_hz), False
        owner = "" if caller.priority is Priority.BACKGROUND else caller.owner  # texts by REST are no conversation
        try:
            for words in sentences(text, self._network.longest_chars):
                sentence = _Sentence(words, playing, self._gain, self.rate_hz)
                steps = self._network.say(words, style, owner)
                next_step = partial(next, steps, None)
                while made := await self._executor.run(next_step, caller, within_s=playing.within_s):
                    made_any = True
                    if (chunk := sentence.chunk(made)) is not None:
                        playing.add(len(chunk.samples))
                        yield chunk
        except (RuntimeError, ValueError, LookupError) as fault:
            raise ModelError(f"the voice {self.name} failed: {fault}", retryable=True) from fault
        if not playing.passed_s and any(c.isalnum() for c in text):
            if made_any:
                raise ModelError(f"the voice {self.name} made nothing but silence of a text", retryable=True)
            raise ModelError(
                f"the voice {self.name} can say nothing of this text: none of its letters are in the script of "
                f"{' or '.join(self.languages)}"
            )

    async def aclose(self) -> None:
        """Stop the thread and give the memory back."""
        self._executor.close()
        await asyncio.to_thread(self._executor.join, _STOPS_S)
        await asyncio.to_thread(self._network.close)


class _Sentence:
    """Makes chunks of what a network makes of a sentence: at one loudness, without the silence in front."""

    def __init__(self, words: Sequence[re.Match[str]], playing: Playing, gain: float, rate_hz: int) -> None:
        self._words = words
        self._offset_s = playing.passed_s
        self._gain = gain
        self._rate_hz = rate_hz
        self._sounds = False
        self._cut = 0

    def chunk(self, made: Made) -> SpeechChunk | None:
        """What is to be played of it, if anything."""
        begin = 0 if self._sounds else sound_begins(made.sound, self._rate_hz)
        words: tuple[WordTiming, ...] = ()
        if made.spans:
            words = self._timed(made.spans, (self._cut + begin) / self._rate_hz)
        if begin == len(made.sound):
            self._cut += begin
            return None
        self._sounds = True
        return SpeechChunk(to_int16(loudness.limit(made.sound[begin:], self._gain)), words)

    def _timed(self, spans: Sequence[tuple[float, float]], cut_s: float) -> tuple[WordTiming, ...]:
        return tuple(
            WordTiming(
                word.start(),
                word.end(),
                self._offset_s + max(0.0, begin - cut_s),
                self._offset_s + max(0.0, end - cut_s),
            )
            for word, (begin, end) in zip(self._words, spans, strict=True)
        )


async def load_voice(spec: ModelSpec, make: Callable[[], VoiceNetwork], extra: str, besides: str = "") -> SteppedVoice:
    """A voice whose network `make` makes, in the voice's own thread.

    `extra`, `besides`: what brings the packages that it needs, and a further command for it.

    Raises `ModelError`.
    """
    executor = ModelExecutor(spec.id)
    try:
        return await executor.run(
            lambda: _made(spec, make, f"'parley-voice[{extra}]'{besides}", executor), Caller("load")
        )
    except BaseException:
        executor.close()
        raise


def _made(spec: ModelSpec, make: Callable[[], VoiceNetwork], needs: str, executor: ModelExecutor) -> SteppedVoice:
    with faults_named(spec, needs):
        return SteppedVoice(spec.id, make(), executor)


def text_of(words: Sequence[re.Match[str]]) -> str:
    """What stands from the first word to the last."""
    return words[0].string[words[0].start() : words[-1].end()]


def usual_first(spec: ModelSpec, names: Sequence[str], usual: str, more: str) -> Sequence[str]:
    """The names of a model's voices, the one first that the option `voice` names; raises `ModelError` where there is
    none of that name. `more`: how one gets further ones."""
    if usual and usual not in names:
        raise ModelError(
            f"{spec.id}: option 'voice': no voice is called '{usual}'; there are {', '.join(names)}. {more}"
        )
    return tuple(sorted(names, key=lambda name: name != usual))


def languages_first(spec: ModelSpec, known: Iterable[str], usual: str) -> Sequence[str]:
    """The languages of a model, the one first that the option `language` names; raises `ModelError` where it is none of
    them."""
    codes = tuple(known)
    if usual and usual not in codes:
        raise ModelError(f"{spec.id}: option 'language': it speaks {', '.join(codes)}, not '{usual}'")
    return tuple(sorted(codes, key=lambda code: code != usual))
