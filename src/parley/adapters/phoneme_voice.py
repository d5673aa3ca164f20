"""What voices that speak Kokoro's phonemes share: text to phonemes, phonemes to sound, exact times of words.

Text becomes phonemes by the hibari package (https://github.com/MMWilliams/hibari, Apache-2.0; English). How long each
phoneme lasts the networks tell in an output that their exports leave out and `onnx.with_output` adds.
"""

from __future__ import annotations

import json
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from parley.adapters.ipa import misakis
from parley.adapters.saying import Playing, clip, cut, pause_s, place, sound_begins, sound_ends
from parley.audio import loudness
from parley.audio.pcm import Float32, to_int16
from parley.errors import ModelError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, Pronunciation, SpeakingStyle, SpeechChunk, WordTiming

RATE_HZ = 24000
_FRAME_S = 0.025
"""What one unit of a phoneme's duration lasts."""
_LEAST_TO_MEASURE_S = 1.0
"""So much of a voice must be there to know how loud it is."""
_MOST_IDS = 500
_WARM_UP = "The quick brown fox jumps over the lazy dog. Is Zxqv a name?"
_WORD = re.compile(r"\S+")
_reading = threading.Lock()
_MARKS = frozenset(';:,.!?—…"()“” ')
"""What stands among the phonemes and is a pause."""


@dataclass(frozen=True, slots=True)
class _Utterance:
    """What is made in one run: ids of phonemes, and which of them belong to each of its words."""

    ids: list[int]
    words: list[tuple[int, int]]
    """First id and the one behind the last."""
    written: Sequence[re.Match[str]]


