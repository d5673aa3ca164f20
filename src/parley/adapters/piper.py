"""Piper voices (https://github.com/OHF-Voice/piper1-gpl, runtime GPL-3.0) with word timings from phoneme durations."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from parley.adapters.vits import VitsGraph, pieces
from parley.audio import loudness
from parley.audio.pcm import Float32, to_int16
from parley.errors import ModelError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec, SpeakingStyle, SpeechChunk, Synthesizer, WordTiming

_WARM_UP = "The quick brown fox jumps over the lazy dog. How are you today?"
_WORD = re.compile(r"\S+")
_SOUND = 0.01
_EDGE_S = 0.005  # silence kept before the first sound of a sentence
_MAKING_S = 0.15
"""A piece takes this long to make on a busy machine."""
_BETWEEN_WORDS = frozenset(" ^$_,.?!;:")


class Piper:
    """One voice. A text is synthesised sentence by sentence, a sentence in pieces that are short at first."""

    def __init__(self, model: Path, config: Path, *, threads: int = 2) -> None:
        import json

        from piper import PiperVoice
        from piper.config import PiperConfig

        settings = json.loads(config.read_text(encoding="utf-8"))
        self._graph = VitsGraph(model, threads=threads)
        self._voice = PiperVoice(session=None, config=PiperConfig.from_dict(settings))  # for its phonemes
        self.name = model.stem
        self.rate_hz = int(settings["audio"]["sample_rate"])
        self.voices: Sequence[str] = tuple(settings.get("speaker_id_map") or ()) or (self.name,)
        self.languages: Sequence[str] = (str(settings.get("language", {}).get("family") or self.name.split("_")[0]),)
        self._executor = ModelExecutor("piper")
        self._gain = self._measure_gain()

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        """See `Synthesizer.synthesize`. Every piece is a job of its own, so that speakers take turns."""
        try:
            sentences = await self._executor.run(lambda: self._phonemize(text), caller, within_s=0.0)
            words = list(_WORD.finditer(text))
            counts = [_word_count(phonemes) for phonemes in sentences]
            playing = _Playing(self.rate_hz)
            for index, phonemes in enumerate(sentences):
                last = index == len(sentences) - 1
                share = words if last else words[: _share(words, counts[index:], text)]
                words = words[len(share) :]
                said = _Sentence(self, phonemes, share, style, playing)
                async for chunk in said.speak(caller):
                    yield chunk
        except (RuntimeError, ValueError, KeyError) as fault:
            raise ModelError(f"the voice {self.name} failed: {fault}", retryable=True) from fault

    def _phonemize(self, text: str) -> list[list[str]]:
        return [phonemes for phonemes in self._voice.phonemize(text) if phonemes]

    def _encode(self, phonemes: list[str], style: SpeakingStyle) -> Any:
        config = self._voice.config
        speaker = config.speaker_id_map.get(style.voice) if style.voice and config.num_speakers > 1 else None
        length = config.length_scale / max(0.25, min(4.0, style.speed))
        scales = (config.noise_scale, length, config.noise_w_scale)
        return self._graph.encode(self._voice.phonemes_to_ids(phonemes), scales, speaker)

    def _measure_gain(self) -> float:
        sentences = [self._encode(phonemes, SpeakingStyle()) for phonemes in self._phonemize(_WARM_UP)]
        audio = [self._graph.decode(s, a, b) for s in sentences for a, b in pieces(s.frames)]
        return loudness.gain_towards(np.concatenate(audio), self.rate_hz)

    def _spans(self, phonemes: list[str], durations: Sequence[int] | None, hop: int) -> list[tuple[float, float]]:
        """Start and end of each phoneme word, seconds; empty when the voice gives no durations."""
        spans: list[tuple[float, float]] = []
        ids = self._voice.config.phoneme_id_map
        at_id = at = start = 0
        inside = False
        for phoneme in ("^", *phonemes) if durations else ():
            begins = at
            width = len(ids.get(phoneme, ())) + (1 if phoneme in ids else 0)  # each is followed by a pad
            at += sum(durations[at_id : at_id + width]) * hop if durations else 0
            at_id += width
            if phoneme in _BETWEEN_WORDS:
                if inside:
                    spans.append((start / self.rate_hz, begins / self.rate_hz))
                inside = False
            elif not inside:
                inside, start = True, begins
        if inside:
            spans.append((start / self.rate_hz, at / self.rate_hz))
        return spans

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


class _Playing:
    """What of a text was handed over, and how long that lasts if it is played at once."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = 0
        self._began = 0.0

    @property
    def passed_s(self) -> float:
        return self._samples / self._rate_hz

    @property
    def within_s(self) -> float:
        """How soon making more must begin, so that no gap is heard."""
        if not self._samples:
            return 0.0
        return max(0.0, self._began + self.passed_s - time.monotonic() - _MAKING_S)

    def add(self, samples: int) -> None:
        if not self._samples:
            self._began = time.monotonic()
        self._samples += samples