class PhonemeVoice(ABC):
    """One network with one or more voices; a text is made sentence by sentence."""

    times_words = True
    fixed_speed = False
    emotions: Collection[str] = ("neutral",)

    def __init__(self, name: str, voices: Sequence[str], *, british: Collection[str] = (), longest_chars: int) -> None:
        """`british`: voices that speak so; `longest_chars`: of what is made in one run, a sentence or a part of one.

        Makes a sentence with the first voice, to know how loud it is.
        """
        self.name = name
        self.rate_hz = RATE_HZ
        self.voices = voices
        self.languages: Sequence[str] = ("en",)
        self._british = british
        self._longest_chars = longest_chars
        self._ids = _vocabulary()
        self._executor = ModelExecutor(name)
        self._gains: dict[str, float] = {}
        first = voices[0]
        utterances = [u for text in self._sentences(_WARM_UP) for u in self._phonemize(text, first)]
        self._measure(first, np.concatenate([self._make(u, first, 1.0)[0] for u in utterances]))

    @abstractmethod
    def _run(self, ids: Sequence[int], voice: str, speed: float) -> tuple[Float32, Float32]:
        """Sound of the phonemes at `RATE_HZ`, and how long each lasts, in units of 25 ms. In the model's thread."""

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        """See `Synthesizer.synthesize`. Every sentence is a job of its own, so that speakers take turns."""
        playing = Playing(RATE_HZ)
        speed = max(0.5, min(2.0, style.speed))
        said: set[Pronunciation] = set()
        voice = next((name for name in self.voices if name == style.voice), self.voices[0])
        try:
            for sentence in self._sentences(text):
                phonemize = partial(self._phonemize, sentence, voice, style.pronounced, said)
                for utterance in await self._executor.run(phonemize, caller, within_s=playing.within_s):
                    make = partial(self._make, utterance, voice, speed)
                    sound, spans = await self._executor.run(make, caller, within_s=playing.within_s)
                    chunk = self._trimmed(sound, spans, utterance, self._gain(voice, sound), playing.passed_s)
                    if len(chunk.samples):
                        playing.add(len(chunk.samples))
                        yield chunk
        except (RuntimeError, ValueError, KeyError, IndexError) as fault:
            raise ModelError(f"the voice {self.name} failed: {fault}", retryable=True) from fault

    def _gain(self, voice: str, sound: Float32) -> float:
        """Of a voice that has not been heard yet the first voice's, until there is enough to measure."""
        if voice not in self._gains and len(sound) >= _LEAST_TO_MEASURE_S * RATE_HZ:
            self._measure(voice, sound)
        return self._gains.get(voice, self._gains[self.voices[0]])

    def _measure(self, voice: str, sound: Float32) -> None:
        self._gains[voice] = loudness.gain_towards(sound, RATE_HZ)

    def _phonemize(
        self, sentence: Sequence[re.Match[str]], voice: str, given: Sequence[Pronunciation] = (),
        said: set[Pronunciation] | None = None,
    ) -> list[_Utterance]:  # fmt: skip
        """One utterance, or several where the sentence has more phonemes than the network takes.

        Words whose sounds are `given` have these: the first of several has all of them, the others none. `said`: those
        that the sentences before have.
        """
        from hibari.g2p.normalize import normalize

        british = voice in self._british
        g2p = _reader(british)
        sounds = {p: s for p in given if (s := misakis(p.ipa, self._ids, british=british))}
        said = set() if said is None else said
        before = set(said)
        text = " ".join(m.group() for m in sentence)
        ids: list[int] = [0]
        words: list[tuple[int, int]] = []
        begins = ends = 1
        for token in g2p.phonemize_tokens(g2p.tokenize(normalize(text))):
            phonemes = token.phonemes or ""
            own = _pronounced(sounds, sentence, len(words))
            if own is not None and not _MARKS.issuperset(phonemes or "?"):
                phonemes = "" if own in said else sounds[own]
                said.add(own)
            for phoneme in phonemes:
                if phoneme in self._ids:
                    ids.append(self._ids[phoneme])
                    ends = ends if phoneme in _MARKS else len(ids)
            if token.whitespace:
                words.append((begins, ends))
                ids.append(self._ids[" "])
                begins = ends = len(ids)
        words.append((begins, ends))
        if len(ids) > _MOST_IDS and len(sentence) > 1:
            half = len(sentence) // 2
            return [
                *self._phonemize(sentence[:half], voice, given, before),
                *self._phonemize(sentence[half:], voice, given, before),
            ]
        ids = [*ids[:_MOST_IDS], 0]
        return [_Utterance(ids, words, sentence)] if len(ids) > 2 else []

    def _make(self, said: _Utterance, voice: str, speed: float) -> tuple[Float32, list[tuple[float, float]]]:
        """Sound of an utterance, and start and end of each of its words in that, seconds."""
        sound, durations = self._run(said.ids, voice, speed)
        ends = np.cumsum([0.0, *durations.reshape(-1)]) * _FRAME_S
        last = len(ends) - 1
        return sound, [(float(ends[min(a, last)]), float(ends[min(b, last)])) for a, b in said.words]

    def _trimmed(
        self, sound: Float32, spans: list[tuple[float, float]], said: _Utterance, gain: float, offset_s: float
    ) -> SpeechChunk:
        """Without the silence in front, with a pause of the right length behind."""
        begin, ends = sound_begins(sound, RATE_HZ), sound_ends(sound)
        end = ends + int(pause_s(said.written[-1].group()) * RATE_HZ)
        length_s, cut_s, until_s = len(sound) / RATE_HZ, begin / RATE_HZ, max(0, ends - begin) / RATE_HZ
        audio = loudness.limit(sound[begin:end], gain)
        if len(audio):
            audio = np.pad(audio, (0, max(0, end - len(sound))))
        return SpeechChunk(
            to_int16(audio),
            tuple(
                WordTiming(
                    word.start(),
                    word.end(),
                    offset_s + clip(a - cut_s, until_s),
                    offset_s + clip(b - cut_s, until_s),
                )
                for word, (a, b) in zip(said.written, place(said.written, spans, length_s), strict=True)
            ),
        )

    def _sentences(self, text: str) -> Iterator[Sequence[re.Match[str]]]:
        """The words of each sentence; a long one is cut at a clause's end, else between words."""
        from hibari.tts import Hibari as Package

        words = list(_WORD.finditer(text))
        for sentence in Package.split_sentences(text):
            count = len(_WORD.findall(sentence))
            yield from cut(words[:count], self._longest_chars)
            words = words[count:]
        yield from cut(words, self._longest_chars)

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


def _pronounced(
    sounds: Collection[Pronunciation], sentence: Sequence[re.Match[str]], index: int
) -> Pronunciation | None:
    """The one that a word of a sentence belongs to."""
    if index >= len(sentence):
        return None
    word = sentence[index]
    return next((p for p in sounds if p.start < word.end() and word.start() < p.end), None)


def _reader(british: bool) -> Any:
    """What makes phonemes of text, with its lexicon; all voices share it, whichever thread needs it first."""
    with _reading:
        return _cached_reader(british)


@cache
def _cached_reader(british: bool) -> Any:
    from hibari.g2p import G2P

    return G2P(british=british)


def _vocabulary() -> dict[str, int]:
    from hibari.tts import ASSETS

    found: dict[str, int] = json.loads((Path(ASSETS) / "vocab.json").read_text(encoding="utf-8"))
    return found