class _Sentence:
    """One sentence on its way from phonemes to sound."""

    def __init__(
        self, piper: Piper, phonemes: list[str], words: list[re.Match[str]], style: SpeakingStyle, playing: _Playing
    ) -> None:
        self._piper = piper
        self._phonemes = phonemes
        self._words = words
        self._style = style
        self._playing = playing
        self._offset_s = playing.passed_s
        self._cut = 0  # samples of silence left out in front

    async def speak(self, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        piper, playing = self._piper, self._playing
        encoded = await piper._executor.run(
            lambda: piper._encode(self._phonemes, self._style), caller, within_s=playing.within_s
        )
        timings: list[WordTiming] = []
        made = given = 0
        for begin, end in pieces(encoded.frames):
            making = partial(piper._graph.decode, encoded, begin, end)
            sound = await piper._executor.run(making, caller, within_s=playing.within_s)
            audio = loudness.limit(sound, piper._gain)
            if not given:
                audio = self._trim(audio)
            made += len(sound)
            if not len(audio):
                continue
            if not given:
                spans = piper._spans(self._phonemes, encoded.durations, len(sound) // (end - begin))
                length_s = encoded.frames * (len(sound) // (end - begin)) / piper.rate_hz
                timings = self._timings(spans, length_s)
            given += len(audio)
            playing.add(len(audio))
            now_s = self._offset_s + given / piper.rate_hz
            last = end == encoded.frames
            begun = [w for w in timings if last or w.start_s < now_s]
            timings = timings[len(begun) :]
            yield SpeechChunk(to_int16(audio), tuple(begun))

    def _trim(self, audio: Float32) -> Float32:
        """Leave out the silence before the first sound."""
        loud = np.flatnonzero(np.abs(audio) > _SOUND)
        cut = max(0, int(loud[0]) - int(_EDGE_S * self._piper.rate_hz)) if len(loud) else len(audio)
        self._cut += cut
        return audio[cut:]

    def _timings(self, spans: list[tuple[float, float]], length_s: float) -> list[WordTiming]:
        cut_s = self._cut / self._piper.rate_hz
        return [
            WordTiming(
                word.start(),
                word.end(),
                self._offset_s + _clip(begin - cut_s, length_s - cut_s),
                self._offset_s + _clip(end - cut_s, length_s - cut_s),
            )
            for word, (begin, end) in zip(self._words, _place(self._words, spans, length_s), strict=True)
        ]


def _clip(value: float, length_s: float) -> float:
    return min(max(0.0, value), length_s)


def _word_count(phonemes: list[str]) -> int:
    return sum(1 for w in "".join(phonemes).split(" ") if w)


def _share(left: list[re.Match[str]], counts: list[int], text: str) -> int:
    """How many of the words that are left belong to the first of the sentences that are left.

    espeak ends a sentence at closing punctuation; among such places the one is taken that fits the
    sentence's share of phoneme words best.
    """
    goal = len(left) * counts[0] / max(1, sum(counts))
    ends = [i + 1 for i, m in enumerate(left[:-1]) if re.search(r"[.?!:;।…][\"')\]]*$", m.group())]
    return min(ends or [max(1, round(goal))], key=lambda n: abs(n - goal))


def _place(words: list[re.Match[str]], spans: list[tuple[float, float]], length_s: float) -> list[tuple[float, float]]:
    """Give each written word its phoneme words: one each when the counts agree, else by share of letters.

    Numbers and abbreviations are several phoneme words, "of the" can be one.
    """
    if not words:
        return []
    if len(words) == len(spans):
        return spans
    weights = np.cumsum([0, *(_weight(m.group()) for m in words)]) / sum(_weight(m.group()) for m in words)
    if not spans:
        return [(float(a) * length_s, float(b) * length_s) for a, b in pairwise(weights)]
    sounding = np.cumsum([0, *(b - a for a, b in spans)])
    return [
        (
            _time_at(float(a) * sounding[-1], spans, sounding),
            _time_at(float(b) * sounding[-1], spans, sounding, end=True),
        )
        for a, b in pairwise(weights)
    ]


def _weight(word: str) -> int:
    """Rough length of a word when spoken: a digit is about four letters."""
    return max(1, sum(4 if c.isdigit() else 1 for c in word if c.isalnum()))


def _time_at(sounded: float, spans: list[tuple[float, float]], sounding: Any, *, end: bool = False) -> float:
    side: Literal["left", "right"] = "left" if end else "right"
    index = min(max(int(np.searchsorted(sounding, sounded, side=side)) - 1, 0), len(spans) - 1)
    return spans[index][0] + (sounded - float(sounding[index]))


def load(spec: ModelSpec) -> Synthesizer:
    """Adapter entry point; files: a voice's .onnx and its .onnx.json. Options: threads."""
    model = next(p for p in spec.files.values() if p.suffix == ".onnx")
    config = model.with_name(model.name + ".json")
    if not config.exists():
        raise ValueError(f"{model} has no {config.name} beside it")
    return Piper(model, config, threads=int(spec.options.get("threads", 2)))
